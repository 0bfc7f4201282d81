import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.model import Kind, PolicyError, edit_distance
from policy.rules import DiffersFromCurrent
from policy.verdict import Direction, Finding
from tests.policy.cases import a_candidate, codes

CURRENT = "Grüne Wiese 7 am Fluss"
FIVE = DiffersFromCurrent(min_distance=5)
TOO_SIMILAR = (Finding("password.too_similar", {"min_distance": 5}),)


def test_refuses_the_current_password_only() -> None:
    rule = DiffersFromCurrent()

    assert rule.check_candidate(a_candidate(matches_current=True)) == (
        Finding("password.same_as_current"),
    )
    assert rule.check_candidate(a_candidate()) == ()
    assert rule.check_candidate(a_candidate(CURRENT + "!", current_password=CURRENT)) == ()


def test_switching_it_on_is_stricter_but_is_no_matter_of_content() -> None:
    assert DiffersFromCurrent().direction(None) is Direction.STRICTER
    assert DiffersFromCurrent().direction(DiffersFromCurrent()) is None
    assert DiffersFromCurrent.kind is Kind.CHANGE


def test_a_longer_distance_is_stricter() -> None:
    assert FIVE.direction(DiffersFromCurrent()) is Direction.STRICTER
    assert FIVE.direction(None) is Direction.STRICTER
    assert FIVE.direction(DiffersFromCurrent(min_distance=6)) is Direction.LOOSER
    assert DiffersFromCurrent().direction(FIVE) is Direction.LOOSER


@pytest.mark.parametrize(
    "password",
    [
        "Grüne Wiese 8 am Fluss",
        "grüne WIESE 7 am fluss",
        "Grüne Wiese 7 am Fluss!!!!",
        "Gr Wiese 7 am Fluss",
        "ssulF ma 7 eseiW enürG",
        "SSULF MA 8 ESEIW ENÜRG",
    ],
)
def test_refuses_what_is_like_the_current_password(password: str) -> None:
    assert FIVE.check_candidate(a_candidate(password, current_password=CURRENT)) == TOO_SIMILAR


@pytest.mark.parametrize("password", ["Grüne Wiese 7 am Fluss!!!!!", "Wiese 7 am Fluss", "x" * 30])
def test_accepts_what_is_far_enough(password: str) -> None:
    assert FIVE.check_candidate(a_candidate(password, current_password=CURRENT)) == ()


def test_says_no_more_than_that_it_is_the_same() -> None:
    same = a_candidate(CURRENT, matches_current=True, current_password=CURRENT)

    assert codes(FIVE.check_candidate(same)) == ["password.same_as_current"]


def test_only_the_same_is_refused_where_nobody_typed_the_current_one() -> None:
    assert FIVE.check_candidate(a_candidate(CURRENT)) == ()
    assert codes(FIVE.check_candidate(a_candidate(CURRENT, matches_current=True))) == [
        "password.same_as_current"
    ]


@pytest.mark.parametrize("distance", [0, 65, True, "5", None])
def test_refuses_a_distance_that_is_none(distance: object) -> None:
    with pytest.raises(PolicyError) as refused:
        DiffersFromCurrent.parse({"min_distance": distance})

    assert refused.value.path == "min_distance"


def test_tells_nothing_of_either_password_in_a_trace() -> None:
    assert "Wiese" not in repr(a_candidate("x", current_password=CURRENT))


WORDS = st.text("abcd\u00fc\U0001f600", max_size=12)


@given(WORDS, WORDS)
def test_the_distance_is_the_one_of_the_book(one: str, other: str) -> None:
    assert edit_distance(one, other) == _by_the_book(one, other)
    assert edit_distance(one, other) == edit_distance(other, one)


def test_the_distance_of_long_passwords_is_found_at_once() -> None:
    began = time.process_time()
    assert edit_distance("ab" * 512, "ba" * 512) == 2
    assert edit_distance("a" * 1024, "b" * 1000) == 1024
    assert time.process_time() - began <= 0.1


def _by_the_book(one: str, other: str) -> int:
    row = list(range(len(other) + 1))
    for i, mine in enumerate(one, start=1):
        before, row[0] = row[0], i
        for j, theirs in enumerate(other, start=1):
            cost = min(row[j] + 1, row[j - 1] + 1, before + (mine != theirs))
            before, row[j] = row[j], cost
    return row[-1]
