import pytest

from policy.rules import Characters
from policy.verdict import Direction, Finding
from tests.policy.cases import a_candidate, codes


def test_tells_everything_that_is_missing_at_once() -> None:
    rule = Characters(uppercase=1, lowercase=1, digits=2, symbols=1, classes=3)

    assert rule.check_candidate(a_candidate("abc1")) == (
        Finding("password.too_few_uppercase", {"min": 1}),
        Finding("password.too_few_digits", {"min": 2}),
        Finding("password.too_few_symbols", {"min": 1}),
        Finding("password.too_few_classes", {"min": 3}),
    )
    assert rule.check_candidate(a_candidate("Ab12-")) == ()


@pytest.mark.parametrize(
    ("password", "class_name"),
    [("É", "uppercase"), ("ß", "lowercase"), ("٣", "digits"), (" ", "symbols"), ("🔑", "symbols")],
)
def test_knows_characters_of_every_script(password: str, class_name: str) -> None:
    rule = Characters.parse({class_name: 1})

    assert rule.check_candidate(a_candidate(password)) == ()


def test_a_letter_without_case_belongs_to_no_class() -> None:
    rule = Characters(classes=1)

    assert codes(rule.check_candidate(a_candidate("漢字"))) == ["password.too_few_classes"]


@pytest.mark.parametrize(
    ("rule", "least"),
    [
        (Characters(), 0),
        (Characters(digits=3), 3),
        (Characters(digits=3, classes=3), 5),
        (Characters(classes=4), 4),
        (Characters(uppercase=1, lowercase=1, digits=1, symbols=1, classes=2), 4),
    ],
)
def test_knows_how_long_a_password_must_be(rule: Characters, least: int) -> None:
    assert rule.least_length() == least


def test_describes_only_what_it_asks_for() -> None:
    assert Characters(digits=2, classes=3).describe() == (
        Finding("rule.digits", {"min": 2}),
        Finding("rule.classes", {"min": 3}),
    )


def test_spelling_out_what_was_implied_is_no_change() -> None:
    every = Characters(classes=4)
    one_each = Characters(uppercase=1, lowercase=1, digits=1, symbols=1)

    assert one_each.direction(every) is None
    assert every.direction(one_each) is None
    assert (
        Characters(digits=1, symbols=1, classes=2).direction(Characters(digits=1, symbols=1))
        is None
    )


def test_asking_for_nothing_is_the_same_as_being_off() -> None:
    assert Characters().direction(None) is None
    assert Characters(digits=1).direction(None) is Direction.STRICTER


def test_more_of_one_and_less_of_another_is_mixed() -> None:
    assert Characters(digits=2).direction(Characters(symbols=1)) is Direction.MIXED
