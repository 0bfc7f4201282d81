"""Judging and evaluating: may this password be set, may this credential have tokens now."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from itertools import takewhile

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
from policy.rules import DiffersFromCurrent, History, Length, MaxAge
from policy.staging import Demand, split, strongest
from policy.verdict import Direction, Finding, RequiredAction, Verdict, Withheld

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


@lru_cache(maxsize=256)
def of_content(policy: PolicyVersion) -> PolicyVersion:
    """Return the policy with nothing but its content rules: what a typed password is judged by."""
    rules = tuple(rule for rule in policy.rules if rule.kind is Kind.CONTENT)
    return replace(policy, rules=rules)


def evaluate(policy: PolicyVersion, facts: CredentialFacts, now: datetime) -> Verdict:
    """Return whether a credential may have tokens now, with the findings of every cause.

    What an administrator asked of one user (must change, a temporary password's deadline)
    holds under every enforcement; what the policy asks holds as its enforcement, its grace and
    its waves say, and is told as `withheld` until then.
    """
    asked = _asked_of_user(facts, now)
    if policy.enforcement is Enforcement.NEVER:
        return _verdict(asked, (), None)
    held, withheld = split(policy, facts, _demands(policy, facts, now), now)
    return _verdict(asked, held, withheld)


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


def marking_version(
    judged: PolicyVersion | None, later: Sequence[PolicyVersion]
) -> PolicyVersion | None:
    """Return the version since which a credential is marked, and asked about, without a break.

    For a credential that no policy has judged, the version since which no content rule became
    stricter. None when the last version does not mark it.

    Args:
        later: the versions after `judged`, as they stand for the credential's user, in the order
            of their numbers; the last one is in force.
    """

    def is_in_run(version: PolicyVersion) -> bool:
        if not version.enforcement.asks:
            return False
        if judged is None:
            return not marks(version, later[-1])
        return marks(judged, version)

    return _first_of_run(later, is_in_run)


def aging_version(versions: Sequence[PolicyVersion]) -> PolicyVersion | None:
    """Return the version since which a maximum age at least as strict as the last one is asked."""
    most = _max_age(versions[-1])

    def is_in_run(version: PolicyVersion) -> bool:
        days = _max_age(version)
        is_as_strict = most is not None and days is not None and days <= most
        return is_as_strict and version.enforcement.asks

    return _first_of_run(versions, is_in_run)


def _first_of_run(
    versions: Sequence[PolicyVersion], is_in_run: Callable[[PolicyVersion], bool]
) -> PolicyVersion | None:
    """Return the first of the versions at the end for which the condition holds without a break."""
    run = list(takewhile(is_in_run, reversed(versions)))
    return run[-1] if run else None


def _max_age(policy: PolicyVersion) -> int | None:
    return next((rule.days for rule in policy.rules if isinstance(rule, MaxAge)), None)


@lru_cache(maxsize=4096)
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


def _demands(policy: PolicyVersion, facts: CredentialFacts, now: datetime) -> Sequence[Demand]:
    """Return what the policy holds against a credential, whether it asks already or not."""
    change = RequiredAction.CHANGE_PASSWORD
    demands = [
        Demand(found, change, facts.aged_by, immediate=True)
        for rule in policy.rules
        if (found := rule.check_standing(facts, now)) is not None
    ]
    mark = _mark(policy, facts)
    return demands if mark is None else [*demands, mark]


def _mark(policy: PolicyVersion, facts: CredentialFacts) -> Demand | None:
    rules = () if facts.judged_under is None else stricter_rules(facts.judged_under, policy)
    if facts.judged_under is not None and not rules:
        return None
    version = {"version": policy.number}
    stricter = Finding("policy.stricter", {**version, "rules": ", ".join(rules)})
    if rules and policy.enforcement is not Enforcement.NONCOMPLIANT:
        finding, action = stricter, RequiredAction.CHANGE_PASSWORD
    elif facts.refused_under == policy.number:
        finding, action = Finding("policy.not_met", version), RequiredAction.CHANGE_PASSWORD
    else:
        unjudged = Finding("policy.not_judged", version)
        finding, action = stricter if rules else unjudged, RequiredAction.SIGN_IN
    return Demand(finding, action, facts.marked_by, immediate=False)


def _is_stricter(rule: Rule, old: Rule | None) -> bool:
    return rule.direction(old) in (Direction.STRICTER, Direction.MIXED)


def _verdict(
    asked: tuple[Finding, ...], held: Sequence[Demand], withheld: Withheld | None
) -> Verdict:
    action = strongest(held) if held else None
    return Verdict(
        required_action=RequiredAction.CHANGE_PASSWORD if asked else action,
        findings=(*asked, *(demand.finding for demand in held)),
        immediate=bool(asked) or any(demand.immediate for demand in held),
        withheld=withheld,
    )
