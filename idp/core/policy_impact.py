"""What a policy means for each active user: the gate's own answer, given before it is in force.

`policy_standings` says where everybody stands; here that becomes what awaits a user at the next
sign-in.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, assert_never

from idp.core.policy_outcomes import spared
from idp.core.policy_standings import Standing, iterate_pages
from idp.core.policy_yardstick import Yardstick
from idp.core.work import UnitOfWork
from idp.store.presence import last_refreshes, live_sessions
from policy.engine import evaluate
from policy.model import CredentialFacts, PolicyVersion
from policy.verdict import Finding, RequiredAction, Verdict, Withheld, WithheldBy

_ASKED = frozenset({"password.must_change", "password.temporary_expired"})
"""The findings that an administrator's asking gives, whatever the policy."""


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
    DIRECTORY_OWNED = "directory_owned"
    NO_PASSWORD = "no_password"  # noqa: S105 - a reason, no password


@dataclass(frozen=True, slots=True)
class Impact:
    """What a policy means for one user.

    Attributes:
        findings: what it holds against the password in that state.
        withheld: what the policy would ask besides and does not yet.
        wave: between when and when a wave with a cap has to find this user a place; None for a
            user whom it leaves alone.
    """

    state: State
    findings: tuple[Finding, ...] = ()
    exemption: Exemption | None = None
    withheld: Withheld | None = None
    wave: tuple[datetime, datetime] | None = None


class Presence(NamedTuple):
    """How many live sessions a user has; the last sign-in, page or refresh that is still known."""

    live_sessions: int
    last_seen_at: datetime | None


def iterate_impacts(
    uow: UnitOfWork, measure: Yardstick, *, after: str = ""
) -> Iterator[tuple[Standing, Impact, Presence]]:
    """Yield the active users after an id, by id; memory stays the same."""
    for page in iterate_pages(uow, measure, after=after):
        for standing, presence in zip(page, _presences(uow, page), strict=True):
            yield standing, impact_of(standing, uow.now), presence


def impact_of(standing: Standing, now: datetime) -> Impact:
    """Return what the policy that a user was measured by means for this one.

    A user whom a wave without a cap may ask now counts as asked: the next sign-in does it.
    """
    policy, facts, verdict = standing.policy, standing.facts, standing.verdict
    if facts is None or verdict is None:
        return Impact(State.EXEMPT, exemption=Exemption.NO_PASSWORD)
    if verdict.required_action is None and _is_asked_by_wave(policy, verdict.withheld):
        verdict = evaluate(policy, replace(facts, placed_under=policy.number), now)
    if any(finding.code in _ASKED for finding in verdict.findings):
        return Impact(State.ASKED_ALREADY, verdict.findings, withheld=verdict.withheld)
    if standing.is_directory_ruled:
        return Impact(State.EXEMPT, exemption=Exemption.DIRECTORY_OWNED)
    match verdict.required_action:
        case RequiredAction.CHANGE_PASSWORD:
            return Impact(State.MUST_CHANGE, verdict.findings, withheld=verdict.withheld)
        case RequiredAction.SIGN_IN:
            return Impact(State.JUDGED, verdict.findings, withheld=verdict.withheld)
        case None:
            return _let_in(policy, facts, verdict, now)
        case _:
            assert_never(verdict.required_action)


def _presences(uow: UnitOfWork, page: Sequence[Standing]) -> Iterator[Presence]:
    idle = uow.runtime.config.realm(uow.realm).lifetimes.session_idle
    first, last = page[0].user_id, page[-1].user_id
    sessions = live_sessions(uow.db, uow.realm, first=first, last=last, now=uow.now, idle=idle)
    refreshes = last_refreshes(uow.db, uow.realm, first=first, last=last)
    for standing in page:
        seen_at, live = sessions.get(standing.user_id, (None, 0))
        moments = (standing.last_sign_in_at, seen_at, refreshes.get(standing.user_id))
        known = (moment for moment in moments if moment is not None)
        yield Presence(live, max(known, default=None))


def _is_asked_by_wave(policy: PolicyVersion, withheld: Withheld | None) -> bool:
    if withheld is None or withheld.by is not WithheldBy.WAVE or not withheld.is_due:
        return False
    return policy.waves is not None and policy.waves.per_hour is None


def _let_in(
    policy: PolicyVersion, facts: CredentialFacts, verdict: Verdict, now: datetime
) -> Impact:
    withheld = verdict.withheld
    if withheld is not None:
        wave = _wave_of(policy, facts, withheld)
        return Impact(State.WITHHELD, withheld.findings, withheld=withheld, wave=wave)
    findings = spared(policy, facts, now)
    if findings:
        return Impact(State.EXEMPT, findings, Exemption.ENFORCEMENT_NEVER)
    return Impact(State.COMPLIANT)


def _wave_of(
    policy: PolicyVersion, facts: CredentialFacts, withheld: Withheld
) -> tuple[datetime, datetime] | None:
    waves, until = policy.waves, withheld.until
    if waves is None or until is None or not waves.takes(facts.groups, facts.share):
        return None
    if withheld.by is WithheldBy.GRACE:
        return until, until + waves.deadline
    return until - waves.deadline, until
