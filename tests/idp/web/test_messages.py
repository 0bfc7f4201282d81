"""Everything that policy may say is said in plain words."""

import pytest

from idp.core.scopes import ADMIN_SCOPES, USER_SCOPES
from idp.web.messages import KNOWN_CODES, requirements, scope_in_words, why_asked, wrong_with
from idp.web.waits import in_words
from policy.engine import ENGINE_CODES, describe
from policy.model import Enforcement, PolicyVersion, Rule
from policy.rules import RULES
from policy.verdict import Finding
from tests.policy.cases import NOW
from tests.policy.rules.test_every_rule import EXAMPLES

each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)


def is_a_sentence(text: str) -> bool:
    return (
        text[0].isupper()
        and text.endswith(".")
        and "{" not in text
        and "organisation (" not in text
    )


def findings_of(rule: type[Rule]) -> list[Finding]:
    """Return what a rule says of everything that its example refuses."""
    example = EXAMPLES[rule.name]
    value = rule.parse(example.document)
    standing = [value.check_standing(facts, NOW) for facts in example.fallen]
    warned = [value.check_warning(facts, NOW) for facts in example.fallen]
    refused = [found for one in example.refused for found in value.check_candidate(one)]
    return refused + [found for found in (*standing, *warned) if found is not None]


@each_rule
def test_every_rule_has_its_words(rule: type[Rule]) -> None:
    findings = findings_of(rule)
    policy = PolicyVersion(
        number=1,
        rules=(rule.parse(EXAMPLES[rule.name].document),),
        enforcement=Enforcement.EVERYONE,
    )
    lines = requirements(describe(policy))

    assert {*rule.codes, *rule.lines} <= KNOWN_CODES
    assert {finding.code for finding in findings} == set(rule.codes)
    for finding in findings:
        words = [*wrong_with([finding]), *why_asked([finding])]
        assert any(is_a_sentence(text) for text in words), words
    assert [line["code"] for line in lines] == list(rule.lines)
    assert all(line["text"] and line["text"] != line["code"] for line in lines)


def test_the_engines_own_findings_have_their_words() -> None:
    assert set(ENGINE_CODES) <= KNOWN_CODES
    for code in ENGINE_CODES:
        finding = Finding(code, {"version": 2, "rules": "length"})
        assert any(map(is_a_sentence, [*wrong_with([finding]), *why_asked([finding])]))


def test_a_rule_from_elsewhere_is_named_by_its_code() -> None:
    finding = Finding("acme.palindrome")

    assert "acme.palindrome" in wrong_with([finding])[0]
    assert "acme.palindrome" in why_asked([finding])[0]
    assert requirements([finding])[0]["text"] == "acme.palindrome"


@pytest.mark.parametrize(
    ("count", "said"), [(1, "at least 1 character."), (8, "at least 8 characters.")]
)
def test_one_is_one(count: int, said: str) -> None:
    assert said in wrong_with([Finding("password.too_short", {"min": count})])[0]


def test_the_last_day_is_today() -> None:
    assert why_asked([Finding("password.expires_soon", {"days_left": 0})]) == [
        "Your password expires today."
    ]


@pytest.mark.parametrize("scope", [*USER_SCOPES, *ADMIN_SCOPES])
def test_every_scope_is_explained(scope: str) -> None:
    told = scope_in_words(scope)

    assert told["name"] == scope
    assert told["title"] != scope


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        *((1, "a minute"), (60, "a minute"), (61, "2 minutes"), (900, "15 minutes")),
        *((3600, "an hour"), (3601, "2 hours"), (7200, "2 hours")),
    ],
)
def test_a_wait_is_never_told_shorter_than_it_is(seconds: int, words: str) -> None:
    assert in_words(seconds) == words
