from datetime import timedelta

import pytest

from policy.model import HistoryMatch, PolicyError
from policy.rules import History
from policy.verdict import Direction, Finding
from tests.policy.cases import DAY, NOW, SECOND, a_candidate

USED = (Finding("password.used_before"),)


def used(position: int, days_ago: float) -> HistoryMatch:
    return HistoryMatch(position, NOW - timedelta(days=days_ago))


def test_counts_back_from_the_most_recent_one() -> None:
    rule = History(last=5)

    assert rule.check_candidate(a_candidate(history_matches=(used(5, 999),))) == USED
    assert rule.check_candidate(a_candidate(history_matches=(used(6, 1),))) == ()


def test_reaches_back_to_the_second() -> None:
    rule = History(within=30 * DAY)
    at_the_bound = HistoryMatch(9, NOW - 30 * DAY)
    beyond = HistoryMatch(9, NOW - 30 * DAY - SECOND)

    assert rule.check_candidate(a_candidate(history_matches=(at_the_bound,))) == USED
    assert rule.check_candidate(a_candidate(history_matches=(beyond,))) == ()


@pytest.mark.parametrize("match", [used(5, 400), used(6, 300)], ids=["by count", "by time"])
def test_either_bound_is_enough(match: HistoryMatch) -> None:
    rule = History.parse({"last": 5, "within": "P365D"})

    assert rule.check_candidate(a_candidate(history_matches=(match,))) == USED


def test_several_matches_are_one_finding_that_names_none_of_them() -> None:
    matches = (used(1, 1), used(3, 20))

    assert History(last=5).check_candidate(a_candidate(history_matches=matches)) == USED


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({}, ""),
        ({"last": 0}, "last"),
        ({"last": 25}, "last"),
        ({"within": "PT1H"}, "within"),
        ({"within": "P1Y"}, "within"),
        ({"within": 365}, "within"),
    ],
)
def test_refuses_bounds_that_make_no_sense(document: dict[str, object], path: str) -> None:
    with pytest.raises(PolicyError) as refused:
        History.parse(document)

    assert refused.value.path == path


def test_tells_what_has_to_be_compared() -> None:
    need = History(last=5, within=30 * DAY).depth()

    assert (need.last, need.since(NOW)) == (5, NOW - 30 * DAY)
    assert History(last=5).depth().since(NOW) is None


def test_describes_each_bound_in_a_line_of_its_own() -> None:
    both = History(last=5, within=30 * DAY)

    assert both.describe() == (
        Finding("rule.history_last", {"last": 5}),
        Finding("rule.history_within", {"days": 30}),
    )
    assert History(last=5).describe() == both.describe()[:1]
    assert History(within=30 * DAY).describe() == both.describe()[1:]


def test_dropping_one_bound_for_the_other_is_mixed() -> None:
    assert History(last=5).direction(History(within=DAY)) is Direction.MIXED
    assert History(last=5, within=DAY).direction(History(last=5)) is Direction.STRICTER
