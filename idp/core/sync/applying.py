"""What a run found, applied by a job: people, moves, groups, then who is in which group.

A batch is one transaction with the job's cursor, and each change looks whether the account is
still as it was reviewed. So a killed worker loses nothing, and its successor repeats nothing. The
directory's cursor moves in the last transaction of all.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from idp.core.events import Event, EventCode
from idp.core.job_leases import JobKind, Step
from idp.core.jobs import Job
from idp.core.planning import PlanState
from idp.core.sync import group_acts, people_acts
from idp.core.sync.addresses import Applying
from idp.core.sync.change_rows import DONE
from idp.core.sync.group_changes import MOVED
from idp.core.sync.memberships import affected_groups, all_groups, settle_some
from idp.core.sync.runs import RunMode, RunState, hold_directory
from idp.core.sync.sightings import moved_links
from idp.core.work import UnitOfWork
from idp.errors import Conflict
from idp.store.directories import (
    APPLIED_TABLES,
    DirectoryChangeRow,
    DirectoryRunRow,
)
from idp.store.directory_members import forget_stage
from idp.store.plans import PlanRow
from idp.store.statistics import MANY, refresh_statistics

APPLY_JOB = "directory.apply"
BATCH = 250
_FORGET = 5000
_BEFORE_ALL = -1
_PEOPLE, _NEW, _LISTS = "people", "new", "lists"
_MOVES, _SETTLING, _END = "moves:", "settling:", "end:"
_MOST_OF_ALL = 10
"""One in so many people may change before all groups are settled."""
_PHASES = {
    _PEOPLE: (("gone", "disable", "enable", "update"), f"{_NEW}:{_BEFORE_ALL}"),
    _NEW: (("create",), _MOVES),
    _LISTS: (("group_gone", "group_create", "group_update"), _SETTLING),
}
"""Which changes each phase applies, in the order of their positions, and what follows it.

People who move are noted before groups, which list them where they lie now.
"""


def apply_batch(uow: UnitOfWork, job: Job) -> Step:
    """Apply the next changes of a run, or settle the next groups."""
    run = uow.db.get_one(DirectoryRunRow, (uow.realm, str(job.params["run_id"])))
    if run.state != RunState.APPLYING:
        raise Conflict("directory.run_over", run_id=run.id, state=run.state)
    applying = Applying(run.connector, run.id)
    phase, _, after = (job.cursor or f"{_PEOPLE}:{_BEFORE_ALL}").partition(":")
    match phase:
        case "people" | "new" | "lists":
            return _apply_changes(uow, applying, phase, int(after))
        case "moves":
            return _apply_moves(uow, applying)
        case "settling":
            return _settle_next(uow, applying, after)
        case _:
            return _finish(uow, run, str(job.params["plan_id"]))


def note_cancelled(uow: UnitOfWork, job: Job) -> None:
    """Leave what was applied as it is; the directory's cursor does not move."""
    run = uow.db.get_one(DirectoryRunRow, (uow.realm, str(job.params["run_id"])))
    run.state = RunState.DISCARDED.value
    run.finished_at = uow.now
    plan = uow.db.get_one(PlanRow, (uow.realm, str(job.params["plan_id"])))
    plan.state = PlanState.CANCELLED.value


def take_cursor(uow: UnitOfWork, run: DirectoryRunRow) -> None:
    """Note that a run is over and everything it found was applied."""
    directory = hold_directory(uow, run.connector)
    directory.held_run_id = None
    directory.unsettled = None
    match run.mode:
        case RunMode.FULL:
            directory.scope_digest = run.scope_digest
            directory.seen = run.counts["seen"]
            directory.full_at = directory.swept_at = directory.changes_at = run.started_at
            directory.cursor = run.cursor
        case RunMode.INCREMENTAL:
            directory.changes_at = run.started_at
            directory.cursor = run.cursor
        case _:
            directory.swept_at = run.started_at
            if run.counts["returned"]:
                directory.full_at = None  # only a full run takes them back
    run.state = RunState.APPLIED.value
    run.finished_at = uow.now


