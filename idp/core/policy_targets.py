"""Whom a plan to publish a policy is about, by name: worked out when somebody asks, not stored."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from idp.core.plans import PlanView, get_plan
from idp.core.policies import current_policy
from idp.core.policy_impact import Exemption, Impact, Presence, State, iterate_impacts
from idp.core.policy_publishing import KIND_NAME
from idp.core.policy_standings import Standing
from idp.core.policy_versions import read_policy
from idp.core.policy_yardstick import planned, yardstick
from idp.core.work import UnitOfWork
from idp.errors import InvalidInput
from idp.ids import UserId
from policy.model import PolicyVersion
from policy.verdict import Finding, WithheldBy

_MOST_LOOKED_AT = 10_000
"""Users that one page looks at, so that a page takes no longer when few of them belong on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTarget:
    """An active user and what the policy means for this one.

    Attributes:
        findings: what is held against the password.
        withheld_by, until: what keeps the policy from asking, and until when.
    """

    user_id: UserId
    username: str
    groups: tuple[str, ...]
    state: State
    findings: tuple[Finding, ...]
    exempt_because: Exemption | None
    withheld_by: WithheldBy | None
    until: datetime | None
    last_seen_at: datetime | None
    live_sessions: int


@dataclass(frozen=True, slots=True)
class PolicyTargetPage:
    """Some of the users as they stand at a moment; `after` asks for more, None when none are left.

    A page may be short, or empty, although there are more.
    """

    targets: tuple[PolicyTarget, ...]
    after: str | None
    at: datetime


def list_policy_targets(
    uow: UnitOfWork,
    plan_id: str,
    *,
    state: State | None = None,
    limit: int = 100,
    after: str = "",
    look_at: int = _MOST_LOOKED_AT,
) -> PolicyTargetPage:
    """Return the active users whom a plan's policy does not find compliant at this moment, by id.

    Before it is published the policy is looked at as the next version; while it is in force, as
    that one. Nothing of it is stored with the plan, so the numbers may have moved since.

    Args:
        state: only the users of this state, compliant ones if it says so.
        after: what the page before gave.
        look_at: how many users to look at, at most.

    Raises:
        NotFound: `plan.not_found`.
        InvalidInput: `plan.has_stored_targets`, when the plan is of another kind.
    """
    plan = get_plan(uow, plan_id)
    if plan.kind != KIND_NAME:
        raise InvalidInput("plan.has_stored_targets", plan_id=plan_id, kind=plan.kind)
    measure = yardstick(uow, _policy_of(uow, plan))
    found: list[PolicyTarget] = []
    for looked_at, (standing, impact, presence) in enumerate(
        iterate_impacts(uow, measure, after=after)
    ):
        if looked_at == look_at:
            return PolicyTargetPage(tuple(found), after, uow.now)
        if impact.state is state or (state is None and impact.state is not State.COMPLIANT):
            if len(found) == limit:
                return PolicyTargetPage(tuple(found), found[-1].user_id, uow.now)
            found.append(_target(standing, impact, presence))
        after = standing.user_id
    return PolicyTargetPage(tuple(found), None, uow.now)


def iterate_policy_targets(uow: UnitOfWork, plan_id: str) -> Iterator[PolicyTarget]:
    """Yield all of `list_policy_targets`."""
    after: str | None = ""
    while after is not None:
        page = list_policy_targets(uow, plan_id, limit=_MOST_LOOKED_AT, after=after)
        yield from page.targets
        after = page.after


def _policy_of(uow: UnitOfWork, plan: PlanView) -> PolicyVersion:
    current = current_policy(uow)
    if plan.counts.get("version") == current.number:
        return current
    document = plan.params["policy"]
    assert isinstance(document, dict)  # noqa: S101 - what was planned was read as a document
    return planned(uow, read_policy(uow.realm, document, rules=uow.runtime.rules))


def _target(standing: Standing, impact: Impact, presence: Presence) -> PolicyTarget:
    withheld = impact.withheld
    return PolicyTarget(
        user_id=standing.user_id,
        username=standing.username,
        groups=standing.groups,
        state=impact.state,
        findings=impact.findings,
        exempt_because=impact.exemption,
        withheld_by=None if withheld is None else withheld.by,
        until=None if withheld is None else withheld.until,
        last_seen_at=presence.last_seen_at,
        live_sessions=presence.live_sessions,
    )
