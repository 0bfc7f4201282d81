from datetime import UTC, datetime, timedelta, timezone

import pytest

from policy.model import PolicyError
from policy.rules import MaxAge
from policy.verdict import Direction, Finding
from tests.policy.cases import DAY, SECOND, some_facts

LEAP_DAY = datetime(2028, 2, 29, 12, 0, tzinfo=UTC)
RULE = MaxAge(days=90, warn_days=14)
FACTS = some_facts(None, password_set_at=LEAP_DAY)
DUE = LEAP_DAY + 90 * DAY


def test_is_too_old_after_the_last_moment_not_at_it() -> None:
    assert RULE.check_standing(FACTS, DUE - SECOND) is None
    assert RULE.check_standing(FACTS, DUE) is None
    assert RULE.check_standing(FACTS, DUE + SECOND) == Finding(
        "password.too_old", {"max_days": 90, "age_days": 90}
    )


def test_other_time_zones_and_a_clock_behind_change_nothing() -> None:
    auckland = timezone(timedelta(hours=13))

    assert RULE.check_standing(FACTS, DUE.astimezone(auckland)) is None
    assert RULE.check_standing(FACTS, (DUE + SECOND).astimezone(auckland)) is not None
    assert RULE.check_standing(FACTS, LEAP_DAY - DAY) is None


@pytest.mark.parametrize(
    ("before", "days_left"), [(14 * DAY, 14), (13 * DAY + SECOND, 13), (SECOND, 0), (0 * DAY, 0)]
)
def test_warns_in_the_last_days(before: timedelta, days_left: int) -> None:
    assert RULE.check_warning(FACTS, DUE - before) == Finding(
        "password.expires_soon", {"days_left": days_left}
    )


@pytest.mark.parametrize("before", [14 * DAY + SECOND, -SECOND])
def test_does_not_warn_earlier_or_when_it_is_too_late(before: timedelta) -> None:
    assert RULE.check_warning(FACTS, DUE - before) is None


@pytest.mark.parametrize(
    ("document", "path"),
    [({}, "days"), ({"days": 0}, "days"), ({"days": 14, "warn_days": 14}, "warn_days")],
)
def test_refuses_days_that_make_no_sense(document: dict[str, object], path: str) -> None:
    with pytest.raises(PolicyError) as refused:
        MaxAge.parse(document)

    assert refused.value.path == path


def test_fewer_days_are_stricter_and_warning_earlier_is_no_change() -> None:
    assert MaxAge(days=60).direction(MaxAge(days=90)) is Direction.STRICTER
    assert MaxAge(days=3650).direction(None) is Direction.STRICTER
    assert MaxAge(days=90, warn_days=7).direction(RULE) is None


def test_describes_itself() -> None:
    assert RULE.describe() == (Finding("rule.max_age", {"days": 90}),)
