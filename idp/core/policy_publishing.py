"""The plan kind `policy.publish`: what a new policy would do to whom, then publish it.

Publishing is one small transaction, so applying does it at once; its job is only the record.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from idp.config import Config
from idp.core.jobs import record_finished_job
from idp.core.planning import OUTDATED, Draft, Drafting, PlanKind, PlanState
from idp.core.policies import current_policy
from idp.core.policy_preview import count_marks, preview, preview_counts
from idp.core.policy_rollout import hold_policy, require_groups, require_pace
from idp.core.policy_sources import require_sources
from idp.core.policy_versions import (
    NewVersion,
    append_version,
    get_policy_version,
    read_policy,
)
from idp.core.policy_words import describe_change, find_conflicts
from idp.core.policy_yardstick import planned
from idp.core.runtime import Runtime
from idp.core.work import Actor, UnitOfWork
from idp.errors import Conflict, InvalidInput, PreconditionFailed
from idp.ids import RealmName
from idp.store.plans import PlanRow
from policy.engine import compare
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
    OBSERVED = "only_observed"
    NOTHING = "not_asked"


_EFFECTS: Mapping[Enforcement, Effect] = {
    Enforcement.EVERYONE: Effect.MUST_CHANGE,
    Enforcement.NONCOMPLIANT: Effect.JUDGED,
    Enforcement.OBSERVE: Effect.OBSERVED,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Review:
    """What there is to say about an order, on top of version `base`."""

    base: int
    diff: tuple[str, ...]
    counts: Mapping[str, object]


def _prepare(
    runtime: Runtime, realm: RealmName, params: Mapping[str, object], actor: Actor
) -> Drafting:
    del actor
    _check_owner(runtime.config, realm)
    order = _read_order(runtime, realm, params)
    require_sources(runtime, order.policy)
    conflicts = find_conflicts(order.policy)
    if conflicts and not order.accept_conflicts:
        raise Conflict("policy.conflicts_with_nist", conflicts=list(conflicts))
    with runtime.begin(realm, write=False) as uow:  # a look at everybody must not keep a lock
        review = _review(uow, order, conflicts)

    def draft(uow: UnitOfWork, plan_id: str) -> Draft:
        del plan_id
        _check_base(uow, review.base)
        return _draft(uow.realm, order, review)

    return draft


def _check_owner(config: Config, realm: RealmName) -> None:
    if config.realm(realm).policy_managed_by == "config":
        raise Conflict("policy.managed_by_config", realm=realm)


def _read_order(runtime: Runtime, realm: RealmName, params: Mapping[str, object]) -> _Order:
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
    policy = read_policy(realm, document, rules=runtime.rules)
    return _Order(
        document=document,
        policy=policy,
        base_version=base,
        accept_conflicts=accept,
        comment=comment,
    )


def _review(uow: UnitOfWork, order: _Order, conflicts: tuple[str, ...]) -> _Review:
    """Look at what publishing would do to everybody; refuse what could not be rolled out."""
    current = _check_base(uow, order.base_version)
    require_groups(uow, order.policy)
    new = planned(uow, order.policy)
    counted = preview(uow, new)
    if new.waves is not None:
        require_pace(new.waves, counted.cohorts, uow.now)
    diff = describe_change(current, order.policy)
    return _Review(
        base=current.number,
        diff=diff,
        counts={
            **_directions(current, new),
            **count_marks(uow, counted, new),
            **preview_counts(counted),
            "effect": _EFFECTS[new.enforcement].value,
            "diff": list(diff),
            "conflicts": list(conflicts),
        },
    )


def _check_base(uow: UnitOfWork, base: int | None) -> PolicyVersion:
    current = current_policy(uow)
    if base not in (None, current.number):
        raise PreconditionFailed("policy.version_moved", current_version=current.number)
    return current


def _draft(realm: RealmName, order: _Order, review: _Review) -> Draft:
    changed = "; ".join(review.diff) or "nothing changes"
    return Draft(
        params={
            "policy": dict(order.document),
            "base_version": review.base,
            "accept_conflicts": order.accept_conflicts,
            "comment": order.comment,
        },
        fingerprint=_fingerprint(realm, review.base, order.policy),
        summary=f"Publish policy version {review.base + 1} of {realm}: {changed}"[:1024],
        counts=review.counts,
    )


def _fingerprint(realm: RealmName, base: int, policy: PolicyVersion) -> str:
    return hashlib.sha256(f"{realm}\n{base}\n{digest(policy)}".encode()).hexdigest()


def _directions(current: PolicyVersion, new: PolicyVersion) -> dict[str, object]:
    """Return which rules are stricter and which looser; a mixed change is both."""
    directions = compare(current, new)
    return {
        "stricter": sorted(
            name for name, way in directions.items() if way in (Direction.STRICTER, Direction.MIXED)
        ),
        "looser": sorted(
            name for name, way in directions.items() if way in (Direction.LOOSER, Direction.MIXED)
        ),
    }


def _read(uow: UnitOfWork, document: Mapping[str, object]) -> PolicyVersion:
    return read_policy(uow.realm, document, rules=uow.runtime.rules)


def _look(uow: UnitOfWork, plan: PlanRow) -> None:
    """Refuse waves that do not find everybody a place any more."""
    _check_plan_base(uow, plan)
    policy = planned(uow, _read(uow, plan.params["policy"]))
    if policy.waves is not None and policy.waves.per_hour is not None:
        with _outdated():
            require_pace(policy.waves, preview(uow, policy).cohorts, uow.now)


def _check(uow: UnitOfWork, plan: PlanRow) -> None:
    _check_owner(uow.runtime.config, uow.realm)
    hold_policy(uow)
    _check_plan_base(uow, plan)
    with _outdated():
        require_groups(uow, _read(uow, plan.params["policy"]))


def _check_plan_base(uow: UnitOfWork, plan: PlanRow) -> None:
    current = current_policy(uow).number
    if current != plan.params["base_version"]:
        raise Conflict(OUTDATED, reason="another policy was published", current_version=current)


@contextmanager
def _outdated() -> Iterator[None]:
    try:
        yield
    except InvalidInput as error:
        raise Conflict(OUTDATED, cause=error.code, problem=dict(error.params)) from error


def _apply(uow: UnitOfWork, plan: PlanRow) -> str:
    new = NewVersion(
        policy=_read(uow, plan.params["policy"]),
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
    """Publish the version before anew, if nothing was published since and its groups are there."""
    _check_owner(uow.runtime.config, uow.realm)
    hold_policy(uow)
    published = plan.counts["version"]
    if current_policy(uow).number != published:
        raise Conflict("plan.undo_too_late", reason="another policy was published since")
    before = get_policy_version(uow, plan.params["base_version"])
    policy = _read(uow, before.document)
    require_groups(uow, policy)
    new = NewVersion(
        policy=policy,
        document=before.document,
        origin="admin",
        comment=f"undo of version {published}",
    )
    number = append_version(uow, new, base=published)
    plan.state = PlanState.UNDONE.value
    return record_finished_job(uow, KIND_NAME, {"plan_id": plan.id, "version": number})


KIND = PlanKind(
    name=KIND_NAME, prepare=_prepare, look=_look, check=_check, apply=_apply, undo=_undo
)
