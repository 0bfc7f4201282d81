"""What a policy means for each active user: the gate's own answer, given before it is in force.

Users are read in pages and each goes through `policy.engine.evaluate` with the facts that the gate
would gather, so a preview cannot say other than what happens.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, assert_never

from sqlalchemy.engine import Row

from idp.core.gate import credential_facts
from idp.core.groups import group_names
from idp.core.names import name_key
from idp.core.policies import (
    Beginnings,
    Stamp,
    current_policy,
    find_beginnings,
    policy_version,
)
from idp.core.policy_versions import asks_for_groups
from idp.core.work import UnitOfWork
from idp.store.presence import last_refreshes, live_sessions
from idp.store.standings import active_users_by_id
from policy.combining import for_groups, group_keys
from policy.engine import evaluate
from policy.model import CredentialFacts, Enforcement, PolicyVersion
from policy.verdict import Finding, RequiredAction, Verdict, Withheld, WithheldBy

_PAGE = 1000
_ASKED = frozenset({"password.must_change", "password.temporary_expired"})
"""The findings that an administrator's asking gives, whatever the policy."""


_key = lru_cache(maxsize=4096)(name_key)


@dataclass(frozen=True, slots=True)
class ActiveUser:
    """One active user.

    Attributes:
        row: of `active_users_by_id`.
        groups: the names of all the user's groups.
        last_seen_at: of the last sign-in, page or refresh that is still known.
    """

    row: Row[Any]
    groups: tuple[str, ...]
    live_sessions: int
    last_seen_at: datetime | None


class State(StrEnum):
    """What a user can expect at the next sign-in; each active user has exactly one."""

    MUST_CHANGE = "must_change"
    JUDGED = "judged"
    WITHHELD = "withheld"
    ASKED_ALREADY = "asked_already"
    EXEMPT = "exempt"
    COMPLIANT = "compliant"


HIT = (State.MUST_CHANGE, State.JUDGED, State.WITHHELD)
"""The states of users of whom the policy asks something, now or later."""


