"""Who still has to change the password and why: the gate's answer about everybody, counted."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache

import sqlalchemy as sa

from idp.core.decision_records import Decided
from idp.core.policies import policy_version
from idp.core.policy_outcomes import HAVE_TO_CHANGE, Outcome
from idp.core.policy_standings import Standing, iterate_standings
from idp.core.policy_yardstick import yardstick
from idp.core.work import UnitOfWork
from idp.store.decisions import DecisionRow
from policy.engine import evaluate, stricter_rules
from policy.model import Enforcement, PolicyVersion
from policy.verdict import RequiredAction, WithheldBy


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
class GroupCount:
    """The active users of one group; `name` is None for those who are in none.

    Somebody who is in several groups is counted in each.
    """

    name: str | None
    users: int
    have_to_change: int
    withheld: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WithheldCount:
    """The users from whom one thing keeps what the policy would ask.

    Attributes:
        due: of these, those whom a wave asks as soon as an hour has a place left.
        next_at: when the first of them is asked at the latest; None under `observe`.
        last_at: when everybody is asked.
    """

    by: WithheldBy
    users: int
    due: int
    next_at: datetime | None
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class Observed:
    """Whom a policy that only observes would have stopped so far, by its enforcement then.

    `everyone` counts the active users of whom a stop is on record under this version;
    `noncompliant` those of them whose password is too old, did not meet it at a sign-in, or was
    judged by no version yet.
    """

    everyone: int
    noncompliant: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyReport:
    """How the active users of a realm stand with the policy in force, at one moment.

    `outcomes` names every outcome and adds up to `active_users`, and so do `versions`. The two
    `accounts_on_` counts go across the outcomes.

    Attributes:
        oldest_since: since when whoever has had to change for longest has had to.
        oldest_days: the whole days since then.
        observed: None unless the enforcement is `observe`.
    """

    policy_version: int
    enforcement: Enforcement
    at: datetime
    active_users: int
    have_to_change: int
    withheld: int
    oldest_since: datetime | None
    oldest_days: int | None
    accounts_on_shared_password: int
    accounts_on_temporary_password: int
    outcomes: Mapping[Outcome, int]
    withheld_by: tuple[WithheldCount, ...]
    groups: tuple[GroupCount, ...]
    versions: tuple[VersionCount, ...]
    observed: Observed | None


@dataclass(slots=True)
class _Line:
    """The count of one group."""

    users: int = 0
    have_to_change: int = 0
    withheld: int = 0


@dataclass(slots=True)
class _Stage:
    """The count of what one thing withholds."""

    users: int = 0
    due: int = 0
    untils: set[datetime] = field(default_factory=set)


@dataclass(slots=True)
class _Tally:
    """The counts of a report; `on_record` are the users whom observing would have stopped."""

    now: datetime
    on_record: frozenset[str]
    versions: dict[int | None, Counter[Outcome]] = field(default_factory=dict)
    groups: dict[str | None, _Line] = field(default_factory=dict)
    stages: dict[WithheldBy, _Stage] = field(default_factory=dict)
    shared: int = 0
    temporary: int = 0
    observed: int = 0
    observed_noncompliant: int = 0
    oldest: datetime | None = None

    def add(self, standing: Standing) -> None:
        """Count one user."""
        self.versions.setdefault(standing.judged_under, Counter())[standing.outcome] += 1
        self.shared += standing.is_shared
        self.temporary += standing.is_temporary
        is_withheld = standing.outcome is Outcome.WITHHELD
        has_to_change = standing.has_to_change
        for name in standing.groups or (None,):
            line = self.groups.setdefault(name, _Line())
            line.users += 1
            line.have_to_change += has_to_change
            line.withheld += is_withheld
        if is_withheld:
            self._add_withheld(standing)
        if standing.user_id in self.on_record:
            self.observed += 1
            self.observed_noncompliant += _is_noncompliant(standing, self.now)
        if has_to_change and standing.since is not None:
            self.oldest = min(standing.since, self.oldest or standing.since)

    def _add_withheld(self, standing: Standing) -> None:
        assert standing.withheld is not None  # noqa: S101 - that is what the outcome says
        stage = self.stages.setdefault(standing.withheld.by, _Stage())
        stage.users += 1
        stage.due += standing.withheld.is_due
        if standing.withheld.until is not None:
            stage.untils.add(standing.withheld.until)


def get_policy_report(uow: UnitOfWork) -> PolicyReport:
    """Return who still has to change the password and why, as counts; reads every active user."""
    measure = yardstick(uow)
    policy = measure.policy
    tally = _Tally(now=uow.now, on_record=_on_record(uow, policy))
    for standing in iterate_standings(uow, measure):
        tally.add(standing)
    outcomes = _total(tally.versions.values())
    return PolicyReport(
        policy_version=policy.number,
        enforcement=policy.enforcement,
        at=uow.now,
        active_users=sum(outcomes.values()),
        have_to_change=_sum_to_change(outcomes),
        withheld=outcomes[Outcome.WITHHELD],
        oldest_since=tally.oldest,
        oldest_days=None if tally.oldest is None else (uow.now - tally.oldest).days,
        accounts_on_shared_password=tally.shared,
        accounts_on_temporary_password=tally.temporary,
        outcomes=outcomes,
        withheld_by=tuple(_stage(by, tally.stages[by]) for by in WithheldBy if by in tally.stages),
        groups=_groups(tally.groups),
        versions=_versions(uow, policy, tally.versions),
        observed=_observed(policy, tally),
    )


def _on_record(uow: UnitOfWork, policy: PolicyVersion) -> frozenset[str]:
    """Return the ids of the users of whom a stop is on record that observing withheld."""
    if policy.enforcement is not Enforcement.OBSERVE:
        return frozenset()
    query = (
        sa.select(DecisionRow.user_id)
        .where(
            DecisionRow.policy_version == policy.number,
            DecisionRow.outcome == Decided.WITHHELD.value,
            DecisionRow.withheld_by == WithheldBy.OBSERVE.value,
        )
        .distinct()
    )
    return frozenset(uow.db.scalars(query))


def _observed(policy: PolicyVersion, tally: _Tally) -> Observed | None:
    if policy.enforcement is not Enforcement.OBSERVE:
        return None
    return Observed(everyone=tally.observed, noncompliant=tally.observed_noncompliant)


def _is_noncompliant(standing: Standing, now: datetime) -> bool:
    """Tell whether `noncompliant` stops a user, whatever an administrator asked besides."""
    if standing.facts is None or standing.withheld is None:
        return False
    facts = replace(standing.facts, must_change=False, temporary_until=None)
    verdict = evaluate(_noncompliant(standing.policy), facts, now)
    is_asked = verdict.required_action is RequiredAction.CHANGE_PASSWORD
    return is_asked or facts.judged_under is None


@lru_cache(maxsize=64)
def _noncompliant(policy: PolicyVersion) -> PolicyVersion:
    """Return a policy that does not wait, with this enforcement."""
    enforcement = Enforcement.NONCOMPLIANT
    return replace(policy, enforcement=enforcement, grace=timedelta(0), waves=None)


def _stage(by: WithheldBy, stage: _Stage) -> WithheldCount:
    return WithheldCount(
        by=by,
        users=stage.users,
        due=stage.due,
        next_at=min(stage.untils, default=None),
        last_at=max(stage.untils, default=None),
    )


def _groups(lines: Mapping[str | None, _Line]) -> tuple[GroupCount, ...]:
    """Return the groups by name, those who are in none at the end."""
    names = sorted(lines, key=lambda name: (name is None, (name or "").casefold(), name or ""))
    return tuple(
        GroupCount(
            name=name,
            users=lines[name].users,
            have_to_change=lines[name].have_to_change,
            withheld=lines[name].withheld,
        )
        for name in names
    )


def _versions(
    uow: UnitOfWork, policy: PolicyVersion, counts: Mapping[int | None, Counter[Outcome]]
) -> tuple[VersionCount, ...]:
    """Return the versions from the newest on, users without a password at the end."""
    numbers = sorted(counts, key=lambda version: -1 if version is None else version, reverse=True)
    return tuple(_version_count(uow, policy, number, counts[number]) for number in numbers)


def _version_count(
    uow: UnitOfWork, policy: PolicyVersion, version: int | None, counted: Counter[Outcome]
) -> VersionCount:
    outcomes = _total([counted])
    return VersionCount(
        version=version,
        users=sum(outcomes.values()),
        have_to_change=_sum_to_change(outcomes),
        stricter_rules=stricter_rules(policy_version(uow, version), policy) if version else (),
        outcomes=outcomes,
    )


def _total(counts: Iterable[Counter[Outcome]]) -> Mapping[Outcome, int]:
    total = Counter(dict.fromkeys(Outcome, 0))
    for counted in counts:
        total.update(counted)
    return dict(total)


def _sum_to_change(outcomes: Mapping[Outcome, int]) -> int:
    return sum(outcomes[outcome] for outcome in HAVE_TO_CHANGE)
