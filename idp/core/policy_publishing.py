"""The plan kind `policy.publish`: what a new policy would do to whom, then publish it.

Publishing is one small transaction, so applying does it at once; its job is only the record.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from idp.config import Config
from idp.core.jobs import record_finished_job
from idp.core.planning import OUTDATED, Draft, Drafting, PlanKind, PlanState
from idp.core.policies import current_policy, policy_version
from idp.core.policy_report import select_of_active_users
from idp.core.policy_versions import (
    NewVersion,
    append_version,
    get_policy_version,
    read_policy,
)
from idp.core.policy_words import describe_change, find_conflicts
from idp.core.runtime import Runtime
from idp.core.work import Actor, UnitOfWork
from idp.errors import Conflict, InvalidInput, PreconditionFailed
from idp.ids import RealmName
from idp.store.plans import PlanRow
from idp.store.users import CredentialRow
from policy.engine import compare, marks
from policy.model import Enforcement, PolicyVersion
from policy.parse import digest
from policy.verdict import Direction

KIND_NAME = "policy.publish"
_MAX_COMMENT = 1024
_PARAMS = ("policy", "base_version", "accept_conflicts", "comment")


class Effect(StrEnum):
    """What a publication means for the users whose password it marks."""

    MUST_CHANGE = "must_change_at_next_sign_in"
    JUDGED = "judged_at_next_sign_in"
    NOTHING = "not_asked"


_EFFECTS: Mapping[Enforcement, Effect] = {
    Enforcement.EVERYONE: Effect.MUST_CHANGE,
    Enforcement.NONCOMPLIANT: Effect.JUDGED,
    Enforcement.NEVER: Effect.NOTHING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """What somebody wants to publish."""

    document: Mapping[str, object]
    policy: PolicyVersion
    base_version: int | None
    accept_conflicts: bool
    comment: str | None


def _prepare(
    runtime: Runtime, realm: RealmName, params: Mapping[str, object], actor: Actor
) -> Drafting:
    del actor
    _check_owner(runtime.config, realm)
    order = _read_order(realm, params)
    conflicts = find_conflicts(order.policy)
    if conflicts and not order.accept_conflicts:
        raise Conflict("policy.conflicts_with_nist", conflicts=list(conflicts))

    def draft(uow: UnitOfWork, plan_id: str) -> Draft:
        del plan_id
        return _draft(uow, order, conflicts)

    return draft


def _check_owner(config: Config, realm: RealmName) -> None:
    if config.realm(realm).policy_managed_by == "config":
        raise Conflict("policy.managed_by_config", realm=realm)


def _read_order(realm: RealmName, params: Mapping[str, object]) -> _Order:
    unknown = sorted(set(params) - set(_PARAMS))
    if unknown:
        raise InvalidInput("plan.params_unknown", params=unknown, known=list(_PARAMS))
    document = params.get("policy")
    if not isinstance(document, Mapping):
        raise InvalidInput("policy.invalid", path="policy", reason="must be a policy document")
    base, comment = params.get("base_version"), params.get("comment")
    if base is not None and (not isinstance(base, int) or isinstance(base, bool)):
        raise InvalidInput("plan.param_invalid", param="base_version", reason="must be a number")
    if comment is not None and (not isinstance(comment, str) or len(comment) > _MAX_COMMENT):
        reason = f"must be text of at most {_MAX_COMMENT} characters"
        raise InvalidInput("plan.param_invalid", param="comment", reason=reason)
    accept = params.get("accept_conflicts", False)
    if not isinstance(accept, bool):
        reason = "must be true or false"
        raise InvalidInput("plan.param_invalid", param="accept_conflicts", reason=reason)
    policy = read_policy(realm, document)
    return _Order(
        document=document,
        policy=policy,
        base_version=base,
        accept_conflicts=accept,
        comment=comment,
    )


def _draft(uow: UnitOfWork, order: _Order, conflicts: tuple[str, ...]) -> Draft:
    current = current_policy(uow)
    if order.base_version not in (None, current.number):
        raise PreconditionFailed("policy.version_moved", current_version=current.number)
    diff = describe_change(current, order.policy)
    effect = _EFFECTS[order.policy.enforcement]
    counts = _count(uow, current, order.policy)
    changed = "; ".join(diff) or "nothing changes"
    return Draft(
        params={
            "policy": dict(order.document),
            "base_version": current.number,
            "accept_conflicts": order.accept_conflicts,
            "comment": order.comment,
        },
        fingerprint=_fingerprint(uow.realm, current.number, order.policy),
        summary=f"Publish policy version {current.number + 1} of {uow.realm}: {changed}"[:1024],
        counts={
            **counts,
            "effect": effect.value,
            "diff": list(diff),
            "conflicts": list(conflicts),
        },
    )


def _fingerprint(realm: RealmName, base: int, policy: PolicyVersion) -> str:
    return hashlib.sha256(f"{realm}\n{base}\n{digest(policy)}".encode()).hexdigest()


def _count(uow: UnitOfWork, current: PolicyVersion, new: PolicyVersion) -> dict[str, object]:
    """Count the active users by what the new version would mean for them."""
    directions = compare(current, new)
    marked = unjudged = accepted = marked_before = 0
    for judged_under, count in _credentials_by_version(uow):
        judge = policy_version(uow, judged_under) if judged_under else None
        marked_before += count if marks(judge, current) else 0
        if judge is None:
            unjudged += count
        elif marks(judge, new):
            marked += count
        else:
            accepted += count
    return {
        "stricter": sorted(
            name for name, way in directions.items() if way in (Direction.STRICTER, Direction.MIXED)
        ),
        "looser": sorted(
            name for name, way in directions.items() if way in (Direction.LOOSER, Direction.MIXED)
        ),
        "marked": marked,
        "never_judged": unjudged,
        "accepted": accepted,
        "marked_by_current": marked_before,
    }


def _credentials_by_version(uow: UnitOfWork) -> list[tuple[int, int]]:
    query = (
        select_of_active_users(CredentialRow.judged_under, sa.func.count())
        .where(CredentialRow.user_id.is_not(None))
        .group_by(CredentialRow.judged_under)
    )
    return [(version, count) for version, count in uow.db.execute(query)]


def _check(uow: UnitOfWork, plan: PlanRow) -> None:
    _check_owner(uow.runtime.config, uow.realm)
    current = current_policy(uow).number
    if current != plan.params["base_version"]:
        raise Conflict(OUTDATED, reason="another policy was published", current_version=current)


def _apply(uow: UnitOfWork, plan: PlanRow) -> str:
    new = NewVersion(
        policy=read_policy(uow.realm, plan.params["policy"]),
        document=plan.params["policy"],
        origin="admin",
        comment=plan.params["comment"],
    )
    try:
        number = append_version(uow, new, base=plan.params["base_version"])
    except Conflict as error:
        raise Conflict(OUTDATED, reason="another policy was published") from error
    plan.counts = {**plan.counts, "version": number}
    plan.state = PlanState.APPLIED.value
    return record_finished_job(uow, KIND_NAME, {"plan_id": plan.id, "version": number})


def _undo(uow: UnitOfWork, plan: PlanRow) -> str:
    """Publish the version before anew, if nothing was published since."""
    _check_owner(uow.runtime.config, uow.realm)
    published = plan.counts["version"]
    if current_policy(uow).number != published:
        raise Conflict("plan.undo_too_late", reason="another policy was published since")
    before = get_policy_version(uow, plan.params["base_version"])
    new = NewVersion(
        policy=read_policy(uow.realm, before.document),
        document=before.document,
        origin="admin",
        comment=f"undo of version {published}",
    )
    number = append_version(uow, new, base=published)
    plan.state = PlanState.UNDONE.value
    return record_finished_job(uow, KIND_NAME, {"plan_id": plan.id, "version": number})


KIND = PlanKind(name=KIND_NAME, prepare=_prepare, check=_check, apply=_apply, undo=_undo)
