"""Staging: what keeps a policy from asking already - observing, a time of grace, waves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from policy.model import CredentialFacts, Enforcement, PolicyVersion
from policy.verdict import Finding, RequiredAction, Withheld, WithheldBy


@dataclass(frozen=True, slots=True)
class Demand:
    """One thing that the policy holds against a credential, and the version that began it.

    `immediate` tells that access tokens already out die with it.
    """

    finding: Finding
    action: RequiredAction
    since: PolicyVersion | None
    immediate: bool


def split(
    policy: PolicyVersion, facts: CredentialFacts, demands: Sequence[Demand], now: datetime
) -> tuple[tuple[Demand, ...], Withheld | None]:
    """Return the demands that hold now, and what is withheld of the others."""
    if not demands:
        return (), None
    if policy.enforcement is Enforcement.OBSERVE:
        return (), _withhold(WithheldBy.OBSERVE, demands)
    if not policy.is_staged:
        return tuple(demands), None
    held: list[Demand] = []
    waiting: list[Demand] = []
    first: _Wait | None = None
    for demand in demands:
        wait = _wait_of(policy, facts, demand, now)
        if wait is None:
            held.append(demand)
            continue
        waiting.append(demand)
        first = wait if first is None else min(first, wait, key=_Wait.rank)
    if first is None:
        return tuple(held), None
    return tuple(held), _withhold(first.by, waiting, first.until, is_due=first.is_due)


class _Wait(NamedTuple):
    """How long a demand waits at most, and for what."""

    by: WithheldBy
    until: datetime
    is_due: bool

    def rank(self) -> tuple[bool, datetime]:
        """Order waits: one that may be over now comes first, then the shortest."""
        return not self.is_due, self.until


def _wait_of(
    policy: PolicyVersion, facts: CredentialFacts, demand: Demand, now: datetime
) -> _Wait | None:
    """Return what withholds a demand, or None when it holds."""
    since = demand.since or policy
    begin = (since.published_at or now) + policy.grace
    if now < begin:
        return _Wait(WithheldBy.GRACE, begin, is_due=False)
    waves = policy.waves
    if waves is None or now >= begin + waves.deadline:
        return None
    if facts.placed_under is not None and facts.placed_under >= since.number:
        return None
    is_due = waves.takes(facts.groups, facts.share) and not waves.is_quiet(now)
    return _Wait(WithheldBy.WAVE, begin + waves.deadline, is_due)


def _withhold(
    by: WithheldBy,
    demands: Sequence[Demand],
    until: datetime | None = None,
    *,
    is_due: bool = False,
) -> Withheld:
    findings = tuple([demand.finding for demand in demands])
    return Withheld(by, strongest(demands), findings, until, is_due)


def strongest(demands: Sequence[Demand]) -> RequiredAction:
    """Return the one action that satisfies every demand."""
    asks_change = any(demand.action is RequiredAction.CHANGE_PASSWORD for demand in demands)
    return RequiredAction.CHANGE_PASSWORD if asks_change else RequiredAction.SIGN_IN