def _apply_changes(uow: UnitOfWork, applying: Applying, phase: str, after: int) -> Step:
    """Apply the next changes of a phase; the last batch of it leads to the next phase."""
    _note_unsettled(uow, applying)
    change = DirectoryChangeRow
    ops, following = _PHASES[phase]
    run = uow.db.get_one(DirectoryRunRow, (uow.realm, applying.run_id))
    are_many = sum(run.counts[op] for op in ops) >= MANY
    rows = uow.db.scalars(
        sa.select(change)
        .where(change.run_id == applying.run_id, change.position > after, change.op.in_(ops))
        .order_by(change.position)
        .limit(BATCH)
    ).all()
    if not rows:
        if are_many or (following == _MOVES and run.counts["moved"] >= MANY):
            refresh_statistics(uow.db.connection(), APPLIED_TABLES)
        return Step(cursor=following)
    if phase == _NEW:
        people_acts.create(uow, applying, rows)
    else:
        if phase == _LISTS:
            group_acts.hold_groups(uow, applying, rows)
        for row in rows:
            row.outcome = _apply_one(uow, applying, row)
    if are_many and after == _BEFORE_ALL:
        uow.db.flush()
        refresh_statistics(uow.db.connection(), APPLIED_TABLES)
    return Step(done=len(rows), cursor=f"{phase}:{rows[-1].position}")


def _note_unsettled(uow: UnitOfWork, applying: Applying) -> None:
    directory = hold_directory(uow, applying.connector)
    directory.unsettled = directory.unsettled or applying.run_id


def _apply_one(uow: UnitOfWork, applying: Applying, row: DirectoryChangeRow) -> str:
    match row.op:
        case "gone":
            return people_acts.take_away(uow, applying, row)
        case "group_create":
            return group_acts.create_group(uow, applying, row)
        case "group_update":
            return group_acts.update_group(uow, applying, row)
        case "group_gone":
            return group_acts.remove_group(uow, row)
        case _:
            return people_acts.update(uow, applying, row)


def _apply_moves(uow: UnitOfWork, applying: Applying) -> Step:
    _note_unsettled(uow, applying)
    query = moved_links(applying.run_id, applying.connector).limit(BATCH)
    moved = uow.db.execute(query).all()
    if moved:
        people_acts.move(uow, applying, moved)
        return Step(done=len(moved), cursor=_MOVES)
    return Step(cursor=f"{_LISTS}:{_BEFORE_ALL}")


def _settle_next(uow: UnitOfWork, applying: Applying, after: str) -> Step:
    if _is_all_to_settle(uow, applying):
        affected = all_groups(uow, applying.connector)
    else:
        changed = _changed_groups(uow, applying)
        affected = affected_groups(uow, applying.connector, applying.run_id, changed)
    waiting = [group for group in affected if group > after]
    if not waiting:
        return Step(cursor=_END)
    last = settle_some(uow, applying.connector, waiting)
    return Step(cursor=f"{_SETTLING}{last}")


def _is_all_to_settle(uow: UnitOfWork, applying: Applying) -> bool:
    """Tell whether an earlier run stopped half way, or groups left or moved that others list.

    Or so many people changed that to find their groups, for each batch anew, takes longer.
    """
    directory = hold_directory(uow, applying.connector)
    if directory.unsettled != applying.run_id:
        return True
    run = uow.db.get_one(DirectoryRunRow, (uow.realm, applying.run_id))
    people = sum(run.counts[op] for op in (*_PHASES[_PEOPLE][0], *_PHASES[_NEW][0], "moved"))
    everybody = max(run.counts["seen"], directory.seen)  # an incremental run sees who changed
    if people >= max(MANY, everybody // _MOST_OF_ALL):
        return True
    change = DirectoryChangeRow
    elsewhere = sa.select(change.position).where(
        change.run_id == applying.run_id,
        sa.or_(
            change.op == "group_gone",
            sa.and_(change.op == "group_update", change.reason == MOVED),
        ),
    )
    return uow.db.scalar(elsewhere.limit(1)) is not None


def _changed_groups(uow: UnitOfWork, applying: Applying) -> Sequence[str]:
    change = DirectoryChangeRow
    query = sa.select(change.subject_id).where(
        change.run_id == applying.run_id,
        change.op.in_(("group_create", "group_update")),
        change.outcome == DONE,
        change.subject_id.is_not(None),
    )
    return [group for group in uow.db.scalars(query) if group is not None]


def _finish(uow: UnitOfWork, run: DirectoryRunRow, plan_id: str) -> Step:
    if forget_stage(uow.db.connection(), uow.realm, run.id, limit=_FORGET) == _FORGET:
        return Step(cursor=_END)
    take_cursor(uow, run)
    plan = uow.db.get_one(PlanRow, (uow.realm, plan_id))
    plan.state = PlanState.APPLIED.value
    counts = {name: count for name, count in run.counts.items() if count}
    told = {"connector": run.connector, "mode": run.mode, "run_id": run.id, "counts": counts}
    uow.record(Event(code=EventCode.DIRECTORY_SYNCED, params=told))
    return Step(is_last=True)


APPLY = JobKind(name=APPLY_JOB, step=apply_batch, cancelled=note_cancelled)
