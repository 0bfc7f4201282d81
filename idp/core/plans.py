"""Plan, review, apply, undo: one mechanism for every dangerous act.

A plan is computed and stored with a fingerprint of what it will do, applied once at most, by
exactly what was reviewed, and undone while that still makes sense. The acts are in `plan_kinds`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from idp.core.events import Event, EventCode
from idp.core.plan_kinds import PLAN_KINDS
from idp.core.planning import PLAN_LIFE, PlanKind, PlanState
from idp.core.runtime import Runtime
from idp.core.work import NO_TRACE, Actor, Trace, UnitOfWork
from idp.errors import Conflict, InvalidInput, NotFound
from idp.ids import RealmName
from idp.store.plans import PlanRow, PlanTargetRow
from idp.store.users import UserRow


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanView:
    """A plan as its reviewers see it; nothing secret is in it."""

    id: str
    realm: RealmName
    kind: str
    state: PlanState
    fingerprint: str
    summary: str
    counts: Mapping[str, object]
    params: Mapping[str, object]
    job_id: str | None
    author_id: str | None
    created_at: datetime
    expires_at: datetime
    applied_at: datetime | None


@dataclass(frozen=True, slots=True)
class PlanTarget:
    """A user that a plan names: to be acted upon, or left out for the reason `excluded`.

    `outcome` is None until the job came by, then `done`, `skipped:REASON` or, later, `undone`.
    """

    user_id: str
    username: str
    excluded: str | None
    warning: str | None
    outcome: str | None


def create_plan(
    runtime: Runtime,
    realm: RealmName,
    kind: str,
    params: Mapping[str, object],
    actor: Actor,
    trace: Trace = NO_TRACE,
) -> PlanView:
    """Compute a plan, store it for 24 hours and return it. Nothing is changed yet.

    Raises:
        InvalidInput: an unknown kind, or parameters that the kind does not take.
        PasswordRejected, Conflict, PreconditionFailed, NotFound: the kind refuses to plan this.
    """
    chosen = _kind(kind)
    draft_in = chosen.prepare(runtime, realm, params, actor)
    with runtime.begin(realm, actor=actor, trace=trace) as uow:
        row = PlanRow(
            id=uow.new_id(),
            kind=kind,
            params={},
            fingerprint="",
            summary="",
            counts={},
            state=PlanState.PLANNED.value,
            author_id=actor.id if actor.kind == "user" else None,
            created_at=uow.now,
            expires_at=uow.now + PLAN_LIFE,
        )
        uow.db.add(row)
        uow.db.flush()
        draft = draft_in(uow, row.id)
        row.params = dict(draft.params)
        row.secret = draft.secret
        row.fingerprint = draft.fingerprint
        row.summary = draft.summary
        row.counts = dict(draft.counts)
        told = {"plan_id": row.id, "kind": kind, "summary": draft.summary}
        uow.record(Event(code=EventCode.PLAN_CREATED, params=told))
        uow.db.flush()
        return _view(uow, row)


def apply_plan(
    runtime: Runtime,
    realm: RealmName,
    plan_id: str,
    fingerprint: str | None,
    actor: Actor,
    trace: Trace = NO_TRACE,
) -> str:
    """Start what a plan says, once, and return the id of the job that does it.

    Args:
        fingerprint: of the plan that was reviewed; None when the caller has just shown it.

    Raises:
        NotFound: no such plan.
        Conflict: applied already, expired, another fingerprint, or `plan_outdated`.
    """
    with runtime.begin(realm, write=False) as uow:  # a look at everybody must not keep a lock
        row = _get_row(uow, plan_id)
        _check_applicable(uow, row, fingerprint)
        kind = _kind(row.kind)
        kind.look(uow, row)
    with runtime.begin(realm, actor=actor, trace=trace) as uow:
        row = _hold_row(uow, plan_id)
        _check_applicable(uow, row, fingerprint)
        kind.check(uow, row)
        row.state = PlanState.APPLYING.value
        row.applied_at = uow.now
        row.job_id = kind.apply(uow, row)
        return row.job_id


def undo_plan(
    runtime: Runtime, realm: RealmName, plan_id: str, actor: Actor, trace: Trace = NO_TRACE
) -> str:
    """Start taking back what a plan did, and return the id of the job that does it.

    Raises:
        NotFound: no such plan.
        Conflict: not applied, still being applied or undone, undone already, or too late.
    """
    with runtime.begin(realm, actor=actor, trace=trace) as uow:
        row = _hold_row(uow, plan_id)
        if row.state not in (PlanState.APPLIED, PlanState.CANCELLED) or row.job_id is None:
            raise Conflict("plan.not_undoable", plan_id=plan_id, state=row.state)
        row.state = PlanState.UNDOING.value
        row.job_id = _kind(row.kind).undo(uow, row)
        return row.job_id


def get_plan(uow: UnitOfWork, plan_id: str) -> PlanView:
    """Return a plan of this realm.

    Raises:
        NotFound: there is none with that id.
    """
    return _view(uow, _get_row(uow, plan_id))


def list_plans(
    uow: UnitOfWork, *, limit: int = 100, before: str | None = None, kind: str | None = None
) -> list[PlanView]:
    """Return the plans of this realm, newest first; `before` is the last id of the page before."""
    query = sa.select(PlanRow).order_by(PlanRow.id.desc()).limit(limit)
    if before is not None:
        query = query.where(PlanRow.id < before)
    if kind is not None:
        query = query.where(PlanRow.kind == kind)
    return [_view(uow, row) for row in uow.db.scalars(query)]


def list_plan_targets(
    uow: UnitOfWork, plan_id: str, *, limit: int = 100, after: str = ""
) -> list[PlanTarget]:
    """Return whom a plan names, those left out included, in the order of their ids.

    Args:
        after: the last user id of the page before.

    Raises:
        NotFound: there is no such plan.
    """
    get_plan(uow, plan_id)
    target = PlanTargetRow
    query = (
        sa.select(target.user_id, UserRow.username, target.excluded, target.warning, target.outcome)
        .join(UserRow, sa.and_(UserRow.realm == target.realm, UserRow.id == target.user_id))
        .where(target.plan_id == plan_id, target.user_id > after)
        .order_by(target.user_id)
        .limit(limit)
    )
    return [PlanTarget(*row) for row in uow.db.execute(query)]


def _kind(name: str) -> PlanKind:
    found = next((kind for kind in PLAN_KINDS if kind.name == name), None)
    if found is None:
        known = [kind.name for kind in PLAN_KINDS]
        raise InvalidInput("plan.kind_unknown", kind=name, known=known)
    return found


def _get_row(uow: UnitOfWork, plan_id: str) -> PlanRow:
    row = uow.db.get(PlanRow, (uow.realm, plan_id))
    if row is None:
        raise NotFound("plan.not_found", plan_id=plan_id)
    return row


def _hold_row(uow: UnitOfWork, plan_id: str) -> PlanRow:
    """Return a plan that nobody else applies or undoes before this unit ends."""
    row = uow.db.get(PlanRow, (uow.realm, plan_id), with_for_update=True)
    if row is None:
        raise NotFound("plan.not_found", plan_id=plan_id)
    return row


def _check_applicable(uow: UnitOfWork, row: PlanRow, fingerprint: str | None) -> None:
    if row.state != PlanState.PLANNED:
        raise Conflict("plan.not_applicable", plan_id=row.id, state=row.state, job_id=row.job_id)
    if uow.now >= row.expires_at:
        raise Conflict("plan.expired", plan_id=row.id, expired_at=row.expires_at.isoformat())
    if fingerprint is not None and fingerprint != row.fingerprint:
        raise Conflict("plan.fingerprint_differs", plan_id=row.id)


def _view(uow: UnitOfWork, row: PlanRow) -> PlanView:
    is_expired = row.state == PlanState.PLANNED and uow.now >= row.expires_at
    return PlanView(
        id=row.id,
        realm=uow.realm,
        kind=row.kind,
        state=PlanState.EXPIRED if is_expired else PlanState(row.state),
        fingerprint=row.fingerprint,
        summary=row.summary,
        counts=row.counts,
        params=row.params,
        job_id=row.job_id,
        author_id=row.author_id,
        created_at=row.created_at,
        expires_at=row.expires_at,
        applied_at=row.applied_at,
    )
