"""Attempts that are given back leave a brake as if they had not been made."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from idp.config import Limit
from idp.core.throttle import Brake
from idp.store.throttle import Bucket

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
LIMIT = Limit(3, QUARTER)
NOTHING = Bucket(0, NOW)
MINUTE = timedelta(minutes=1)

PLAIN = Brake("b", LIMIT)
GROWING = Brake("b", LIMIT, grows=True)
SLIDING = Brake("b", LIMIT, grows=True, slides=True)


def counted(brake: Brake, minutes: Sequence[int]) -> list[Bucket]:
    """Return how a brake stands after each attempt, the first of them after nothing."""
    states = [NOTHING]
    for minute in minutes:
        states.append(brake.after_one_more(states[-1], NOW + minute * MINUTE))
    return states


@pytest.mark.parametrize("brake", [PLAIN, GROWING, SLIDING], ids=["plain", "growing", "sliding"])
@pytest.mark.parametrize("later", [1, 2, 3, 4])
def test_attempts_that_came_later_stay(brake: Brake, later: int) -> None:
    minutes = [0, *(1 + number for number in range(later))]
    states = counted(brake, minutes)

    left = brake.after_one_less(states[-1], states[1])

    assert left.count == later
    without = counted(brake, minutes[1:])[-1]
    assert brake.blocked_until(left) == brake.blocked_until(without) or brake is PLAIN
    assert (brake.blocked_until(left) is None) == (later < LIMIT.count)


def test_the_one_that_would_make_everybody_wait_takes_its_wait_with_it() -> None:
    states = counted(GROWING, [0, 1, 2])
    assert GROWING.blocked_until(states[-1]) is not None

    left = GROWING.after_one_less(states[-1], states[1])

    assert (left.count, GROWING.blocked_until(left)) == (2, None)


@pytest.mark.parametrize("brake", [PLAIN, GROWING], ids=["plain", "growing"])
def test_nothing_is_taken_from_a_window_that_began_since(brake: Brake) -> None:
    states = counted(brake, [0, 20])

    assert brake.after_one_less(states[2], states[1]) == states[2]


def test_nothing_is_taken_from_a_brake_that_was_released_since() -> None:
    assert SLIDING.after_one_less(NOTHING, counted(SLIDING, [0])[1]) == NOTHING


def test_a_window_that_slides_lets_no_more_through_however_slow_they_come() -> None:
    slow = [0, 14, 28]

    assert SLIDING.blocked_until(counted(SLIDING, slow)[-1]) is not None
    assert GROWING.blocked_until(counted(GROWING, slow)[-1]) is None
