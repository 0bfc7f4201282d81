"""What holds for each rule there is, and for the next one."""

import time
from collections import Counter
from dataclasses import FrozenInstanceError, dataclass
from datetime import timedelta

import pytest

from policy.engine import ENGINE_CODES
from policy.model import MAX_LENGTH, Candidate, CredentialFacts, HistoryMatch, Kind, Rule
from policy.model.params import params_of
from policy.rules import RULES
from policy.verdict import Direction
from tests.policy.cases import DAY, NOW, a_candidate, some_facts


@dataclass(frozen=True, slots=True)
class Example:
    """A rule as its document states it, and what it refuses, with every code it has."""

    document: dict[str, object]
    refused: tuple[Candidate, ...] = ()
    fallen: tuple[CredentialFacts, ...] = ()


EXAMPLES = {
    "length": Example({"min": 8, "max": 64}, (a_candidate("short"), a_candidate("x" * 65))),
    "characters": Example(
        {"uppercase": 1, "lowercase": 1, "digits": 1, "symbols": 1, "classes": 1},
        (a_candidate("字"),),
    ),
    "differs_from_current": Example(
        {"min_distance": 3},
        (a_candidate(matches_current=True), a_candidate("Wiese 8", current_password="Wiese 7")),
    ),
    "history": Example(
        {"last": 5, "within": "P365D"}, (a_candidate(history_matches=(HistoryMatch(1, NOW),)),)
    ),
    "blocklist": Example(
        {"common": True, "words": ["timetrak"], "patterns": ["summer####"]},
        (a_candidate("TimeTrak", is_common=True),),
    ),
    "strength": Example({"min_score": 3}, (a_candidate(strength=2),)),
    "breached": Example(
        {"source": "file", "on_failure": "refuse"},
        (a_candidate(is_breached=True), a_candidate(is_breached=None)),
    ),
    "not_personal": Example({}, (a_candidate("lovelace"),)),
    "max_age": Example(
        {"days": 90, "warn_days": 14},
        fallen=tuple(some_facts(None, password_set_at=NOW - n * DAY) for n in (80, 100)),
    ),
    "min_age": Example(
        {"hours": 24},
        (a_candidate(current_set_at=NOW - timedelta(hours=1), current_self_chosen=True),),
    ),
}

LONGEST = ("a" * MAX_LENGTH, "ab1-" * MAX_LENGTH, "\ufdfa" * MAX_LENGTH, "summer1" * MAX_LENGTH)
"""Passwords that could cost much; one character of the third is folded to eighteen."""

each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)


def example_of(rule: type[Rule]) -> Rule:
    return rule.parse(EXAMPLES[rule.name].document)


def test_every_name_and_code_is_there_once() -> None:
    names = Counter(rule.name for rule in RULES)
    codes = Counter(code for rule in RULES for code in (*rule.codes, *rule.lines))
    codes.update(ENGINE_CODES)

    assert set(names.values()) == {1}
    assert set(codes.values()) == {1}


@each_rule
def test_lists_its_codes(rule: type[Rule]) -> None:
    assert rule.code in rule.codes
    assert all(code.startswith("password.") for code in rule.codes)
    assert all(line.startswith("rule.") for line in rule.lines)
    assert rule.kind in Kind


@each_rule
def test_is_a_value_that_cannot_be_changed(rule: type[Rule]) -> None:
    value = example_of(rule)

    assert value == example_of(rule)
    assert hash(value) == hash(example_of(rule))
    assert not hasattr(value, "__dict__")
    for name in params_of(rule):
        with pytest.raises(FrozenInstanceError):
            setattr(value, name, getattr(value, name))


@each_rule
def test_round_trips(rule: type[Rule]) -> None:
    document = example_of(rule).document()

    assert document == EXAMPLES[rule.name].document
    assert rule.parse(document) == example_of(rule)


@each_rule
def test_gives_every_code_that_it_lists_and_no_other(rule: type[Rule]) -> None:
    value, example = example_of(rule), EXAMPLES[rule.name]
    found = [f for candidate in example.refused for f in value.check_candidate(candidate)]
    for facts in example.fallen:
        found += filter(None, (value.check_standing(facts, NOW), value.check_warning(facts, NOW)))

    assert {finding.code for finding in found} == set(rule.codes)


@each_rule
def test_has_nothing_to_say_about_a_good_password(rule: type[Rule]) -> None:
    value, good, facts = example_of(rule), a_candidate(), some_facts(None)

    assert value.check_candidate(good) == ()
    assert value.check_standing(facts, NOW) is None
    assert value.check_warning(facts, NOW) is None


@each_rule
def test_describes_itself_in_its_own_lines(rule: type[Rule]) -> None:
    assert [line.code for line in example_of(rule).describe()] == list(rule.lines)


@each_rule
def test_being_switched_on_is_stricter_and_staying_is_no_change(rule: type[Rule]) -> None:
    assert example_of(rule).direction(None) is Direction.STRICTER
    assert example_of(rule).direction(example_of(rule)) is None


@each_rule
def test_needs_are_among_those_it_declares(rule: type[Rule]) -> None:
    assert example_of(rule).active_needs() <= rule.needs


@each_rule
def test_never_repeats_the_password(rule: type[Rule]) -> None:
    for candidate in EXAMPLES[rule.name].refused:
        for finding in example_of(rule).check_candidate(candidate):
            assert candidate.password not in map(str, finding.params.values())


@each_rule
def test_takes_its_time_over_no_password(rule: type[Rule]) -> None:
    value = example_of(rule)
    value.check_candidate(a_candidate())
    longest = [a_candidate(text[:MAX_LENGTH], current_password="ab" * 512) for text in LONGEST]

    began = time.process_time()
    for candidate in longest:
        value.check_candidate(candidate)
    assert time.process_time() - began <= 0.1 * len(longest)


def test_a_candidate_shows_no_password_in_a_trace() -> None:
    assert "Wiese" not in repr(a_candidate())