class Exemption(StrEnum):
    """Why the policy asks nothing of a user whose password it may not accept."""

    ENFORCEMENT_NEVER = "enforcement_never"
    NO_PASSWORD = "no_password"  # noqa: S105 - a reason, no password


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one user stands with a policy.

    Attributes:
        findings: everything that is held against the password, withheld or not.
        withheld: what the policy would ask besides and does not yet.
        wave: between when and when a wave with a cap has to find this user a place; None for a
            user whom it leaves alone.
    """

    state: State
    findings: tuple[Finding, ...] = ()
    exemption: Exemption | None = None
    withheld: Withheld | None = None
    wave: tuple[datetime, datetime] | None = None


@dataclass(slots=True)
class Forecast:
    """The gate's answers about the users of a realm under one policy, at the unit's moment.

    `policy` is the realm's, the rules of groups apart: the version in force, or the next one
    (`planned`). What users have in common is worked out once.
    """

    uow: UnitOfWork
    policy: PolicyVersion
    _keys: frozenset[str] = field(init=False)
    _since: dict[tuple[Stamp, frozenset[str]], Beginnings] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._keys = frozenset()
        if not asks_for_groups(self.uow, self.policy, before=self.policy.number - 1):
            return
        before = (policy_version(self.uow, number) for number in range(1, self.policy.number))
        named = [group_keys(version) for version in (*before, self.policy)]
        waves = self.policy.waves
        self._keys = frozenset().union(*named, () if waves is None else waves.groups)

    def groups_of(self, user: ActiveUser) -> frozenset[str]:
        """Return the folded names of those of a user's groups that any version asks for.

        None of them where the policy does not ask: then the gate does not look either.
        """
        return self._keys.intersection(map(_key, user.groups))

    def standing_of(self, user: ActiveUser) -> Standing:
        """Return where a user stands."""
        groups = self.groups_of(user)
        policy = for_groups(self.policy, groups)
        if not user.row.is_usable:
            return Standing(State.EXEMPT, exemption=Exemption.NO_PASSWORD)
        facts = credential_facts(
            self.uow, user.row, policy, groups, find_beginnings=self._find_beginnings
        )
        assert facts is not None  # noqa: S101 - a usable password has all its columns
        return standing(policy, facts, self.uow.now)

    def _find_beginnings(
        self, uow: UnitOfWork, stamp: Stamp, policy: PolicyVersion, groups: frozenset[str]
    ) -> Beginnings:
        found = self._since.get((stamp, groups))
        if found is None:
            found = self._since[stamp, groups] = find_beginnings(uow, stamp, policy, groups)
        return found


def planned(uow: UnitOfWork, policy: PolicyVersion) -> PolicyVersion:
    """Return a policy as the version that it would be if it were published at this moment."""
    return replace(policy, number=current_policy(uow).number + 1, published_at=uow.now)


def standing(policy: PolicyVersion, facts: CredentialFacts, now: datetime) -> Standing:
    """Return where a password stands with a policy (as it stands for its user).

    A user whom a wave without a cap may ask now counts as asked: the next sign-in does it.
    """
    verdict = evaluate(policy, facts, now)
    if verdict.required_action is None and _is_asked_by_wave(policy, verdict.withheld):
        verdict = evaluate(policy, replace(facts, placed_under=policy.number), now)
    if any(finding.code in _ASKED for finding in verdict.findings):
        return Standing(State.ASKED_ALREADY, verdict.findings, withheld=verdict.withheld)
    match verdict.required_action:
        case RequiredAction.CHANGE_PASSWORD:
            return Standing(State.MUST_CHANGE, verdict.findings, withheld=verdict.withheld)
        case RequiredAction.SIGN_IN:
            return Standing(State.JUDGED, verdict.findings, withheld=verdict.withheld)
        case None:
            return _let_in(policy, facts, verdict, now)
        case _:
            assert_never(verdict.required_action)


def iterate_users(uow: UnitOfWork, *, after: str = "") -> Iterator[ActiveUser]:
    """Yield the active users by id, after the one with the id `after`; holds one page at a time."""
    while True:
        rows = active_users_by_id(uow.db, uow.realm, after=after, most=_PAGE)
        if not rows:
            return
        yield from _seen(uow, rows)
        after = rows[-1].user_id


def _seen(uow: UnitOfWork, rows: Sequence[Row[Any]]) -> Iterator[ActiveUser]:
    """Yield the users of a page with what is known about where and when they were seen."""
    idle = uow.runtime.config.realm(uow.realm).lifetimes.session_idle
    first, last = rows[0].user_id, rows[-1].user_id
    sessions = live_sessions(uow.db, uow.realm, first=first, last=last, now=uow.now, idle=idle)
    groups = group_names(uow, [row.user_id for row in rows])
    refreshes = last_refreshes(uow.db, uow.realm, first=first, last=last)
    for row in rows:
        seen_at, live = sessions.get(row.user_id, (None, 0))
        moments = (row.last_sign_in_at, seen_at, refreshes.get(row.user_id))
        last_seen_at = max((moment for moment in moments if moment is not None), default=None)
        yield ActiveUser(row, groups.get(row.user_id, ()), live, last_seen_at)


def _is_asked_by_wave(policy: PolicyVersion, withheld: Withheld | None) -> bool:
    if withheld is None or withheld.by is not WithheldBy.WAVE or not withheld.is_due:
        return False
    return policy.waves is not None and policy.waves.per_hour is None


def _let_in(
    policy: PolicyVersion, facts: CredentialFacts, verdict: Verdict, now: datetime
) -> Standing:
    withheld = verdict.withheld
    if withheld is not None:
        wave = _wave_of(policy, facts, withheld)
        return Standing(State.WITHHELD, withheld.findings, withheld=withheld, wave=wave)
    if policy.enforcement is not Enforcement.NEVER:
        return Standing(State.COMPLIANT)
    asking = replace(policy, enforcement=Enforcement.EVERYONE, grace=timedelta(0), waves=None)
    asked = evaluate(asking, facts, now)
    if asked.required_action is None:
        return Standing(State.COMPLIANT)
    return Standing(State.EXEMPT, asked.findings, Exemption.ENFORCEMENT_NEVER)


def _wave_of(
    policy: PolicyVersion, facts: CredentialFacts, withheld: Withheld
) -> tuple[datetime, datetime] | None:
    waves, until = policy.waves, withheld.until
    if waves is None or until is None or not waves.takes(facts.groups, facts.share):
        return None
    if withheld.by is WithheldBy.GRACE:
        return until, until + waves.deadline
    return until - waves.deadline, until
