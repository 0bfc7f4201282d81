"""Runs over a directory: begun by one at a time, kept alive while they read, and how each ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa

from idp.config import Connector
from idp.core.events import Event, EventCode
from idp.core.jobs import JobState
from idp.core.runtime import Runtime
from idp.core.sync.mapping import scope_digest
from idp.core.work import Actor, UnitOfWork
from idp.errors import Conflict, NotFound
from idp.ids import RealmName
from idp.store.directories import DirectoryRow, DirectoryRunRow
from idp.store.jobs import JobRow
from idp.store.plans import PlanRow

READING_LEASE = timedelta(seconds=100)
"""How long a run may be silent before another one takes over; a page may take 60 seconds."""
READ = "read"
"""Counts the accounts that a run read so far; later there is `seen` instead."""
_LONGEST_ERROR = 1024


class RunMode(StrEnum):
    """How much a run reads: all, what changed, or only who is there (and all groups)."""

    FULL = "full"
    INCREMENTAL = "incremental"
    SWEEP = "sweep"


class RunState(StrEnum):
    """Where a run stands."""

    READING = "reading"
    PLANNED = "planned"
    HELD = "held"
    APPLYING = "applying"
    APPLIED = "applied"
    FAILED = "failed"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run, as administrators see it.

    Attributes:
        counts: how many of each kind of change, and `seen`, `unchanged`, `moved`; while it reads,
            only how many accounts were `read`.
        held_because: why it waits for an administrator.
    """

    id: str
    connector: str
    mode: RunMode
    state: RunState
    counts: Mapping[str, int]
    held_because: tuple[str, ...]
    error: str | None
    plan_id: str | None
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A run that is reading: what every step of it needs.

    `orphans` are runs whose process died before they were a plan; what they read is to be deleted.
    """

    runtime: Runtime
    realm: RealmName
    run_id: str
    name: str
    connector: Connector
    scope: str
    mode: RunMode
    actor: Actor
    orphans: tuple[str, ...]


def find_connector(runtime: Runtime, realm: RealmName, name: str) -> Connector:
    """Return the settings of a directory of this realm.

    Raises:
        NotFound: `directory.not_found`.
    """
    found = runtime.config.connectors_of(realm).get(name)
    if found is None:
        raise NotFound("directory.not_found", name=name)
    return found


def hold_directory(uow: UnitOfWork, name: str) -> DirectoryRow:
    """Return how far a directory was read, and keep others from changing it."""
    row = uow.db.get(DirectoryRow, (uow.realm, name), with_for_update=True, populate_existing=True)
    if row is None:
        row = DirectoryRow(name=name)
        uow.db.add(row)
        uow.db.flush()
    return row


def begin_run(
    runtime: Runtime, realm: RealmName, name: str, mode: RunMode, actor: Actor
) -> Reading:
    """Begin to read a directory; the run of a process that died is taken over.

    Raises:
        NotFound: `directory.not_found`.
        Conflict: `directory.busy`: another run reads it, or what one found is being applied.
    """
    connector = find_connector(runtime, realm, name)
    scope = scope_digest(connector)
    with runtime.begin(realm, actor=actor) as uow:
        directory = hold_directory(uow, name)
        _require_free(uow, directory)
        orphans = _end_orphans(uow, name)
        if directory.scope_digest != scope:
            mode = RunMode.FULL  # nothing less shows what these settings mean
        elif directory.unsettled is not None and mode is RunMode.INCREMENTAL:
            mode = RunMode.SWEEP  # groups may list where nobody lies any more
        run = DirectoryRunRow(
            id=uow.new_id(),
            connector=name,
            mode=mode.value,
            state=RunState.READING.value,
            scope_digest=scope,
            counts={},
            held_because=[],
            started_at=uow.now,
        )
        uow.db.add(run)
        directory.reader = run.id
        directory.reads_until = uow.now + READING_LEASE
        run_id = run.id
    return Reading(
        runtime=runtime,
        realm=realm,
        run_id=run_id,
        name=name,
        connector=connector,
        scope=scope,
        mode=mode,
        actor=actor,
        orphans=orphans,
    )


def keep_alive(uow: UnitOfWork, reading: Reading, more: int = 0) -> None:
    """Say that a run is still reading, and how many accounts it read since it last said so.

    Raises:
        Conflict: `directory.busy`: it was silent too long, and another run took over.
    """
    directory = hold_directory(uow, reading.name)
    if directory.reader != reading.run_id:
        raise Conflict("directory.busy", name=reading.name)
    directory.reads_until = uow.now + READING_LEASE
    run = uow.db.get_one(DirectoryRunRow, (uow.realm, reading.run_id))
    run.counts = {READ: run.counts.get(READ, 0) + more}


def release_directory(uow: UnitOfWork, reading: Reading) -> None:
    """Let the next run begin."""
    directory = hold_directory(uow, reading.name)
    if directory.reader == reading.run_id:
        directory.reader = None
        directory.reads_until = None


def fail_run(reading: Reading, reason: str) -> None:
    """Note why a run failed; whatever it read stands for nothing."""
    with reading.runtime.begin(reading.realm, actor=reading.actor) as uow:
        run = uow.db.get_one(DirectoryRunRow, (uow.realm, reading.run_id))
        run.state = RunState.FAILED.value
        run.error = reason[:_LONGEST_ERROR]
        run.finished_at = uow.now
        release_directory(uow, reading)
        told = {"connector": reading.name, "mode": run.mode, "reason": run.error}
        uow.record(Event(code=EventCode.DIRECTORY_SYNC_FAILED, params=told))


def list_runs(
    uow: UnitOfWork, name: str, *, limit: int = 20, before: str | None = None
) -> list[Run]:
    """Return the runs over a directory, newest first; `before` is the last id of the page before.

    Raises:
        NotFound: `directory.not_found`.
    """
    if name not in uow.runtime.config.connectors_of(uow.realm):
        raise NotFound("directory.not_found", name=name)
    query = (
        sa.select(DirectoryRunRow)
        .where(DirectoryRunRow.connector == name)
        .order_by(DirectoryRunRow.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(DirectoryRunRow.id < before)
    return [run_of(row) for row in uow.db.scalars(query)]


def find_last_run(uow: UnitOfWork, name: str) -> Run | None:
    """Return the newest run over a directory; None before the first."""
    query = (
        sa.select(DirectoryRunRow)
        .where(DirectoryRunRow.connector == name)
        .order_by(DirectoryRunRow.id.desc())
        .limit(1)
    )
    row = uow.db.scalars(query).one_or_none()
    return None if row is None else run_of(row)


def get_run(uow: UnitOfWork, run_id: str) -> Run:
    """Return a run of this realm.

    Raises:
        NotFound: `directory.run_not_found`.
    """
    row = uow.db.get(DirectoryRunRow, (uow.realm, run_id))
    if row is None:
        raise NotFound("directory.run_not_found", run_id=run_id)
    return run_of(row)


def run_of(row: DirectoryRunRow) -> Run:
    """Return what a row says."""
    return Run(
        id=row.id,
        connector=row.connector,
        mode=RunMode(row.mode),
        state=RunState(row.state),
        counts={name: int(count) for name, count in row.counts.items()},
        held_because=tuple(row.held_because),
        error=row.error,
        plan_id=row.plan_id,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


def _require_free(uow: UnitOfWork, directory: DirectoryRow) -> None:
    is_read = directory.reads_until is not None and directory.reads_until > uow.now
    if is_read or is_applied_now(uow, directory.name):
        raise Conflict("directory.busy", name=directory.name)
    for run, _ in _applied(uow, directory.name):
        run.state = RunState.FAILED.value
        run.error = "its job gave up; see `idp job list`"
        run.finished_at = uow.now


def is_applied_now(uow: UnitOfWork, name: str) -> bool:
    """Tell whether a job applies a run of a directory and has not given up."""
    return any(state != JobState.FAILED for _, state in _applied(uow, name))


def _applied(uow: UnitOfWork, name: str) -> list[tuple[DirectoryRunRow, str]]:
    query = (
        sa.select(DirectoryRunRow, JobRow.state)
        .join(
            PlanRow,
            sa.and_(PlanRow.realm == DirectoryRunRow.realm, PlanRow.id == DirectoryRunRow.plan_id),
        )
        .join(JobRow, sa.and_(JobRow.realm == PlanRow.realm, JobRow.id == PlanRow.job_id))
        .where(
            DirectoryRunRow.connector == name,
            DirectoryRunRow.state == RunState.APPLYING.value,
        )
    )
    return [(run, state) for run, state in uow.db.execute(query)]


def _end_orphans(uow: UnitOfWork, name: str) -> tuple[str, ...]:
    query = sa.select(DirectoryRunRow).where(
        DirectoryRunRow.connector == name,
        DirectoryRunRow.plan_id.is_(None),
        DirectoryRunRow.state.in_(
            (RunState.READING.value, RunState.PLANNED.value, RunState.HELD.value)
        ),
    )
    rows = uow.db.scalars(query).all()
    for row in rows:
        row.state = RunState.FAILED.value
        row.error = "its process died"
        row.finished_at = uow.now
    return tuple(row.id for row in rows)
