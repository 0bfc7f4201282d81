"""How each active user stands with a policy: the gate's own answer, user by user.

The one reading behind report, lists, snapshots, notices and the preview of a policy that is not in
force yet. The facts are read by the function that the gate reads them with, and judged by the same
one, so what is counted, listed or drawn from here cannot say other than what happens.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.engine import Row

from idp.core.epochs import EpochCause
from idp.core.gate import credential_facts, is_directory_ruled
from idp.core.passwords import SetBy
from idp.core.policies import Stamp
from idp.core.policy_outcomes import HAVE_TO_CHANGE, Outcome, outcome_of
from idp.core.policy_yardstick import GroupName, Yardstick
from idp.core.work import UnitOfWork
from idp.ids import UserId
from idp.store.standings import (
    active_users_by_id,
    active_users_by_name,
    memberships_between,
    memberships_of,
)
from policy.combining import asking_nothing, for_groups
from policy.engine import evaluate
from policy.model import CredentialFacts, PolicyVersion
from policy.rules import MaxAge
from policy.verdict import Finding, Verdict, Withheld

PAGE = 1000
_SET_FOR_SOMEBODY = (SetBy.ADMIN.value, SetBy.BULK.value)
_NOT_ASKED = (Outcome.OK, Outcome.EXEMPT, Outcome.NO_PASSWORD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One active user and how the password stands.

    Attributes:
        key: the folded login name, by which users are ordered.
        groups: the names of all the user's groups.
        policy: as it stands for the user.
        is_directory_ruled: the rules of the directory that owns the account govern its password,
            and `policy` asks nothing of it.
        policy_groups: the folded names of those groups that any version asks for.
        stamp: what the credential keeps of who judged it; None without one.
        facts, verdict: what the gate looks at and what it says; None without a usable password.
        since: when what is asked began to be asked, or would have been if it were not withheld;
            for a shared or temporary password when it was set; None when that is not known.
    """

    user_id: UserId
    username: str
    key: str
    email: str | None
    groups: tuple[str, ...]
    last_sign_in_at: datetime | None
    policy: PolicyVersion
    policy_groups: frozenset[str]
    is_directory_ruled: bool
    stamp: Stamp | None
    facts: CredentialFacts | None
    verdict: Verdict | None
    is_shared: bool
    outcome: Outcome
    since: datetime | None

    @property
    def has_to_change(self) -> bool:
        """Tell whether there is no token before the password is another one."""
        return self.outcome in HAVE_TO_CHANGE

    @property
    def is_temporary(self) -> bool:
        """Tell whether the password has a deadline."""
        return self.facts is not None and self.facts.temporary_until is not None

    @property
    def password_set_at(self) -> datetime | None:
        """Return when the password was set; None without a usable one."""
        return None if self.facts is None else self.facts.password_set_at

    @property
    def judged_under(self) -> int | None:
        """Return the version that judged the password, 0 if none did; None without a usable one."""
        return None if self.stamp is None or self.facts is None else self.stamp.version

    @property
    def withheld(self) -> Withheld | None:
        """Return what the policy would ask and does not ask yet."""
        return None if self.verdict is None else self.verdict.withheld

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return what the policy holds against the password, or would if nothing were withheld."""
        found = () if self.verdict is None else self.verdict.findings
        return found if self.withheld is None else found + self.withheld.findings


def list_standings(uow: UnitOfWork, measure: Yardstick, *, after: str, most: int) -> list[Standing]:
    """Return the next active users after an id (empty for the first ones), by id."""
    rows = active_users_by_id(uow.db, uow.realm, after=after, most=most)
    if not rows:
        return []
    first, last = rows[0].user_id, rows[-1].user_id
    memberships = memberships_between(uow.db, uow.realm, first=first, last=last)
    return _standings(uow, measure, rows, memberships)


def list_standings_by_name(
    uow: UnitOfWork, measure: Yardstick, *, after: str, most: int
) -> list[Standing]:
    """Return the next active users after a folded login name, by that."""
    rows = active_users_by_name(uow.db, uow.realm, after=after, most=most)
    memberships = memberships_of(uow.db, uow.realm, [row.user_id for row in rows])
    return _standings(uow, measure, rows, memberships)


def iterate_pages(
    uow: UnitOfWork, measure: Yardstick, *, after: str = ""
) -> Iterator[list[Standing]]:
    """Yield the active users after an id, by id, some at a time; memory stays the same."""
    while True:
        page = list_standings(uow, measure, after=after, most=PAGE)
        if page:
            yield page
        if len(page) < PAGE:
            return
        after = page[-1].user_id


def iterate_standings(uow: UnitOfWork, measure: Yardstick) -> Iterator[Standing]:
    """Yield every active user, by id; memory stays the same."""
    for page in iterate_pages(uow, measure):
        yield from page


def _standings(
    uow: UnitOfWork,
    measure: Yardstick,
    rows: Sequence[Row[Any]],
    memberships: Sequence[Row[Any]],
) -> list[Standing]:
    members: dict[str, list[GroupName]] = {}
    for one in memberships:
        if one.group_id in measure.groups:  # not one made meanwhile
            members.setdefault(one.user_id, []).append(measure.groups[one.group_id])
    return [_standing(uow, measure, row, members.get(row.user_id, ())) for row in rows]


def _standing(
    uow: UnitOfWork, measure: Yardstick, row: Row[Any], member_of: Sequence[GroupName]
) -> Standing:
    groups = measure.keys.intersection([group.key for group in member_of])
    policy = for_groups(measure.policy, groups)
    is_ruled = is_directory_ruled(uow, row.connector)
    if is_ruled:
        policy = asking_nothing(policy)
    find = measure.find_beginnings
    has_password = row.is_usable or row.connector is not None
    facts = (
        credential_facts(uow, row, policy, groups, find_beginnings=find) if has_password else None
    )
    verdict = None if facts is None else evaluate(policy, facts, uow.now)
    is_shared = facts is not None and row.campaign_id is not None
    outcome = outcome_of(policy, facts, verdict, uow.now, is_shared=is_shared)
    if is_ruled and outcome is Outcome.OK:
        outcome = Outcome.EXEMPT
    return Standing(
        user_id=UserId(row.user_id),
        username=row.username,
        key=row.username_key,
        email=row.email,
        groups=tuple([group.name for group in sorted(member_of)]),
        last_sign_in_at=row.last_sign_in_at,
        policy=policy,
        policy_groups=groups,
        is_directory_ruled=is_ruled,
        stamp=None if row.set_at is None else Stamp(row.judged_under, row.judged_groups),
        facts=facts,
        verdict=verdict,
        is_shared=is_shared,
        outcome=outcome,
        since=_since(uow, measure, row, policy, groups, outcome),
    )


def _since(
    uow: UnitOfWork,
    measure: Yardstick,
    row: Row[Any],
    policy: PolicyVersion,
    groups: frozenset[str],
    outcome: Outcome,
) -> datetime | None:
    moment: datetime | None = None
    if outcome is Outcome.TEMPORARY_EXPIRED:
        moment = row.temporary_until
    elif outcome is Outcome.TEMPORARY:
        moment = row.set_at
    elif outcome is Outcome.MUST_CHANGE:
        moment = _asked_at(row)
    elif outcome not in _NOT_ASKED:
        moment = _begun_at(uow, measure, row, policy, groups)
    return moment


def _asked_at(row: Row[Any]) -> datetime | None:
    """Return when somebody asked for another password, as far as that was kept."""
    moment: datetime | None = None
    if row.epoch_cause == EpochCause.MUST_CHANGE:
        moment = row.epoch_at
    elif row.set_by in _SET_FOR_SOMEBODY:
        moment = row.set_at
    return moment


def _begun_at(
    uow: UnitOfWork,
    measure: Yardstick,
    row: Row[Any],
    policy: PolicyVersion,
    groups: frozenset[str],
) -> datetime | None:
    """Return when the first thing that the policy holds against a password began to hold."""
    stamp = Stamp(row.judged_under, row.judged_groups)
    since = measure.find_beginnings(uow, stamp, policy, groups)
    moments = [] if since.marked_by is None else [since.marked_by.published_at]
    age = next((rule for rule in policy.rules if isinstance(rule, MaxAge)), None)
    if age is not None and since.aged_by is not None:
        outlived_at = row.set_at + timedelta(days=age.days)
        if outlived_at < uow.now and since.aged_by.published_at is not None:
            moments.append(max(outlived_at, since.aged_by.published_at))
    return min((moment for moment in moments if moment is not None), default=None)
