import pytest

from policy.model import Need, PolicyError
from policy.rules import Strength
from policy.verdict import Direction, Finding
from tests.policy.cases import a_candidate

RULE = Strength(min_score=3)


@pytest.mark.parametrize("score", [3, 4])
def test_accepts_what_is_strong_enough(score: int) -> None:
    assert RULE.check_candidate(a_candidate(strength=score)) == ()


@pytest.mark.parametrize("score", [0, 2])
def test_refuses_what_is_weaker(score: int) -> None:
    assert RULE.check_candidate(a_candidate(strength=score)) == (
        Finding("password.too_weak", {"score": score, "min_score": 3}),
    )


def test_refuses_what_nobody_measured() -> None:
    weakest = Strength(min_score=1)

    assert weakest.check_candidate(a_candidate(strength=None)) == (
        Finding("password.too_weak", {"score": 0, "min_score": 1}),
    )


@pytest.mark.parametrize("score", [0, 5, True, None, "3"])
def test_refuses_a_score_that_there_is_not(score: object) -> None:
    with pytest.raises(PolicyError) as refused:
        Strength.parse({"min_score": score})

    assert refused.value.path == "min_score"


def test_a_higher_score_is_stricter() -> None:
    assert Strength(min_score=4).direction(RULE) is Direction.STRICTER
    assert RULE.direction(Strength(min_score=4)) is Direction.LOOSER


def test_needs_the_measure() -> None:
    assert RULE.active_needs() == {Need.STRENGTH}
