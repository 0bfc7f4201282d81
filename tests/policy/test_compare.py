"""Which changes of a policy mark the passwords that were accepted before."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.engine import compare, marks, stricter_rules
from policy.model import Enforcement, PolicyVersion
from policy.verdict import Direction
from tests.policy.cases import CONTENT_POLICIES, DAY, POLICIES, a_policy, min_length

STRICTER, LOOSER, MIXED = Direction.STRICTER, Direction.LOOSER, Direction.MIXED


def test_the_recipe_lowering_marks_nobody_and_raising_marks_everybody() -> None:
    five, four, six = (min_length(n, number=v) for v, n in enumerate((5, 4, 6), start=1))

    assert not marks(five, four)
    assert marks(four, six)
    assert marks(five, six)


def test_a_password_once_judged_under_more_is_not_marked_by_coming_back_part_of_the_way() -> None:
    eight, six, seven = (min_length(n, number=v) for v, n in enumerate((8, 6, 7), start=1))

    assert not marks(eight, six)
    assert not marks(eight, seven)
    assert marks(six, seven)


def test_rolling_back_takes_the_mark_away() -> None:
    first, second, third = (min_length(n, number=v) for v, n in enumerate((6, 9, 6), start=1))

    assert marks(first, second)
    assert not marks(first, third)


@pytest.mark.parametrize(
    ("old", "new", "changes", "is_marked"),
    [
        ({"length": {"min": 8}}, {"length": {"min": 9}}, {"length": STRICTER}, True),
        ({"length": {"min": 8}}, {"length": {"min": 8, "max": 64}}, {"length": STRICTER}, True),
        ({"length": {"min": 8}}, {"length": {"min": 9, "max": 300}}, {"length": MIXED}, True),
        ({"length": {"min": 8}}, {"length": {"min": 8, "max": 300}}, {"length": LOOSER}, False),
        ({"length": {"min": 8}}, {}, {"length": LOOSER}, False),
        ({}, {"length": {"min": 1, "max": 1024}}, {}, False),
        ({}, {"not_personal": {}}, {"not_personal": STRICTER}, True),
        ({}, {"history": {"last": 5}}, {"history": STRICTER}, False),
        ({}, {"differs_from_current": {}}, {"differs_from_current": STRICTER}, False),
        ({}, {"min_age": {"hours": 1}}, {"min_age": STRICTER}, False),
        ({"max_age": {"days": 90}}, {"max_age": {"days": 9}}, {"max_age": STRICTER}, False),
        ({"characters": {}}, {}, {}, False),
        (
            {"characters": {"digits": 1}},
            {"length": {"min": 8}},
            {"characters": LOOSER, "length": STRICTER},
            True,
        ),
    ],
)
def test_only_stricter_content_marks(
    old: dict[str, object],
    new: dict[str, object],
    changes: dict[str, Direction],
    is_marked: bool,  # noqa: FBT001 - a column of the table
) -> None:
    before, after = a_policy(old), a_policy(new)

    assert compare(before, after) == changes
    assert marks(before, after) is is_marked


def test_a_password_that_nobody_judged_is_marked() -> None:
    assert marks(None, a_policy({}))


@given(POLICIES, st.sampled_from(Enforcement), st.integers(0, 9))
def test_editing_enforcement_grace_or_number_marks_nobody(
    policy: PolicyVersion, enforcement: Enforcement, number: int
) -> None:
    edited = replace(policy, enforcement=enforcement, grace=DAY, number=number)

    assert compare(policy, edited) == {}
    assert not marks(policy, edited)


@given(POLICIES, POLICIES)
def test_the_way_back_is_the_way_reversed(old: PolicyVersion, new: PolicyVersion) -> None:
    back = {name: change.reversed() for name, change in compare(old, new).items()}

    assert compare(new, old) == back


@given(POLICIES, POLICIES)
def test_marks_are_the_stricter_content_rules_of_the_comparison(
    old: PolicyVersion, new: PolicyVersion
) -> None:
    content = {rule.name for rule in new.rules if rule.kind == "content"}
    expected = {
        name
        for name, change in compare(old, new).items()
        if name in content and change is not LOOSER
    }

    assert set(stricter_rules(old, new)) == expected


@given(CONTENT_POLICIES, CONTENT_POLICIES, CONTENT_POLICIES)
def test_not_marking_is_an_order(a: PolicyVersion, b: PolicyVersion, c: PolicyVersion) -> None:
    assert not marks(a, a)
    if not marks(a, b) and not marks(b, c):
        assert not marks(a, c)
    if not marks(a, b) and not marks(b, a):
        assert compare(a, b) == {}


def grown(rules: dict[str, dict[str, object]], more: dict[str, dict[str, object]]) -> PolicyVersion:
    """Return the policy that asks for all that either of two documents asks for."""
    both = {name: dict(table) for name, table in rules.items()}
    for name, table in more.items():
        for key, value in table.items():
            mine = both.setdefault(name, {}).get(key)
            both[name][key] = value if mine is None else _stricter(key, mine, value)
        both.setdefault(name, {})
    return a_policy(both)


def _stricter(key: str, one: object, other: object) -> object:
    match one, other:
        case list(), list():
            return one + other
        case int(), int():
            return min(one, other) if key == "max" else max(one, other)
        case _:
            return one


CONTENT_DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "length": st.fixed_dictionaries(
            {"min": st.integers(1, 40), "max": st.integers(40, 300)},
        ),
        "characters": st.fixed_dictionaries(
            {
                "digits": st.integers(0, 3),
                "symbols": st.integers(0, 3),
                "classes": st.integers(0, 4),
            }
        ),
        "blocklist": st.fixed_dictionaries(
            {
                "common": st.booleans(),
                "words": st.lists(st.sampled_from(["exo", "myob", "timetrak"]), max_size=3),
            }
        ),
        "not_personal": st.just({}),
    },
)


@given(CONTENT_POLICIES, CONTENT_DOCUMENTS, CONTENT_DOCUMENTS)
def test_tightening_never_takes_a_mark_away_and_loosening_never_makes_one(
    judged_under: PolicyVersion,
    rules: dict[str, dict[str, object]],
    more: dict[str, dict[str, object]],
) -> None:
    loose, tight = a_policy(rules), grown(rules, more)

    assert set(compare(loose, tight).values()) <= {STRICTER}
    assert marks(judged_under, tight) or not marks(judged_under, loose)
    assert not marks(tight, loose)
