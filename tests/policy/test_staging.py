"""What keeps a policy from asking already: observing, a time of grace, waves."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.engine import aging_version, evaluate, marking_version
from policy.model import CredentialFacts, PolicyVersion
from policy.verdict import RequiredAction, WithheldBy
from tests.policy.cases import DAY, NOW, POLICIES, SECOND, a_policy, codes, some_facts

FIVE = a_policy({"length": {"min": 5}}, number=1, published_at=NOW - 90 * DAY)
WAVES = {"per_hour": 50, "deadline": "P14D"}


def six(**more: Any) -> PolicyVersion:  # noqa: ANN401 - any part of a document
    more = {"number": 2, "published_at": NOW, **more}
    return a_policy({"length": {"min": 6}, **more.pop("rules", {})}, **more)


def stale(**facts: Any) -> CredentialFacts:  # noqa: ANN401 - any fact
    return some_facts(FIVE, **facts)


class TestObserving:
    @pytest.mark.parametrize(
        ("facts", "code"),
        [
            (stale(), "policy.stricter"),
            (some_facts(None), "policy.not_judged"),
            (some_facts(None, refused_under=2), "policy.not_met"),
        ],
    )
    def test_tells_what_it_would_ask_and_asks_nothing(
        self, facts: CredentialFacts, code: str
    ) -> None:
        verdict = evaluate(six(enforcement="observe"), facts, NOW + 99 * DAY)

        assert (verdict.required_action, verdict.findings, verdict.immediate) == (None, (), False)
        assert verdict.withheld is not None
        assert verdict.withheld.by is WithheldBy.OBSERVE
        assert codes(verdict.withheld.findings) == [code]
        assert verdict.withheld.until is None

    def test_an_administrators_wish_holds(self) -> None:
        verdict = evaluate(six(enforcement="observe"), stale(must_change=True), NOW)

        assert verdict.required_action is RequiredAction.CHANGE_PASSWORD
        assert codes(verdict.findings) == ["password.must_change"]

    @given(POLICIES, st.booleans())
    def test_withholds_exactly_what_everyone_would_ask(
        self,
        policy: PolicyVersion,
        is_judged: bool,  # noqa: FBT001 - drawn
    ) -> None:
        old = a_policy({}, number=0) if is_judged else None
        at_once = policy_like(policy, grace="P0D", enforcement="everyone")
        watched = policy_like(policy, grace="P0D", enforcement="observe")
        asked = evaluate(at_once, some_facts(old), NOW)
        seen = evaluate(watched, some_facts(old), NOW).withheld

        assert (asked.required_action, asked.findings) == (
            (None, ()) if seen is None else (seen.action, seen.findings)
        )


def policy_like(policy: PolicyVersion, **more: Any) -> PolicyVersion:  # noqa: ANN401 - any part
    rules = {rule.name: rule.document() for rule in policy.rules}
    return a_policy(rules, number=policy.number, published_at=NOW, **more)


class TestGrace:
    @pytest.mark.parametrize(
        ("after", "holds"), [(7 * DAY - SECOND, False), (7 * DAY, True), (7 * DAY + SECOND, True)]
    )
    def test_ends_to_the_second(self, after: timedelta, holds: bool) -> None:  # noqa: FBT001 - a column
        verdict = evaluate(six(grace="P7D"), stale(), NOW + after)

        assert (verdict.required_action is not None) is holds
        assert (verdict.withheld is None) is holds
        if verdict.withheld:
            assert verdict.withheld.until == NOW + 7 * DAY
            assert verdict.withheld.by is WithheldBy.GRACE

    def test_counts_from_the_version_that_began_the_mark(self) -> None:
        later = six(grace="P7D", number=3, published_at=NOW + 5 * DAY)
        facts = stale(marked_by=six(grace="P7D"))

        assert evaluate(later, facts, NOW + 6 * DAY).withheld is not None
        assert evaluate(later, facts, NOW + 7 * DAY).required_action is not None

    def test_a_password_too_old_already_gets_it_too(self) -> None:
        policy = six(grace="P7D", rules={"max_age": {"days": 30}})
        facts = some_facts(policy, password_set_at=NOW - 60 * DAY)

        assert evaluate(policy, facts, NOW + 6 * DAY).required_action is None
        over = evaluate(policy, facts, NOW + 7 * DAY)
        assert codes(over.findings) == ["password.too_old"]
        assert over.immediate

    def test_a_password_that_becomes_too_old_later_gets_none(self) -> None:
        policy = six(grace="P7D", rules={"max_age": {"days": 30}})
        facts = some_facts(policy, password_set_at=NOW)

        assert evaluate(policy, facts, NOW + 30 * DAY + SECOND).required_action is not None

    def test_one_demand_may_hold_while_another_waits(self) -> None:
        ages = a_policy({"max_age": {"days": 30}}, number=1, published_at=NOW - 90 * DAY)
        policy = six(grace="P7D", rules={"max_age": {"days": 30}})
        facts = some_facts(ages, password_set_at=NOW - 60 * DAY, aged_by=ages, marked_by=policy)

        verdict = evaluate(policy, facts, NOW)

        assert codes(verdict.findings) == ["password.too_old"]
        assert verdict.withheld is not None
        assert codes(verdict.withheld.findings) == ["policy.stricter"]

    def test_a_wave_that_may_ask_now_does_not_wait_for_the_grace_of_something_else(self) -> None:
        ages = six(rules={"max_age": {"days": 30}}, number=3, published_at=NOW + 8 * DAY)
        policy = six(
            rules={"max_age": {"days": 30}},
            number=3,
            published_at=NOW + 8 * DAY,
            grace="P7D",
            waves=WAVES,
        )
        facts = stale(password_set_at=NOW - 60 * DAY, marked_by=six(), aged_by=ages)

        withheld = evaluate(policy, facts, NOW + 9 * DAY).withheld

        assert withheld is not None
        assert (withheld.by, withheld.is_due) == (WithheldBy.WAVE, True)
        assert codes(withheld.findings) == ["password.too_old", "policy.stricter"]

    def test_nobody_is_judged_before_it_ends_either(self) -> None:
        policy = six(grace="P7D", enforcement="noncompliant")
        withheld = evaluate(policy, stale(), NOW).withheld

        assert withheld is not None
        assert withheld.action is RequiredAction.SIGN_IN


class TestWaves:
    def test_one_may_be_asked_and_is_not_until_placed(self) -> None:
        policy = six(waves=WAVES)
        waiting = evaluate(policy, stale(), NOW)

        assert waiting.required_action is None
        assert waiting.withheld is not None
        assert (waiting.withheld.by, waiting.withheld.is_due) == (WithheldBy.WAVE, True)
        assert waiting.withheld.until == NOW + 14 * DAY
        placed = evaluate(policy, stale(placed_under=2), NOW)
        assert placed.required_action is RequiredAction.CHANGE_PASSWORD
        assert placed.withheld is None

    def test_a_place_from_before_the_mark_began_does_not_count(self) -> None:
        policy = six(waves=WAVES, number=4)

        assert evaluate(policy, stale(placed_under=3, marked_by=policy), NOW).withheld is not None
        assert evaluate(policy, stale(placed_under=4, marked_by=policy), NOW).withheld is None
        earlier = six(waves=WAVES, number=3)
        assert evaluate(policy, stale(placed_under=3, marked_by=earlier), NOW).withheld is None

    @pytest.mark.parametrize(
        ("after", "holds"), [(14 * DAY - SECOND, False), (14 * DAY, True), (15 * DAY, True)]
    )
    def test_everybody_is_asked_at_the_deadline(self, after: timedelta, holds: bool) -> None:  # noqa: FBT001 - a column
        policy = six(waves={**WAVES, "percent": 1, "quiet": "00:00/23:59"})

        verdict = evaluate(policy, stale(share=99), NOW + after)

        assert (verdict.required_action is not None) is holds

    def test_begin_when_the_grace_is_over(self) -> None:
        policy = six(waves=WAVES, grace="P7D")

        in_grace = evaluate(policy, stale(), NOW + 6 * DAY).withheld
        after = evaluate(policy, stale(), NOW + 7 * DAY).withheld
        assert in_grace is not None
        assert after is not None
        assert (in_grace.by, after.by) == (WithheldBy.GRACE, WithheldBy.WAVE)
        assert after.until == NOW + 21 * DAY

    @pytest.mark.parametrize(("share", "is_due"), [(0, True), (19, True), (20, False)])
    def test_a_part_of_the_users(self, share: int, is_due: bool) -> None:  # noqa: FBT001 - a column
        withheld = evaluate(six(waves={"percent": 20}), stale(share=share), NOW).withheld

        assert withheld is not None
        assert withheld.is_due is is_due

    @pytest.mark.parametrize(
        ("groups", "is_due"), [({"office"}, True), ({"office", "b"}, True), ({"b"}, False)]
    )
    def test_only_some_groups(self, groups: set[str], is_due: bool) -> None:  # noqa: FBT001 - a column
        facts = stale(groups=frozenset(groups))
        withheld = evaluate(six(waves={"groups": ["Office"]}), facts, NOW).withheld

        assert withheld is not None
        assert withheld.is_due is is_due

    @pytest.mark.parametrize(
        ("quiet", "clock", "is_due"),
        [
            ("22:00/06:00", "21:59", True),
            ("22:00/06:00", "22:00", False),
            ("22:00/06:00", "05:59", False),
            ("22:00/06:00", "06:00", True),
            ("12:00/13:00", "12:30", False),
            ("12:00/13:00", "13:00", True),
        ],
    )
    def test_a_quiet_time_of_day(self, quiet: str, clock: str, is_due: bool) -> None:  # noqa: FBT001 - a column
        hour, minute = map(int, clock.split(":"))
        at = NOW.replace(hour=hour, minute=minute) + DAY

        withheld = evaluate(six(waves={"quiet": quiet}), stale(), at).withheld

        assert withheld is not None
        assert withheld.is_due is is_due

    def test_quiet_hours_follow_the_clocks_of_their_zone(self) -> None:
        policy = a_policy(
            {"length": {"min": 6}},
            number=2,
            published_at=datetime(2028, 9, 20, tzinfo=UTC),
            waves={"quiet": "22:00/06:00", "zone": "Pacific/Auckland"},
        )
        before = evaluate(policy, stale(), datetime(2028, 9, 22, 17, 30, tzinfo=UTC)).withheld
        after = evaluate(policy, stale(), datetime(2028, 9, 24, 17, 30, tzinfo=UTC)).withheld

        assert before is not None
        assert after is not None
        assert (before.is_due, after.is_due) == (False, True)  # summer time began between them

    @pytest.mark.parametrize(
        ("waves", "capacity"),
        [
            ({"per_hour": 50, "deadline": "P1D"}, 1200),
            ({"per_hour": 50, "deadline": "P1D", "quiet": "22:00/06:00"}, 800),
            ({"per_hour": 50, "deadline": "P1D", "quiet": "12:00/13:00"}, 1150),
            ({"percent": 5}, None),
        ],
    )
    def test_how_many_can_be_asked_in_time(
        self, waves: dict[str, object], capacity: int | None
    ) -> None:
        staged = six(waves=waves).waves

        assert staged is not None
        assert staged.capacity() == capacity


def lengths(*least: int | None) -> list[PolicyVersion]:
    return [
        a_policy({} if n is None else {"length": {"min": n}}, number=number)
        for number, n in enumerate(least, start=1)
    ]


@pytest.mark.parametrize(
    ("judged", "later", "number"),
    [
        (5, [6], 1),
        (5, [6, 6, 8], 1),
        (5, [6, 4, 6, 7], 3),
        (5, [6, 4], None),
        (None, [6, 6], 1),
        (None, [6, 8, 8, 7], 2),
        (None, [8, None, 6], 3),
    ],
)
def test_since_when_a_password_is_marked(
    judged: int | None, later: list[int | None], number: int | None
) -> None:
    old = None if judged is None else lengths(judged)[0]

    found = marking_version(old, lengths(*later))

    assert (found and found.number) == number


@pytest.mark.parametrize("silent", ["observe", "never"])
def test_a_time_in_which_nobody_was_asked_does_not_count(silent: str) -> None:
    strict = {"length": {"min": 6}, "max_age": {"days": 30}}
    versions = [
        a_policy(strict, number=number, enforcement=mode)
        for number, mode in enumerate(["everyone", silent, silent, "noncompliant"], start=2)
    ]

    for found in (marking_version(FIVE, versions), aging_version(versions)):
        assert found is not None
        assert found.number == 5


@pytest.mark.parametrize(
    ("days", "number"),
    [
        ([90], 1),
        ([90, 60], 2),
        ([60, 90], 1),
        ([60, None, 90], 3),
        ([90, 60, 80], 2),
        ([60, None], None),
    ],
)
def test_since_when_the_maximum_age_is_as_strict(
    days: list[int | None], number: int | None
) -> None:
    versions = [
        a_policy({} if n is None else {"max_age": {"days": n}}, number=index)
        for index, n in enumerate(days, start=1)
    ]

    found = aging_version(versions)

    assert (found and found.number) == number
