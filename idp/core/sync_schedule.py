"""What is due for a directory by itself, and doing it: read, and apply unless it is held.

Nothing happens by itself before an administrator applied a first plan, nor after the settings
began to mean other accounts.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from idp.config import Connector
from idp.core.planning import PLAN_LIFE
from idp.core.plans import apply_plan, create_plan
from idp.core.runtime import Runtime
from idp.core.sync.applying import take_cursor
from idp.core.sync.differences import DOINGS
from idp.core.sync.kind import KIND_NAME
from idp.core.sync.mapping import scope_digest
from idp.core.sync.reading import forget_run, read_directory
from idp.core.sync.runs import Run, RunMode, RunState, find_last_run, is_applied_now
from idp.core.work import SYSTEM, Actor
from idp.ids import RealmName
from idp.store.directories import (
    DirectoryChangeRow,
    DirectoryRow,
    DirectoryRunRow,
    DirectoryStageRow,
)

_AFTER_FAILURE = timedelta(minutes=1)
_KEPT = timedelta(days=30)
_UNAPPLIED = tuple(
    state.value for state in (RunState.PLANNED, RunState.HELD, RunState.FAILED, RunState.DISCARDED)
)


@dataclass(frozen=True, slots=True)
class Synced:
    """What came of a run: the job that applies it, or None when there was nothing to do."""

    run: Run
    plan_id: str | None = None
    job_id: str | None = None


def find_due(runtime: Runtime, realm: RealmName, name: str, connector: Connector) -> RunMode | None:
    """Return what is to be read of a directory now; None when nothing is."""
    with runtime.begin(realm, write=False) as uow:
        row = uow.db.get(DirectoryRow, (realm, name))
        if row is None or row.scope_digest != scope_digest(connector):
            return None
        if row.reads_until is not None and row.reads_until > uow.now:
            return None
        if is_applied_now(uow, name):
            return None
        last = find_last_run(uow, name)
        if last is not None and _is_too_soon(last, uow.now, connector):
            return None
        for mode, at, every in (
            (RunMode.FULL, row.full_at, connector.full_every),
            (RunMode.SWEEP, row.swept_at, connector.sweep_every),
            (RunMode.INCREMENTAL, row.changes_at, connector.changes_every),
        ):
            if every and (at is None or uow.now >= at + every):
                return mode
    return None


def _is_too_soon(last: Run, now: datetime, connector: Connector) -> bool:
    """Tell whether a run that came to nothing is not long enough ago."""
    if last.state == RunState.HELD:
        return now < last.started_at + (connector.sweep_every or connector.full_every)
    if last.state in (RunState.FAILED, RunState.PLANNED, RunState.DISCARDED):
        return now < last.started_at + max(_AFTER_FAILURE, connector.changes_every)
    return False


def sync_directory(
    runtime: Runtime, realm: RealmName, name: str, mode: RunMode, actor: Actor = SYSTEM
) -> Synced:
    """Read a directory and begin to apply what changed, unless it is held.

    Raises:
        NotFound, Conflict, Unavailable: as `read_directory`.
    """
    run = read_directory(runtime, realm, name, mode, actor)
    with runtime.begin(realm, write=False) as uow:
        is_settled = uow.db.get_one(DirectoryRow, (realm, name)).unsettled is None
    is_same = not any(run.counts[op] for op in DOINGS)
    if run.state is RunState.PLANNED and is_same and is_settled:
        _end_unchanged(runtime, realm, run)
        return Synced(run)
    plan = create_plan(runtime, realm, KIND_NAME, {"run_id": run.id}, actor)
    if run.state is RunState.HELD:
        return Synced(run, plan.id)
    return Synced(run, plan.id, apply_plan(runtime, realm, plan.id, plan.fingerprint, actor))


def _end_unchanged(runtime: Runtime, realm: RealmName, run: Run) -> None:
    forget_run(runtime, realm, run.id)
    with runtime.begin(realm, actor=SYSTEM) as uow:
        take_cursor(uow, uow.db.get_one(DirectoryRunRow, (realm, run.id)))


def forget_old_runs(runtime: Runtime, realm: RealmName, name: str) -> None:
    """Delete what nobody will apply any more, and runs that are a month old."""
    with runtime.begin(realm, write=False) as uow:
        row = DirectoryRunRow
        newest = uow.db.scalar(sa.select(sa.func.max(row.id)).where(row.connector == name))
        over = list(
            uow.db.scalars(
                sa.select(row.id)
                .where(
                    row.connector == name,
                    row.id != newest,
                    row.started_at < uow.now - PLAN_LIFE - _AFTER_FAILURE,
                    row.state.in_(_UNAPPLIED),
                    sa.exists().where(
                        DirectoryStageRow.realm == row.realm, DirectoryStageRow.run_id == row.id
                    ),
                )
                .limit(50)
            )
        )
        old = list(
            uow.db.scalars(
                sa.select(row.id)
                .where(
                    row.connector == name,
                    row.started_at < uow.now - _KEPT,
                    row.finished_at.is_not(None),
                    row.id != newest,
                )
                .limit(50)
            )
        )
    with runtime.begin(realm, actor=SYSTEM) as uow:
        uow.db.execute(
            sa.update(DirectoryRunRow)
            .where(
                DirectoryRunRow.id.in_(over),
                DirectoryRunRow.state.in_((RunState.PLANNED.value, RunState.HELD.value)),
            )
            .values(state=RunState.DISCARDED.value, finished_at=uow.now)
        )
        for query in (
            sa.delete(DirectoryChangeRow).where(DirectoryChangeRow.run_id.in_((*old, *over))),
            sa.delete(DirectoryRunRow).where(DirectoryRunRow.id.in_(old)),
        ):
            uow.db.execute(query, execution_options={"synchronize_session": False})
    for run_id in over:
        forget_run(runtime, realm, run_id)
