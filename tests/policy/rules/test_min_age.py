from datetime import timedelta

from policy.rules import MinAge
from policy.verdict import Direction, Finding
from tests.policy.cases import NOW, SECOND, a_candidate

RULE = MinAge(hours=24)
EARLY = a_candidate(current_set_at=NOW - timedelta(hours=24) + SECOND, current_self_chosen=True)


def test_keeps_a_chosen_password_until_the_hours_are_over() -> None:
    on_time = a_candidate(current_set_at=NOW - timedelta(hours=24), current_self_chosen=True)

    assert RULE.check_candidate(EARLY) == (Finding("password.too_new", {"hours": 24}),)
    assert RULE.check_candidate(on_time) == ()


def test_never_blocks_a_forced_change() -> None:
    forced = a_candidate(forced=True, current_set_at=NOW, current_self_chosen=True)

    assert RULE.check_candidate(forced) == ()


def test_does_not_bind_a_password_that_somebody_else_set() -> None:
    assert RULE.check_candidate(a_candidate(current_set_at=NOW)) == ()


def test_does_not_bind_a_first_password() -> None:
    assert RULE.check_candidate(a_candidate(current_self_chosen=True)) == ()


def test_more_hours_are_stricter() -> None:
    assert MinAge(hours=48).direction(RULE) is Direction.STRICTER
    assert MinAge(hours=1).direction(None) is Direction.STRICTER


def test_describes_itself() -> None:
    assert RULE.describe() == (Finding("rule.min_age", {"hours": 24}),)
