"""How each active user stands with the policy in force: the gate's own answer, user by user.

The facts are read by the function that the gate reads them with, and judged by the same one, so
what is counted, listed or drawn from here cannot say other than the gate does.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from idp.core.epochs import EpochCause
from idp.core.gate import credential_facts
from idp.core.names import name_key
from idp.core.passwords import SetBy
from idp.core.policies import (
    NO_GROUPS,
    Beginnings,
    Stamp,
    beginnings,
    current_policy,
    policy_version,
)
from idp.core.policy_outcomes import HAVE_TO_CHANGE, Outcome, outcome_of_verdict
from idp.core.work import UnitOfWork
from idp.ids import UserId
from idp.store.groups import GroupRow
from idp.store.realms import RealmRow
from idp.store.standings import active_users_by_id, active_users_by_name, memberships_of
from policy.combining import for_groups, group_keys
from policy.engine import evaluate
from policy.model import PolicyVersion
from policy.rules import MaxAge
from policy.verdict import Finding, Withheld

PAGE = 1000
_SET_FOR_SOMEBODY = (SetBy.ADMIN.value, SetBy.BULK.value)
_NOT_ASKED = (Outcome.OK, Outcome.EXEMPT, Outcome.NO_PASSWORD)
_key = lru_cache(maxsize=4096)(name_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One active user and how the password stands.

    Attributes:
        key: the folded login name, by which users are ordered.
        groups: the names of all the user's groups.
        judged_under: 0 when no version has judged the password; None without a password.
        findings: what the policy holds against it, or would if nothing were withheld.
        since: when what is asked began to be asked, or would have been if it were not withheld;
            for a shared or temporary password when it was set; None when that is not known.
    """

    user_id: UserId
    username: str
    key: str
    email: str | None
    groups: tuple[str, ...]
    last_sign_in_at: datetime | None
    outcome: Outcome = Outcome.NO_PASSWORD
    judged_under: int | None = None
    findings: tuple[Finding, ...] = ()
    withheld: Withheld | None = None
    is_shared: bool = False
    is_temporary: bool = False
    password_set_at: datetime | None = None
    since: datetime | None = None

    @property
    def has_to_change(self) -> bool:
        """Tell whether there is no token before the password is another one."""
        return self.outcome in HAVE_TO_CHANGE


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What everybody of a realm is measured by in one unit of work.

    `groups` are the folded names of the groups that any version of the policy asks about;
    `names` has every group's name by its id.
    """

    policy: PolicyVersion
    groups: frozenset[str]
    names: Mapping[str, str]
    _begun: dict[object, Beginnings] = field(default_factory=dict, compare=False, repr=False)

    def beginnings(
        self, uow: UnitOfWork, stamp: Stamp, policy: PolicyVersion, groups: frozenset[str]
    ) -> Beginnings:
        """Return `policies.beginnings`, looked up once for all who have the same ones."""
        key = (stamp.version, stamp.groups, groups)
        found = self._begun.get(key)
        if found is None:
            found = self._begun[key] = beginnings(uow, stamp, policy, groups)
        return found


def yardstick(uow: UnitOfWork) -> Yardstick:
    """Return what the users of this realm are measured by now."""
    policy = current_policy(uow)
    realm = uow.db.get_one(RealmRow, uow.realm)
    names = {group.id: group.name for group in uow.db.scalars(sa.select(GroupRow))}
    if not realm.policy_by_group:
        return Yardstick(policy, NO_GROUPS, names)
    waves = NO_GROUPS if policy.waves is None else policy.waves.groups
    versions = (policy_version(uow, number) for number in range(1, policy.number + 1))
    return Yardstick(policy, waves.union(*map(group_keys, versions)), names)


def list_standings(uow: UnitOfWork, measure: Yardstick, *, after: str, most: int) -> list[Standing]:
    """Return the next active users after an id (empty for the first ones), by id."""
    rows = active_users_by_id(uow.db, uow.realm, after=after, most=most)
    return _standings(uow, measure, rows)


def list_standings_by_name(
    uow: UnitOfWork, measure: Yardstick, *, after: str, most: int
) -> list[Standing]:
    """Return the next active users after a folded login name, by that."""
    rows = active_users_by_name(uow.db, uow.realm, after=after, most=most)
    return _standings(uow, measure, rows)


def iterate_standings(uow: UnitOfWork, measure: Yardstick) -> Iterator[Standing]:
    """Yield every active user, by id; memory stays the same."""
    after = ""
    while True:
        page = list_standings(uow, measure, after=after, most=PAGE)
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].user_id


def _standings(uow: UnitOfWork, measure: Yardstick, rows: Sequence[Row[Any]]) -> list[Standing]:
    names: dict[str, list[str]] = {}
    found = memberships_of(uow.db, uow.realm, [row.user_id for row in rows])
    known = [one for one in found if one.group_id in measure.names]  # not one made meanwhile
    for one in known:
        names.setdefault(one.user_id, []).append(measure.names[one.group_id])
    return [_standing(uow, measure, row, tuple(sorted(names.get(row.user_id, ())))) for row in rows]


def _standing(
    uow: UnitOfWork, measure: Yardstick, row: Row[Any], names: tuple[str, ...]
) -> Standing:
    groups = measure.groups.intersection(map(_key, names))
    policy = for_groups(measure.policy, groups)
    facts = credential_facts(uow, row, policy, groups) if row.is_usable else None
    if facts is None:
        return Standing(
            user_id=UserId(row.user_id),
            username=row.username,
            key=row.username_key,
            email=row.email,
            groups=names,
            last_sign_in_at=row.last_sign_in_at,
        )
    verdict = evaluate(policy, facts, uow.now)
    is_shared = row.campaign_id is not None
    outcome = outcome_of_verdict(policy, facts, verdict, uow.now, is_shared=is_shared)
    withheld = verdict.withheld
    return Standing(
        user_id=UserId(row.user_id),
        username=row.username,
        key=row.username_key,
        email=row.email,
        groups=names,
        last_sign_in_at=row.last_sign_in_at,
        outcome=outcome,
        judged_under=row.judged_under,
        findings=verdict.findings + (() if withheld is None else withheld.findings),
        withheld=withheld,
        is_shared=is_shared,
        is_temporary=facts.temporary_until is not None,
        password_set_at=facts.password_set_at,
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
    since = measure.beginnings(uow, Stamp(row.judged_under, row.judged_groups), policy, groups)
    moments = [] if since.marked_by is None else [since.marked_by.published_at]
    age = next((rule for rule in policy.rules if isinstance(rule, MaxAge)), None)
    if age is not None and since.aged_by is not None:
        outlived_at = row.set_at + timedelta(days=age.days)
        if outlived_at < uow.now and since.aged_by.published_at is not None:
            moments.append(max(outlived_at, since.aged_by.published_at))
    return min((moment for moment in moments if moment is not None), default=None)
