"""What publishing a policy would do, shown to whoever reviews it: counts, and users by name."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from idp.cli.base import CliContext
from idp.cli.following import look_at
from idp.core.plans import PlanView
from idp.core.policy_impact import HIT, State
from idp.core.policy_targets import PolicyTarget, iterate_policy_targets
from policy.verdict import Finding

_STATES: Mapping[State, str] = {
    State.MUST_CHANGE: "must choose another password",
    State.JUDGED: "are judged by the password they type",
    State.WITHHELD: "are asked later",
    State.ASKED_ALREADY: "are asked already, whatever the policy",
    State.EXEMPT: "are not asked",
    State.COMPLIANT: "have a password that the policy accepts",
}
_SEEN: Mapping[str, str] = {
    "last_24h": "in the last 24 hours",
    "last_7d": "in the last 7 days",
    "last_30d": "in the last 30 days",
    "longer": "longer ago",
    "never": "never",
}
_DEEDS: Mapping[str, str] = {
    "change_password": "choose another password",
    "sign_in": "sign in again",
}
_WAITS: Mapping[str, str] = {
    "observe": "it is only noted",
    "grace": "when their grace is over",
    "wave": "when a wave comes to them, at the latest at its deadline",
}
_MOST_GROUPS = 20
_GAP = "  "
_NEVER = "-"
_USER_COLUMNS = ("user", "groups", "state", "why", "withheld until", "last seen", "live sessions")

Row = Sequence[object]
Counts = Mapping[str, Any]


def show_publication(context: CliContext, plan: PlanView) -> None:
    """Print a plan to publish a policy, with what it would do."""
    counts: Counts = plan.counts
    context.details(
        {
            "plan": plan.id,
            "what": plan.summary,
            "state": plan.state.value,
            "against NIST SP 800-63B-4": "; ".join(counts["conflicts"]) or "-",
            "marked, whatever the enforcement": counts["marked"],
            "never judged": counts["never_judged"],
            "expires at": plan.expires_at,
            "fingerprint": plan.fingerprint,
        }
    )
    context.table(list(_state_rows(counts)), ("at the next sign-in", "users", "signed in now"))
    if _later_rows(counts):
        context.table(_later_rows(counts), ("asked later", "until", "users"))
    context.table(_seen_rows(counts), ("last seen, of those whom it asks", "users"))
    columns = ("group", "users", *(state.value.replace("_", " ") for state in State))
    context.table(list(_group_rows(counts)), columns)


def describe_publication(plan: PlanView) -> str:
    """Return the short form of the same, as lines of text."""
    rows = [(users, text) for text, users, _ in _state_rows(plan.counts) if users]
    for text, until, users in _later_rows(plan.counts):
        rows.append((users, text if until == _NEVER else f"{text} ({until})"))
    width = max((len(str(users)) for users, _ in rows), default=1)
    lines = [f"{_GAP}{users!s:>{width}} {text}" for users, text in rows]
    return "\n".join([plan.summary, "users at their next sign-in:", *(lines or [f"{_GAP}nobody"])])


def show_policy_targets(context: CliContext, plan: PlanView) -> None:
    """Print whom a policy would ask something of, as they stand now."""
    targets = list_targets(context, plan)
    context.say("Worked out now; nothing of it is stored with the plan.")
    context.table([_target_row(target) for target in targets], _USER_COLUMNS)


def list_targets(context: CliContext, plan: PlanView) -> list[PolicyTarget]:
    """Return whom a policy would ask something of, as they stand now."""
    return look_at(context, plan.realm, lambda uow: list(iterate_policy_targets(uow, plan.id)))


def _state_rows(counts: Counts) -> Iterator[tuple[str, int, object]]:
    for state, text in _STATES.items():
        why = ""
        if state is State.EXEMPT and counts["states"][state]:
            why = f" ({_reasons(counts['exempt_because'])})"
        live = counts["live_sessions"][state] if state in HIT else ""
        yield f"{text}{why}", counts["states"][state], live


def _reasons(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {users}" for name, users in counts.items() if users)


def _later_rows(counts: Counts) -> list[tuple[str, str, int]]:
    return [
        (
            f"{_DEEDS[each['action']]}: {_WAITS[each['by']]}",
            _NEVER if each["until"] is None else _moment(datetime.fromisoformat(each["until"])),
            each["users"],
        )
        for each in counts["withheld_by"]
    ]


def _seen_rows(counts: Counts) -> list[Row]:
    return [(text, counts["last_seen"][span]) for span, text in _SEEN.items()]


def _group_rows(counts: Counts) -> Iterator[Row]:
    for each in counts["groups"][:_MOST_GROUPS]:
        name = "(no group)" if each["name"] is None else each["name"]
        yield (name, each["users"], *(each["states"][state] for state in State))
    rest = len(counts["groups"]) - _MOST_GROUPS + counts["groups_left_out"]
    if rest > 0:
        yield (f"and {rest} more", *("" for _ in State), "")


def _target_row(target: PolicyTarget) -> Row:
    why = "; ".join(map(_code, target.findings)) or target.exempt_because
    until = None if target.withheld_by is None else target.until or "only observed"
    return (
        target.username,
        ", ".join(target.groups),
        target.state.value.replace("_", " "),
        why,
        until,
        target.last_seen_at,
        target.live_sessions,
    )


def _code(finding: Finding) -> str:
    params = ", ".join(f"{name} {value}" for name, value in finding.params.items())
    return f"{finding.code} ({params})" if params else finding.code


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%SZ")
