"""The plan kind `directory.sync`: read a directory, review what would change, apply just that."""

import hashlib
from collections.abc import Mapping

import sqlalchemy as sa

from idp.core.events import Event, EventCode
from idp.core.jobs import enqueue_job
from idp.core.planning import OUTDATED, Draft, Drafting, PlanKind
from idp.core.runtime import Runtime
from idp.core.sync.applying import APPLY_JOB
from idp.core.sync.differences import ACTS, DOINGS
from idp.core.sync.mapping import scope_digest
from idp.core.sync.reading import read_directory
from idp.core.sync.runs import Run, RunMode, RunState, get_run, hold_directory
from idp.core.work import Actor, UnitOfWork
from idp.errors import Conflict, InvalidInput
from idp.ids import RealmName
from idp.store.directories import DirectoryChangeRow, DirectoryRunRow
from idp.store.plans import PlanRow

KIND_NAME = "directory.sync"
_PARAMS = ("connector", "mode", "run_id")
_WORDS = {
    "create": "new",
    "update": "changed",
    "disable": "disabled",
    "enable": "enabled",
    "gone": "gone",
    "moved": "moved",
    "group_create": "new groups",
    "group_update": "changed groups",
    "group_gone": "groups gone",
    "conflict": "in conflict",
    "rejected": "rejected",
}


def _prepare(
    runtime: Runtime, realm: RealmName, params: Mapping[str, object], actor: Actor
) -> Drafting:
    unknown = sorted(set(params) - set(_PARAMS))
    if unknown:
        raise InvalidInput("plan.params_unknown", params=unknown, known=list(_PARAMS))
    run = _run_of(runtime, realm, params, actor)

    def draft(uow: UnitOfWork, plan_id: str) -> Draft:
        row = uow.db.get_one(DirectoryRunRow, (uow.realm, run.id), with_for_update=True)
        if row.plan_id is not None:
            raise Conflict("directory.run_planned", run_id=row.id, plan_id=row.plan_id)
        row.plan_id = plan_id
        if row.held_because:
            _note_held(uow, row)
        return Draft(
            params={"connector": row.connector, "mode": row.mode, "run_id": row.id},
            fingerprint=_fingerprint(uow, row),
            summary=_summary(row),
            counts={**row.counts, "held_because": list(row.held_because)},
        )

    return draft


def _run_of(runtime: Runtime, realm: RealmName, params: Mapping[str, object], actor: Actor) -> Run:
    """Return the run that was read already, or read the directory now."""
    run_id = params.get("run_id")
    if isinstance(run_id, str):
        with runtime.begin(realm, write=False) as uow:
            return get_run(uow, run_id)
    name, mode = params.get("connector"), params.get("mode", RunMode.FULL.value)
    if not isinstance(name, str):
        reason = "must name a directory"
        raise InvalidInput("plan.param_invalid", param="connector", reason=reason)
    if mode not in tuple(RunMode):
        reason = f"must be one of {', '.join(RunMode)}"
        raise InvalidInput("plan.param_invalid", param="mode", reason=reason)
    return read_directory(runtime, realm, name, RunMode(str(mode)), actor)


def _note_held(uow: UnitOfWork, run: DirectoryRunRow) -> None:
    directory = hold_directory(uow, run.connector)
    if directory.held_run_id is None:
        told = {
            "connector": run.connector,
            "mode": run.mode,
            "run_id": run.id,
            "counts": {name: count for name, count in run.counts.items() if count},
            "held_because": list(run.held_because),
        }
        uow.record(Event(code=EventCode.DIRECTORY_SYNC_HELD, params=told))
    directory.held_run_id = run.id


def _summary(run: DirectoryRunRow) -> str:
    found = [f"{run.counts[name]} {word}" for name, word in _WORDS.items() if run.counts[name]]
    told = ", ".join(found) or "nothing changes"
    return f"Sync of {run.connector} ({run.mode}): {told}"


def _fingerprint(uow: UnitOfWork, run: DirectoryRunRow) -> str:
    """Return a digest of every change with what it is to begin with and to become."""
    change = DirectoryChangeRow
    query = (
        sa.select(
            change.op, change.stable_id, change.digest_before, change.digest, change.address_hash
        )
        .where(change.run_id == run.id, change.op.in_(ACTS))
        .order_by(change.position)
        .execution_options(yield_per=1000)
    )
    found = hashlib.sha256(f"{uow.realm}\n{run.connector}\n{run.scope_digest}\n".encode())
    for row in uow.db.execute(query):
        found.update("\t".join(str(part) for part in row).encode() + b"\n")
    return found.hexdigest()


def _check(uow: UnitOfWork, plan: PlanRow) -> None:
    """Refuse what cannot be applied any more; each change looks for itself whether it fits."""
    run = uow.db.get_one(DirectoryRunRow, (uow.realm, plan.params["run_id"]), with_for_update=True)
    directory = hold_directory(uow, run.connector)
    if run.state not in (RunState.PLANNED, RunState.HELD):
        raise Conflict(OUTDATED, reason="its run is over")
    later = sa.select(DirectoryRunRow.id).where(
        DirectoryRunRow.connector == run.connector,
        DirectoryRunRow.id > run.id,
        DirectoryRunRow.started_at > run.started_at,
        DirectoryRunRow.mode.in_((RunMode.FULL.value, RunMode.SWEEP.value)),
        DirectoryRunRow.state == RunState.APPLIED.value,
    )
    if uow.db.scalar(later.limit(1)) is not None:
        raise Conflict(OUTDATED, reason="a later run saw everybody")
    connector = uow.runtime.config.connectors_of(uow.realm).get(run.connector)
    if connector is None or scope_digest(connector) != run.scope_digest:
        raise Conflict(OUTDATED, reason="the settings mean other accounts since")
    if directory.reads_until is not None and directory.reads_until > uow.now:
        raise Conflict("directory.busy", name=run.connector)


def _apply(uow: UnitOfWork, plan: PlanRow) -> str:
    run = uow.db.get_one(DirectoryRunRow, (uow.realm, plan.params["run_id"]))
    run.state = RunState.APPLYING.value
    params = {"plan_id": plan.id, "run_id": run.id}
    total = sum(run.counts[name] for name in DOINGS)
    return enqueue_job(uow, APPLY_JOB, params, total)


def _undo(uow: UnitOfWork, plan: PlanRow) -> str:
    """Refuse: what a directory says is taken back in the directory."""
    del uow
    raise Conflict("plan.not_undoable", plan_id=plan.id, state=plan.state)


KIND = PlanKind(name=KIND_NAME, prepare=_prepare, check=_check, apply=_apply, undo=_undo)
