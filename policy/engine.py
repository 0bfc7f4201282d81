"""Judging and evaluating: may this password be set, may this credential have tokens now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from policy.model import (
    MAX_LENGTH,
    Candidate,
    CredentialFacts,
    Enforcement,
    HistoryNeed,
    Kind,
    Need,
    PolicyVersion,
    Rule,
)
from policy.rules import DiffersFromCurrent, History, Length
from policy.verdict import Direction, Finding, RequiredAction, Verdict

ENGINE_CODES: tuple[str, ...] = (
    "password.past_bulk_secret",
    "password.must_change",
    "password.temporary_expired",
    "policy.stricter",
    "policy.not_judged",
    "policy.not_met",
)
"""Codes of findings that come from no rule."""

_ANY_LENGTH = Length(min=1, max=MAX_LENGTH)


@dataclass(frozen=True, slots=True)
class _Mark:
    finding: Finding
    action: RequiredAction


def judge(policy: PolicyVersion, candidate: Candidate) -> tuple[Finding, ...]:
    """Return everything that speaks against setting this password; empty if it may be set.

    The findings stand in the order of the policy's rules, the engine's own at the end. Also
    judges a plaintext at a sign-in: with the defaults of `Candidate` only content rules speak.
    An empty password and one over `MAX_LENGTH` are refused whatever the rules, before any
    rule has to read them.
    """
    if not 1 <= len(candidate.password) <= MAX_LENGTH:
        return _judge_length(policy, candidate)
    findings = [found for rule in policy.rules for found in rule.check_candidate(candidate)]
    same = Finding(DiffersFromCurrent.code)
    if candidate.forced and candidate.matches_current and same not in findings:
        findings.append(same)
    if candidate.is_past_bulk_secret:
        findings.append(Finding("password.past_bulk_secret"))
    return tuple(findings)


def evaluate(policy: PolicyVersion, facts: CredentialFacts, now: datetime) -> Verdict:
    """Return whether a credential may have tokens now, with the findings of every cause.

    What an administrator asked of one user (must change, a temporary password's deadline)
    holds under every enforcement; what the policy asks holds as its enforcement says.
    """
    asked = _asked_of_user(facts, now)
    if policy.enforcement is Enforcement.NEVER:
        return _verdict(asked, None)
    aged = tuple(
        found for rule in policy.rules if (found := rule.check_standing(facts, now)) is not None
    )
    return _verdict(asked + aged, _mark(policy, facts))


def warnings(policy: PolicyVersion, facts: CredentialFacts, now: datetime) -> tuple[Finding, ...]:
    """Return what will soon be asked of a user, such as `password.expires_soon`."""
    if policy.enforcement is Enforcement.NEVER:
        return ()
    return tuple(
        found for rule in policy.rules if (found := rule.check_warning(facts, now)) is not None
    )


def compare(old: PolicyVersion, new: PolicyVersion) -> Mapping[str, Direction]:
    """Return how each rule changed, by name; unchanged rules are absent.

    Covers rules of every kind. Which changes mark a credential is the question of `marks`.
    """
    before = {rule.name: rule for rule in old.rules}
    changes = {rule.name: rule.direction(before.pop(rule.name, None)) for rule in new.rules}
    for name, rule in before.items():
        added = rule.direction(None)
        changes[name] = added and added.reversed()
    return {name: change for name, change in changes.items() if change is not None}


def marks(old: PolicyVersion | None, new: PolicyVersion) -> bool:
    """Tell whether a credential judged under `old` is marked by `new`.

    It is when a content rule is stricter, or stricter in one respect and looser in another.
    A credential that no policy has judged (None) is always marked.
    """
    return old is None or bool(stricter_rules(old, new))


@lru_cache(maxsize=256)
def stricter_rules(old: PolicyVersion, new: PolicyVersion) -> tuple[str, ...]:
    """Return the names of the content rules of `new` that mark a credential judged under `old`.

    A removed rule cannot mark, so only the rules of `new` are looked at. Remembered, because
    comparing two long word lists takes longer than everything else in `evaluate`.
    """
    before = {rule.name: rule for rule in old.rules}
    return tuple(
        rule.name
        for rule in new.rules
        if rule.kind is Kind.CONTENT and _is_stricter(rule, before.get(rule.name))
    )


def needs(policy: PolicyVersion, *, forced: bool) -> frozenset[Need]:
    """Return the facts to gather before `judge`; a forced change compares the current password."""
    always = {Need.PAST_BULK_SECRETS, Need.CURRENT} if forced else {Need.PAST_BULK_SECRETS}
    return frozenset(always).union(*(rule.active_needs() for rule in policy.rules))


def history_depth(policy: PolicyVersion) -> HistoryNeed | None:
    """Return which earlier passwords to compare, or None when there is no history rule."""
    return next((rule.depth() for rule in policy.rules if isinstance(rule, History)), None)


def describe(policy: PolicyVersion) -> tuple[Finding, ...]:
    """Return the requirements as lines (`rule.length` {min, max}, …) in the order of the rules."""
    return tuple(line for rule in policy.rules for line in rule.describe())


def _judge_length(policy: PolicyVersion, candidate: Candidate) -> tuple[Finding, ...]:
    length = next((rule for rule in policy.rules if isinstance(rule, Length)), _ANY_LENGTH)
    return length.check_candidate(candidate) or _ANY_LENGTH.check_candidate(candidate)


def _asked_of_user(facts: CredentialFacts, now: datetime) -> tuple[Finding, ...]:
    findings: tuple[Finding, ...] = ()
    if facts.must_change:
        findings += (Finding("password.must_change"),)
    if facts.temporary_until is not None and now > facts.temporary_until:
        findings += (Finding("password.temporary_expired"),)
    return findings


def _mark(policy: PolicyVersion, facts: CredentialFacts) -> _Mark | None:
    rules = () if facts.judged_under is None else stricter_rules(facts.judged_under, policy)
    if facts.judged_under is not None and not rules:
        return None
    version = {"version": policy.number}
    stricter = Finding("policy.stricter", {**version, "rules": ", ".join(rules)})
    if rules and policy.enforcement is Enforcement.EVERYONE:
        return _Mark(stricter, RequiredAction.CHANGE_PASSWORD)
    if facts.refused_under == policy.number:
        return _Mark(Finding("policy.not_met", version), RequiredAction.CHANGE_PASSWORD)
    unjudged = Finding("policy.not_judged", version)
    return _Mark(stricter if rules else unjudged, RequiredAction.SIGN_IN)


def _is_stricter(rule: Rule, old: Rule | None) -> bool:
    return rule.direction(old) in (Direction.STRICTER, Direction.MIXED)


def _verdict(immediate: tuple[Finding, ...], mark: _Mark | None) -> Verdict:
    action = mark.action if mark else None
    return Verdict(
        required_action=RequiredAction.CHANGE_PASSWORD if immediate else action,
        findings=immediate if mark is None else (*immediate, mark.finding),
        immediate=bool(immediate),
    )
