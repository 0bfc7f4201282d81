"""Who still has to change the password and why: the gate's answer about everybody, counted.

One grouped SELECT splits the active users by every fact that the answer depends on; each group
then goes through `policy.engine.evaluate`, so the report cannot say other than the gate does.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, assert_never

import sqlalchemy as sa

from idp.core.policies import current_policy, policy_version
from idp.core.work import UnitOfWork
from idp.store.users import UNUSABLE, CredentialRow, UserRow
from policy.engine import evaluate, stricter_rules
from policy.model import CredentialFacts, Enforcement, PolicyVersion
from policy.rules import MaxAge
from policy.verdict import RequiredAction


class Outcome(StrEnum):
    """What the gate's answer about one account comes down to; each account has exactly one."""

    TEMPORARY_EXPIRED = "temporary_expired"
    MUST_CHANGE = "must_change"
    TOO_OLD = "too_old"
    REFUSED = "refused_by_policy"
    STALE = "stale_by_policy"
    TO_BE_JUDGED = "to_be_judged"
    TEMPORARY = "temporary_in_use"
    EXEMPT = "exempt"
    OK = "ok"
    NO_PASSWORD = "no_password"  # noqa: S105 - an outcome, no password


HAVE_TO_CHANGE = (
    Outcome.TEMPORARY_EXPIRED,
    Outcome.MUST_CHANGE,
    Outcome.TOO_OLD,
    Outcome.REFUSED,
    Outcome.STALE,
)
"""The outcomes of accounts that get no token before their password is another one."""

