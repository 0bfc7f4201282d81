"""What publishing a policy would do, counted over every active user; read only, one pass."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from idp.core.policies import Stamp, current_policy, judging_policy
from idp.core.policy_impact import HIT, Exemption, Impact, Presence, State, iterate_impacts
from idp.core.policy_standings import Standing
from idp.core.policy_yardstick import yardstick
from idp.core.work import UnitOfWork
from policy.combining import for_groups
from policy.engine import marks
from policy.model import PolicyVersion
from policy.verdict import RequiredAction, WithheldBy

_MOST_GROUPS = 500
_SPANS = tuple(
    (name, timedelta(days=days))
    for name, days in (("last_24h", 1), ("last_7d", 7), ("last_30d", 30))
)
_LONGER, _NEVER = "longer", "never"


@dataclass(frozen=True, slots=True)
class Postponed:
    """What the policy asks of users and does not yet; `until` is None under `observe`."""

    by: WithheldBy
    action: RequiredAction
    until: datetime | None


@dataclass(slots=True)
class Preview:
    """Counts of the active users of a realm, under one policy at one moment.

    Attributes:
        states: of everybody. groups: of the members of each group, under its name; None for the
            users who are in none. A user in several groups counts in each.
        live: how many users of a state have a live session, of those that are hit.
        seen: when those that are hit were last seen.
        due: how many of those that a wave withholds it may ask right away, if it has a place.
        stamps: credentials by what judged them and what it takes to compare that; those of which
            the policy may ask something.
        cohorts: whom a wave with a cap has to ask, by the time that it has for them.
    """

    states: Counter[State] = field(default_factory=Counter)
    groups: defaultdict[str | None, Counter[State]] = field(
        default_factory=lambda: defaultdict(Counter)
    )
    live: Counter[State] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    exemptions: Counter[Exemption] = field(default_factory=Counter)
    postponed: Counter[Postponed] = field(default_factory=Counter)
    due: int = 0
    stamps: Counter[tuple[Stamp, frozenset[str]]] = field(default_factory=Counter)
    cohorts: Counter[tuple[datetime, datetime]] = field(default_factory=Counter)

    def add(self, standing: Standing, impact: Impact, presence: Presence, now: datetime) -> None:
        """Count one user."""
        self.states[impact.state] += 1
        for name in standing.groups or (None,):
            self.groups[name][impact.state] += 1
        if standing.stamp is not None and not standing.is_directory_ruled:
            self.stamps[standing.stamp, standing.policy_groups] += 1
        if impact.state in HIT:
            self.live[impact.state] += bool(presence.live_sessions)
            self.seen[_span(presence.last_seen_at, now)] += 1
        if impact.exemption is not None:
            self.exemptions[impact.exemption] += 1
        if impact.state is State.WITHHELD and impact.withheld is not None:
            withheld = impact.withheld
            self.postponed[Postponed(withheld.by, withheld.action, withheld.until)] += 1
            self.due += withheld.is_due
        if impact.wave is not None:
            self.cohorts[impact.wave] += 1


def preview(uow: UnitOfWork, policy: PolicyVersion) -> Preview:
    """Return what `policy` (of the realm, as the next version or the one in force) would do."""
    counted = Preview()
    for standing, impact, presence in iterate_impacts(uow, yardstick(uow, policy)):
        counted.add(standing, impact, presence, uow.now)
    return counted


def preview_counts(counted: Preview) -> dict[str, object]:
    """Return a preview as JSON; everything that a count can be about is named, even at 0."""
    groups = sorted(counted.groups.items(), key=lambda each: (-_hit(each[1]), each[0] or ""))
    return {
        "states": _by_name(State, counted.states),
        "groups": [
            {"name": name, "users": states.total(), "states": _by_name(State, states)}
            for name, states in groups[:_MOST_GROUPS]
        ],
        "groups_left_out": max(0, len(groups) - _MOST_GROUPS),
        "live_sessions": _by_name(HIT, counted.live),
        "last_seen": {span: counted.seen[span] for span in _span_names()},
        "exempt_because": _by_name(Exemption, counted.exemptions),
        "withheld_by": [
            {
                "by": each.by.value,
                "action": each.action.value,
                "until": None if each.until is None else each.until.isoformat(),
                "users": users,
            }
            for each, users in sorted(counted.postponed.items(), key=_order)
        ],
        "due_now": counted.due,
    }


def count_marks(uow: UnitOfWork, counted: Preview, new: PolicyVersion) -> dict[str, object]:
    """Return how many credentials `new` and the version in force mark, whatever the enforcement."""
    current = current_policy(uow)
    marked = unjudged = accepted = marked_before = 0
    for (stamp, groups), users in counted.stamps.items():
        judge = judging_policy(uow, stamp)
        marked_before += users if marks(judge, for_groups(current, groups)) else 0
        if judge is None:
            unjudged += users
        elif marks(judge, for_groups(new, groups)):
            marked += users
        else:
            accepted += users
    return {
        "marked": marked,
        "never_judged": unjudged,
        "accepted": accepted,
        "marked_by_current": marked_before,
    }


def _hit(states: Mapping[State, int]) -> int:
    return sum(states.get(state, 0) for state in HIT)


def _by_name(
    known: Iterable[State] | Iterable[Exemption],
    counts: Mapping[State, int] | Mapping[Exemption, int],
) -> dict[str, int]:
    by_name = {each.value: users for each, users in counts.items()}
    return {each.value: by_name.get(each.value, 0) for each in known}


def _order(each: tuple[Postponed, int]) -> tuple[str, str, str]:
    what = each[0]
    return (what.until.isoformat() if what.until else "", what.by.value, what.action.value)


def _span_names() -> tuple[str, ...]:
    return (*(name for name, _ in _SPANS), _LONGER, _NEVER)


def _span(last_seen_at: datetime | None, now: datetime) -> str:
    if last_seen_at is None:
        return _NEVER
    age = now - last_seen_at
    return next((name for name, span in _SPANS if age <= span), _LONGER)
