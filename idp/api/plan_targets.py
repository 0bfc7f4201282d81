"""The shapes of whom a plan names: stored with the plan, or worked out for each page."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from idp.api.paging import write_cursor
from idp.api.schema import NextCursor, PageQuery, View
from idp.core.policy_impact import State
from idp.core.policy_targets import PolicyTargetPage


class PlanTarget(View):
    """A user that a plan names, to be acted upon or left out."""

    user_id: str
    username: str
    excluded: Annotated[str | None, Field(description="Why the user is left out.")]
    warning: str | None
    outcome: Annotated[str | None, Field(description="What became of it, once it was applied.")]


class PlanFinding(View):
    """One thing that is held against a password."""

    code: str
    params: dict[str, Any]


class PolicyTarget(View):
    """An active user and what publishing the policy means for this one."""

    user_id: str
    username: str
    groups: list[str]
    state: State
    findings: list[PlanFinding]
    exempt_because: str | None
    withheld_by: str | None
    until: Annotated[datetime | None, Field(description="When the policy asks at the latest.")]
    last_seen_at: datetime | None
    live_sessions: int


class PlanTargetPage(View):
    """One page of targets, by user id; a page may be short although others follow."""

    items: list[PlanTarget] | list[PolicyTarget]
    next_cursor: NextCursor
    computed_at: Annotated[
        datetime | None,
        Field(
            description="The moment that the answer is about, where it is not stored with the plan:"
            " for `policy.publish` it is worked out anew for each page."
        ),
    ] = None


class TargetQuery(PageQuery):
    """Whom to list."""

    state: Annotated[
        State | None,
        Field(description="Of `policy.publish`: only these users; all but `compliant` without."),
    ] = None


def policy_page(found: PolicyTargetPage) -> PlanTargetPage:
    """Return a page that was worked out."""
    return PlanTargetPage(
        items=[PolicyTarget.model_validate(target) for target in found.targets],
        next_cursor=None if found.after is None else write_cursor(found.after),
        computed_at=found.at,
    )
