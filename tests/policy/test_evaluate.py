"""May this credential have tokens now?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.engine import evaluate, warnings
from policy.model import CredentialFacts, Enforcement, PolicyVersion
from policy.verdict import Finding, RequiredAction, Verdict
from tests.policy.cases import DAY, NOW, POLICIES, SECOND, a_policy, codes, min_length, some_facts

CHANGE, SIGN_IN = RequiredAction.CHANGE_PASSWORD, RequiredAction.SIGN_IN
EVERY_MODE = [mode.value for mode in Enforcement]
CLEAR = Verdict(None, (), immediate=False)


def six(enforcement: str) -> PolicyVersion:
    return min_length(6, number=3, enforcement=enforcement)


def asked(verdict: Verdict) -> tuple[RequiredAction | None, list[str], bool]:
    return verdict.required_action, codes(verdict.findings), verdict.immediate


FIVE = min_length(5, number=1)
STRICTER = "policy.stricter"


@pytest.mark.parametrize(
    ("enforcement", "judged_under", "refused_under", "action", "code"),
    [
        ("everyone", FIVE, None, CHANGE, STRICTER),
        ("everyone", FIVE, 3, CHANGE, STRICTER),
        ("everyone", None, None, SIGN_IN, "policy.not_judged"),
        ("everyone", None, 3, CHANGE, "policy.not_met"),
        ("noncompliant", FIVE, None, SIGN_IN, STRICTER),
        ("noncompliant", FIVE, 2, SIGN_IN, STRICTER),
        ("noncompliant", FIVE, 3, CHANGE, "policy.not_met"),
        ("noncompliant", None, None, SIGN_IN, "policy.not_judged"),
        ("noncompliant", None, 3, CHANGE, "policy.not_met"),
    ],
)
def test_what_a_mark_asks_for(
    enforcement: str,
    judged_under: PolicyVersion | None,
    refused_under: int | None,
    action: RequiredAction,
    code: str,
) -> None:
    facts = some_facts(judged_under, refused_under=refused_under)

    assert asked(evaluate(six(enforcement), facts, NOW)) == (action, [code], False)


@pytest.mark.parametrize("enforcement", EVERY_MODE)
@pytest.mark.parametrize("least", [6, 8])
def test_a_password_judged_under_the_same_rules_or_stricter_ones_is_clear(
    enforcement: str, least: int
) -> None:
    facts = some_facts(min_length(least, number=1))

    verdict = evaluate(six(enforcement), facts, NOW)

    assert verdict == CLEAR


def test_names_the_rules_that_became_stricter() -> None:
    old = a_policy({"length": {"min": 8}, "characters": {"digits": 1}})
    new = a_policy(
        {"length": {"min": 9}, "characters": {"digits": 1}, "not_personal": {}}, number=7
    )

    verdict = evaluate(new, some_facts(old), NOW)

    assert verdict.findings == (
        Finding("policy.stricter", {"version": 7, "rules": "length, not_personal"}),
    )


@pytest.mark.parametrize("judged_under", [FIVE, None], ids=["judged", "imported"])
@pytest.mark.parametrize("refused_under", [None, 3])
def test_never_asks_nobody(judged_under: PolicyVersion | None, refused_under: int | None) -> None:
    facts = some_facts(judged_under, refused_under=refused_under)

    assert evaluate(six("never"), facts, NOW) == CLEAR


@pytest.mark.parametrize("enforcement", EVERY_MODE)
def test_must_change_holds_under_every_enforcement(enforcement: str) -> None:
    facts = some_facts(six(enforcement), must_change=True)

    assert asked(evaluate(six(enforcement), facts, NOW)) == (
        CHANGE,
        ["password.must_change"],
        True,
    )


@pytest.mark.parametrize("enforcement", EVERY_MODE)
def test_a_temporary_password_ends_after_its_deadline_not_at_it(enforcement: str) -> None:
    facts = some_facts(six(enforcement), temporary_until=NOW)

    assert evaluate(six(enforcement), facts, NOW) == CLEAR
    assert asked(evaluate(six(enforcement), facts, NOW + SECOND)) == (
        CHANGE,
        ["password.temporary_expired"],
        True,
    )


@pytest.mark.parametrize(
    ("enforcement", "action"),
    [("everyone", CHANGE), ("noncompliant", CHANGE), ("never", None)],
)
def test_an_old_password_is_changed_where_the_policy_is_enforced(
    enforcement: str, action: RequiredAction | None
) -> None:
    policy = a_policy({"max_age": {"days": 90}}, enforcement=enforcement)
    facts = some_facts(policy, password_set_at=NOW - 90 * DAY)

    assert evaluate(policy, facts, NOW) == CLEAR
    verdict = evaluate(policy, facts, NOW + SECOND)
    assert verdict.required_action is action
    assert verdict.immediate is (action is CHANGE)


def test_lists_every_cause_and_the_strongest_wins() -> None:
    policy = a_policy(
        {"length": {"min": 6}, "max_age": {"days": 9}}, enforcement="noncompliant", number=3
    )
    facts = some_facts(
        FIVE, must_change=True, temporary_until=NOW - DAY, password_set_at=NOW - 10 * DAY
    )

    assert asked(evaluate(policy, facts, NOW)) == (
        CHANGE,
        [
            "password.must_change",
            "password.temporary_expired",
            "password.too_old",
            "policy.stricter",
        ],
        True,
    )


@pytest.mark.parametrize(
    ("enforcement", "expected"),
    [
        ("everyone", ["password.expires_soon"]),
        ("noncompliant", ["password.expires_soon"]),
        ("never", []),
    ],
)
def test_warns_only_where_the_password_would_be_changed(
    enforcement: str, expected: list[str]
) -> None:
    rules = {"length": {"min": 6}, "max_age": {"days": 90, "warn_days": 14}}
    policy = a_policy(rules, enforcement=enforcement)
    facts = some_facts(policy, password_set_at=NOW - 80 * DAY)

    assert codes(warnings(policy, facts, NOW)) == expected


FACTS = st.builds(
    CredentialFacts,
    judged_under=st.none() | POLICIES,
    refused_under=st.none() | st.integers(0, 9),
    password_set_at=st.integers(0, 100).map(lambda days: NOW - days * DAY),
    must_change=st.booleans(),
    temporary_until=st.sampled_from([None, NOW - DAY, NOW + DAY]),
)


@given(POLICIES, FACTS)
def test_a_reason_is_given_whenever_something_is_asked_and_only_then(
    policy: PolicyVersion, facts: CredentialFacts
) -> None:
    verdict = evaluate(policy, facts, NOW)

    assert (verdict.required_action is None) is not bool(verdict.findings)
    assert verdict.required_action is CHANGE or not verdict.immediate


@given(POLICIES, st.integers(0, 9))
def test_a_password_just_accepted_is_not_asked_about_again(
    policy: PolicyVersion, refused_under: int
) -> None:
    facts = some_facts(policy, password_set_at=NOW, refused_under=refused_under)

    assert evaluate(policy, facts, NOW) == CLEAR