_CAUSES: Mapping[str, Outcome] = {
    "password.temporary_expired": Outcome.TEMPORARY_EXPIRED,
    "password.must_change": Outcome.MUST_CHANGE,
    "password.too_old": Outcome.TOO_OLD,
    "policy.not_met": Outcome.REFUSED,
}
"""The cause that is told when there are several: the first of these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionCount:
    """The active users whose password was judged under one version.

    Attributes:
        version: 0 for passwords that no version has judged; None for users without a password.
        stricter_rules: the content rules that are stricter now than under that version.
    """

    version: int | None
    users: int
    have_to_change: int
    stricter_rules: tuple[str, ...]
    outcomes: Mapping[Outcome, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyReport:
    """How the active users of a realm stand with the policy in force, at one moment.

    `outcomes` names every outcome and adds up to `active_users`, and so do `versions`. The two
    `accounts_on_` counts go across the outcomes.
    """

    policy_version: int
    enforcement: Enforcement
    at: datetime
    active_users: int
    have_to_change: int
    accounts_on_shared_password: int
    accounts_on_temporary_password: int
    outcomes: Mapping[Outcome, int]
    versions: tuple[VersionCount, ...]


@dataclass(frozen=True, slots=True)
class _Group:
    version: int | None
    outcome: Outcome
    is_shared: bool
    is_temporary: bool
    users: int


def get_policy_report(uow: UnitOfWork) -> PolicyReport:
    """Return who still has to change the password and why, as counts; one SELECT over users."""
    policy = current_policy(uow)
    groups = [_group(uow, policy, row) for row in uow.db.execute(_groups(policy, uow.now))]
    outcomes = _count(groups)
    versions = sorted({group.version for group in groups}, key=lambda v: -1 if v is None else v)
    return PolicyReport(
        policy_version=policy.number,
        enforcement=policy.enforcement,
        at=uow.now,
        active_users=sum(outcomes.values()),
        have_to_change=_sum_to_change(outcomes),
        accounts_on_shared_password=sum(g.users for g in groups if g.is_shared),
        accounts_on_temporary_password=sum(g.users for g in groups if g.is_temporary),
        outcomes=outcomes,
        versions=tuple(_version_count(uow, policy, v, groups) for v in reversed(versions)),
    )


def outcome_of(
    policy: PolicyVersion, credential: CredentialFacts | None, now: datetime, *, is_shared: bool
) -> Outcome:
    """Return the outcome of an account with these facts; None: it has no usable password."""
    if credential is None:
        return Outcome.NO_PASSWORD
    verdict = evaluate(policy, credential, now)
    match verdict.required_action:
        case None if is_shared or credential.temporary_until is not None:
            return Outcome.TEMPORARY
        case None:
            asked = evaluate(replace(policy, enforcement=Enforcement.EVERYONE), credential, now)
            return Outcome.OK if asked.required_action is None else Outcome.EXEMPT
        case RequiredAction.SIGN_IN:
            return Outcome.TO_BE_JUDGED
        case RequiredAction.CHANGE_PASSWORD:
            codes = {finding.code for finding in verdict.findings}
            return next((_CAUSES[code] for code in _CAUSES if code in codes), Outcome.STALE)
        case _:
            assert_never(verdict.required_action)


def select_of_active_users(*columns: Any) -> sa.Select[Any]:  # noqa: ANN401 - any column
    """Return a query of columns of the active users and of the credentials of those with one."""
    return (
        sa.select(*columns)
        .select_from(UserRow)
        .outerjoin(
            CredentialRow,
            sa.and_(CredentialRow.realm == UserRow.realm, CredentialRow.user_id == UserRow.id),
        )
        .where(UserRow.status == "active")
    )


def _groups(policy: PolicyVersion, now: datetime) -> sa.Select[Any]:
    """Return the query of how many users share all the facts, with one example of each time."""
    age = next((rule for rule in policy.rules if isinstance(rule, MaxAge)), None)
    oldest = sa.false() if age is None else CredentialRow.set_at < now - timedelta(days=age.days)
    usable = sa.and_(CredentialRow.hash.is_not(None), CredentialRow.hash != UNUSABLE)
    facts = select_of_active_users(
        _flag(usable).label("is_usable"),
        CredentialRow.judged_under,
        _flag(CredentialRow.refused_under == policy.number).label("is_refused"),
        _flag(CredentialRow.must_change).label("must_change"),
        _flag(CredentialRow.temporary_until.is_not(None)).label("is_temporary"),
        _flag(CredentialRow.temporary_until < now).label("is_over"),
        _flag(CredentialRow.campaign_id.is_not(None)).label("is_shared"),
        _flag(oldest).label("is_too_old"),
        CredentialRow.set_at,
        CredentialRow.temporary_until,
    ).subquery()
    times = ("set_at", "temporary_until")
    return sa.select(
        *(column for column in facts.c if column.name not in times),
        *(sa.func.min(facts.c[name]).label(name) for name in times),
        sa.func.count().label("users"),
    ).group_by(*(column for column in facts.c if column.name not in times))


def _flag(condition: Any) -> sa.Case[Any]:  # noqa: ANN401 - any condition
    return sa.case((condition, 1), else_=0)  # what is unknown, for want of a row, is no


def _group(uow: UnitOfWork, policy: PolicyVersion, row: sa.Row[Any]) -> _Group:
    if not row.is_usable:
        no_password = outcome_of(policy, None, uow.now, is_shared=False)
        return _Group(None, no_password, is_shared=False, is_temporary=False, users=row.users)
    facts = CredentialFacts(
        judged_under=policy_version(uow, row.judged_under) if row.judged_under else None,
        refused_under=policy.number if row.is_refused else None,
        password_set_at=row.set_at,
        must_change=bool(row.must_change),
        temporary_until=row.temporary_until,
    )
    return _Group(
        version=row.judged_under,
        outcome=outcome_of(policy, facts, uow.now, is_shared=bool(row.is_shared)),
        is_shared=bool(row.is_shared),
        is_temporary=bool(row.is_temporary),
        users=row.users,
    )


def _version_count(
    uow: UnitOfWork, policy: PolicyVersion, version: int | None, groups: list[_Group]
) -> VersionCount:
    outcomes = _count([group for group in groups if group.version == version])
    return VersionCount(
        version=version,
        users=sum(outcomes.values()),
        have_to_change=_sum_to_change(outcomes),
        stricter_rules=stricter_rules(policy_version(uow, version), policy) if version else (),
        outcomes=outcomes,
    )


def _count(groups: list[_Group]) -> Mapping[Outcome, int]:
    counts: Counter[Outcome] = Counter(dict.fromkeys(Outcome, 0))
    for group in groups:
        counts[group.outcome] += group.users
    return dict(counts)


def _sum_to_change(outcomes: Mapping[Outcome, int]) -> int:
    return sum(outcomes[outcome] for outcome in HAVE_TO_CHANGE)
