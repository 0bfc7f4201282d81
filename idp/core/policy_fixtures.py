"""A policy's own tests: passwords and credentials, and the codes that are expected of each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import assert_never

from idp.core.ports import CommonPasswords, StrengthMeter
from policy.engine import evaluate, judge, warnings
from policy.model import Candidate, CredentialFacts, HistoryMatch, PolicyVersion
from policy.verdict import Finding

NO_ACTION = "none"
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
"""Any moment will do: every time in a fixture is a distance from now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordFixture:
    """A password that somebody wants to set.

    Attributes:
        earlier: how long ago the earlier passwords that equal it were replaced, by position.
        current_password: the present password, as typed with the new one; None if it was not.
        is_common: None asks the list of common passwords.
        strength: a score of 0 to 4; None measures it.
        is_breached: None when nobody can look it up.
        current_age: how old the present password is that the user chose, if it is one.
        expect: the codes of all findings; empty when the password may be set.
    """

    name: str
    password: str = field(repr=False)
    username: str
    email: str | None
    names: tuple[str, ...]
    forced: bool
    matches_current: bool
    current_password: str | None = field(repr=False)
    earlier: tuple[tuple[int, timedelta], ...]
    is_common: bool | None
    strength: int | None
    is_breached: bool | None
    is_past_bulk_secret: bool
    current_age: timedelta | None
    expect: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialFixture:
    """A stored password, and the policy that accepted it.

    Attributes:
        judged_under: None when no policy has judged it.
        is_refused: the policy under test refused the password when it was typed at a sign-in.
        temporary_left: how long a temporary password is still good; negative when it is over.
        expect: the codes of all findings; empty when nothing speaks against tokens.
        action: what stands between the user and tokens, or `none`; None is not compared.
        warn: the codes of warnings; None is not compared.
    """

    name: str
    judged_under: PolicyVersion | None
    is_refused: bool
    age: timedelta
    must_change: bool
    temporary_left: timedelta | None
    expect: tuple[str, ...]
    action: str | None
    warn: tuple[str, ...] | None


Fixture = PasswordFixture | CredentialFixture


@dataclass(frozen=True, slots=True, kw_only=True)
class FixtureResult:
    """What one fixture gave: `missing` was expected and not found, `unexpected` the reverse."""

    name: str
    passed: bool
    expected: tuple[str, ...]
    found: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]


def run_fixtures(
    policy: PolicyVersion,
    fixtures: Iterable[Fixture],
    common: CommonPasswords,
    meter: StrengthMeter,
) -> tuple[FixtureResult, ...]:
    """Return what the policy says of each fixture, in their order; reads no database.

    A required action is compared as `action: NAME`, a warning as `warning: CODE`.
    """
    return tuple(_run(policy, fixture, common, meter) for fixture in fixtures)


def _run(
    policy: PolicyVersion, fixture: Fixture, common: CommonPasswords, meter: StrengthMeter
) -> FixtureResult:
    match fixture:
        case PasswordFixture():
            findings = judge(policy, _candidate(fixture, common, meter))
            return _compare(fixture.name, fixture.expect, _codes(findings))
        case CredentialFixture():
            return _run_credential(policy, fixture)
        case _:
            assert_never(fixture)


def _candidate(
    fixture: PasswordFixture, common: CommonPasswords, meter: StrengthMeter
) -> Candidate:
    is_common, strength = fixture.is_common, fixture.strength
    if strength is None:
        email = () if fixture.email is None else (fixture.email,)
        strength = meter.score(fixture.password, (fixture.username, *email, *fixture.names))
    return Candidate(
        password=fixture.password,
        username=fixture.username,
        email=fixture.email,
        names=fixture.names,
        forced=fixture.forced,
        matches_current=fixture.matches_current,
        current_password=fixture.current_password,
        history_matches=tuple(HistoryMatch(n, _NOW - ago) for n, ago in fixture.earlier),
        is_common=common.contains(fixture.password) if is_common is None else is_common,
        strength=strength,
        is_breached=fixture.is_breached,
        is_past_bulk_secret=fixture.is_past_bulk_secret,
        now=_NOW,
        current_set_at=None if fixture.current_age is None else _NOW - fixture.current_age,
        current_self_chosen=fixture.current_age is not None,
    )


def _run_credential(policy: PolicyVersion, fixture: CredentialFixture) -> FixtureResult:
    left = fixture.temporary_left
    facts = CredentialFacts(
        judged_under=fixture.judged_under,
        refused_under=policy.number if fixture.is_refused else None,
        password_set_at=_NOW - fixture.age,
        must_change=fixture.must_change,
        temporary_until=None if left is None else _NOW + left,
    )
    verdict = evaluate(policy, facts, _NOW)
    expected, found = list(fixture.expect), _codes(verdict.findings)
    if fixture.action is not None:
        expected.append(f"action: {fixture.action}")
        found.append(f"action: {verdict.required_action or NO_ACTION}")
    if fixture.warn is not None:
        expected += [f"warning: {code}" for code in fixture.warn]
        found += [f"warning: {code}" for code in _codes(warnings(policy, facts, _NOW))]
    return _compare(fixture.name, expected, found)


def _codes(findings: Iterable[Finding]) -> list[str]:
    return [finding.code for finding in findings]


def _compare(name: str, expected: Sequence[str], found: Sequence[str]) -> FixtureResult:
    missing = tuple(code for code in expected if code not in found)
    unexpected = tuple(code for code in found if code not in expected)
    return FixtureResult(
        name=name,
        passed=not missing and not unexpected,
        expected=tuple(expected),
        found=tuple(found),
        missing=missing,
        unexpected=unexpected,
    )
