"""One run over a directory, from its first question to a plan of what it would change.

Nothing that is read counts before the directory answered to the end: whatever goes wrong fails
the run, and everybody stays as they are.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from connectors.port import (
    ConnectorError,
    CursorRefused,
    DirectoryRead,
    DirectoryUnavailable,
)
from connectors.records import Cursor, DirectoryEntry, RejectedEntry
from idp.core.runtime import Runtime
from idp.core.sync.brake import find_holds
from idp.core.sync.differences import write_differences
from idp.core.sync.runs import (
    Reading,
    Run,
    RunMode,
    RunState,
    begin_run,
    fail_run,
    hold_directory,
    release_directory,
    run_of,
)
from idp.core.sync.staging import (
    GONE,
    GONE_GROUP,
    SEEN,
    SEEN_GROUP,
    stage_groups,
    stage_ids,
    stage_people,
    stage_sightings,
)
from idp.core.work import Actor
from idp.errors import Conflict, IdpError, Unavailable
from idp.ids import RealmName
from idp.store.directories import READ_TABLES, DirectoryRow, DirectoryRunRow
from idp.store.directory_members import forget_stage
from idp.store.statistics import MANY, refresh_statistics

_FORGET = 5000
_MOST_REJECTED_PERCENT = 1
_ALWAYS_REJECTABLE = 20


def read_directory(
    runtime: Runtime, realm: RealmName, name: str, mode: RunMode, actor: Actor
) -> Run:
    """Read a directory and write down what that would change; changes nobody.

    An incremental run whose cursor the directory does not know any more becomes a full one.

    Returns:
        The run: `planned`, or `held` when only an administrator may apply it.

    Raises:
        NotFound: `directory.not_found`.
        Conflict: `directory.busy`; `directory.misconfigured` and `directory.untrustworthy`, with
            the `reason`; the run failed.
        Unavailable: `directory.unavailable`; the run failed.
    """
    reading = begin_run(runtime, realm, name, mode, actor)
    for orphan in reading.orphans:
        forget_run(runtime, realm, orphan)
    with _failing(reading):
        reading, cursor, staged = _stage(reading)
        if staged >= MANY:
            with runtime.begin(realm) as uow:
                refresh_statistics(uow.db.connection(), READ_TABLES)
        counts = write_differences(reading)
        _require_trust(counts)
        return _close(reading, counts, cursor)


def forget_run(runtime: Runtime, realm: RealmName, run_id: str) -> None:
    """Delete what a run read."""
    deleted = _FORGET
    while deleted == _FORGET:
        with runtime.begin(realm) as uow:
            deleted = forget_stage(uow.db.connection(), uow.realm, run_id, limit=_FORGET)


@contextmanager
def _failing(reading: Reading) -> Iterator[None]:
    """Note why a run failed, forget what it read, and tell whoever asked for it."""
    try:
        yield
    except Exception as error:
        if not _is_taken_over(error):
            fail_run(reading, _reason_of(error))
        forget_run(reading.runtime, reading.realm, reading.run_id)
        if isinstance(error, DirectoryUnavailable):
            raise Unavailable("directory.unavailable", detail=error.reason) from error
        if isinstance(error, ConnectorError):
            raise Conflict("directory.misconfigured", reason=error.reason) from error
        raise


def _is_taken_over(error: Exception) -> bool:
    """Tell whether a run was silent too long, so that another one has ended it already."""
    return isinstance(error, Conflict) and error.code == "directory.busy"


def _reason_of(error: Exception) -> str:
    """Return why a run failed, for administrators; of a bug only its kind."""
    match error:
        case ConnectorError():
            return error.reason
        case IdpError():
            return str(error.params.get("reason", error.code))
        case _:
            return type(error).__name__


def _stage(reading: Reading) -> tuple[Reading, Cursor | None, int]:
    """Write down what a directory tells; return the cursor it gave, and how many rows that is."""
    source = reading.runtime.directories.source(reading.name)
    with source.read() as run:
        if reading.mode is RunMode.SWEEP:
            staged = stage_sightings(reading, run.sweep()) + stage_groups(reading, run.groups())
            return reading, None, staged
        if reading.mode is RunMode.INCREMENTAL:
            since = _find_cursor(reading)
            try:
                return reading, *_stage_changes(reading, run, since)
            except CursorRefused:
                reading = _made_full(reading)
        return reading, *_stage_all(reading, run)


def _stage_all(reading: Reading, run: DirectoryRead) -> tuple[Cursor | None, int]:
    cursor = run.cursor  # before the first entry: what changes meanwhile comes again
    return cursor, stage_people(reading, run.entries()) + stage_groups(reading, run.groups())


def _stage_changes(
    reading: Reading, run: DirectoryRead, since: Cursor | None
) -> tuple[Cursor, int]:
    if since is None:
        raise CursorRefused("there was no run before")
    asked_at = reading.runtime.clock.now()
    changes = run.changes(since)
    people: tuple[DirectoryEntry | RejectedEntry, ...] = (
        *changes.people.entries,
        *changes.rejected,
    )
    staged = stage_people(reading, people, asked_at=asked_at)
    staged += stage_ids(reading, GONE, changes.people.gone)
    staged += stage_ids(reading, SEEN, changes.people.unchanged or ())
    staged += stage_groups(reading, changes.groups.entries)
    staged += stage_ids(reading, GONE_GROUP, changes.groups.gone)
    staged += stage_ids(reading, SEEN_GROUP, changes.groups.unchanged or ())
    return changes.cursor, staged


def _find_cursor(reading: Reading) -> Cursor | None:
    with reading.runtime.begin(reading.realm, write=False) as uow:
        row = uow.db.get(DirectoryRow, (uow.realm, reading.name))
        return None if row is None or row.cursor is None else Cursor(row.cursor)


def _made_full(reading: Reading) -> Reading:
    with reading.runtime.begin(reading.realm) as uow:
        row = uow.db.get_one(DirectoryRunRow, (uow.realm, reading.run_id))
        row.mode = RunMode.FULL.value
    return replace(reading, mode=RunMode.FULL)


def _require_trust(counts: dict[str, int]) -> None:
    """Refuse a run that could not understand much of what it read."""
    most = max(_ALWAYS_REJECTABLE, counts["seen"] * _MOST_REJECTED_PERCENT // 100)
    if counts["rejected"] > most:
        reason = f"{counts['rejected']} entries are no accounts; at most {most} may be"
        raise Conflict("directory.untrustworthy", reason=reason)


def _close(reading: Reading, counts: dict[str, int], cursor: Cursor | None) -> Run:
    with reading.runtime.begin(reading.realm, actor=reading.actor) as uow:
        directory = hold_directory(uow, reading.name)
        if directory.reader != reading.run_id:
            raise Conflict("directory.busy", name=reading.name)
        row = uow.db.get_one(DirectoryRunRow, (uow.realm, reading.run_id))
        row.counts = counts
        row.cursor = cursor
        row.held_because = find_holds(uow, row, counts, reading.connector, directory.seen)
        row.state = (RunState.HELD if row.held_because else RunState.PLANNED).value
        release_directory(uow, reading)
        return run_of(row)
