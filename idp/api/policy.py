"""The password policy and its history: `/realms/{realm}/policy`. It is changed by a plan."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from idp.api.access import POLICY, READ
from idp.api.endpoints import Answer, Call, Endpoint
from idp.api.etags import etag_of
from idp.api.paging import cut, read_number_cursor, write_cursor
from idp.api.schema import NextCursor, PageQuery, View
from idp.core.policy_outcomes import Outcome
from idp.core.policy_report import get_policy_report
from idp.core.policy_versions import get_policy_version, list_policy_versions
from policy.verdict import WithheldBy


class PolicyVersion(View):
    """One version of the policy; it never changes."""

    number: int
    is_current: bool
    document: dict[str, Any]
    digest: str
    author_id: str | None
    comment: str | None
    origin: Annotated[str, Field(description="`admin`, `config` or `init`.")]
    created_at: datetime
    diff: Annotated[list[str], Field(description="What it changed, in words.")]


class CurrentPolicy(PolicyVersion):
    """The version in force."""

    managed_by: Annotated[str, Field(description="Who may publish: `admin` or `config`.")]


class PolicyVersionPage(View):
    """One page of versions, newest first."""

    items: list[PolicyVersion]
    next_cursor: NextCursor


class PolicyVersionCount(View):
    """The active users whose password was judged under one version of the policy."""

    version: Annotated[
        int | None,
        Field(description="0: no version has judged it; null: users without a password."),
    ]
    users: int
    have_to_change: int
    stricter_rules: Annotated[
        list[str], Field(description="The rules that are stricter now than in that version.")
    ]
    outcomes: dict[Outcome, int]


class PolicyWithheld(View):
    """The users from whom one thing keeps what the policy would ask."""

    by: WithheldBy
    users: int
    due: Annotated[
        int, Field(description="Users whom a wave asks as soon as an hour has a place left.")
    ]
    next_at: Annotated[
        datetime | None,
        Field(description="When the first of them is asked at the latest; null under `observe`."),
    ]
    last_at: Annotated[datetime | None, Field(description="When all of them are asked.")]


class PolicyGroupCount(View):
    """The active users of one group."""

    name: Annotated[str | None, Field(description="Null: users who are in no group.")]
    users: int
    have_to_change: int
    withheld: int


class PolicyObserved(View):
    """How many users a policy that only observes would have stopped so far."""

    everyone: Annotated[int, Field(description="Had its enforcement been `everyone`.")]
    noncompliant: Annotated[int, Field(description="Had its enforcement been `noncompliant`.")]


class PolicyReport(View):
    """How the active users stand with the policy in force."""

    policy_version: int
    enforcement: str
    at: datetime
    active_users: int
    have_to_change: Annotated[
        int, Field(description="Users who get no token before their password is another one.")
    ]
    accounts_on_shared_password: Annotated[
        int, Field(description="Users whose password is still the shared one of a bulk reset.")
    ]
    accounts_on_temporary_password: Annotated[
        int, Field(description="Users whose password has a deadline.")
    ]
    outcomes: Annotated[
        dict[Outcome, int], Field(description="Every outcome; adds up to `active_users`.")
    ]
    versions: Annotated[
        list[PolicyVersionCount], Field(description="Adds up to `active_users` too.")
    ]
    withheld: Annotated[
        int, Field(description="Users of whom the policy would ask something, and does not yet.")
    ]
    withheld_by: list[PolicyWithheld]
    groups: Annotated[
        list[PolicyGroupCount], Field(description="A user in several groups counts in each.")
    ]
    oldest_since: Annotated[
        datetime | None,
        Field(description="Since when whoever has had to change for longest has had to."),
    ]
    oldest_days: int | None
    observed: Annotated[
        PolicyObserved | None, Field(description="Null unless the enforcement is `observe`.")
    ]


def get_policy(call: Call) -> Answer:
    """Read the policy in force."""
    with call.work(write=False) as uow:
        found = PolicyVersion.model_validate(get_policy_version(uow))
    managed_by = call.runtime.config.realm(call.realm).policy_managed_by
    shown = CurrentPolicy(**found.model_dump(), managed_by=managed_by)
    return Answer(shown, {"ETag": etag_of(shown.number)})


def list_versions(call: Call, query: PageQuery) -> Answer:
    """List the versions of the policy, newest first."""
    before = read_number_cursor(query.cursor)
    with call.work(write=False) as uow:
        found = list_policy_versions(uow, limit=query.limit + 1, before=before)
    page, cursor = cut(found, query.limit, lambda version: write_cursor(version.number))
    items = [PolicyVersion.model_validate(version) for version in page]
    return Answer(PolicyVersionPage(items=items, next_cursor=cursor))


def get_version(call: Call, number: int) -> Answer:
    """Read one version of the policy."""
    with call.work(write=False) as uow:
        found = get_policy_version(uow, number)
    return Answer(PolicyVersion.model_validate(found))


def get_report(call: Call) -> Answer:
    """Count who still has to change the password, and why."""
    with call.work(write=False) as uow:
        found = get_policy_report(uow)
    return Answer(PolicyReport.model_validate(found))


_POLICY = "/realms/<name:realm>/policy"

ENDPOINTS = (
    Endpoint(
        method="GET",
        path=_POLICY,
        act=get_policy,
        any_of=(READ, POLICY),
        answer=CurrentPolicy,
        gives_etag=True,
    ),
    Endpoint(
        method="GET",
        path=f"{_POLICY}/versions",
        act=list_versions,
        any_of=(READ, POLICY),
        query=PageQuery,
        answer=PolicyVersionPage,
    ),
    Endpoint(
        method="GET",
        path=f"{_POLICY}/versions/<int(max=2147483647):number>",
        act=get_version,
        any_of=(READ, POLICY),
        answer=PolicyVersion,
    ),
    Endpoint(
        method="GET",
        path=f"{_POLICY}/report",
        act=get_report,
        any_of=(READ, POLICY),
        answer=PolicyReport,
        name="get_policy_report",
    ),
)
