"""What a user is asked who is in groups with rules of their own."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.combining import for_groups, group_keys
from policy.engine import marks
from policy.model import PolicyError, PolicyVersion
from policy.parse import to_document
from tests.policy.cases import POLICIES, a_policy

NOBODY: frozenset[str] = frozenset()


def with_groups(rules: Mapping[str, object], **groups: Mapping[str, object]) -> PolicyVersion:
    return a_policy(rules, groups={name: {"rules": each} for name, each in groups.items()})


def rules_of(policy: PolicyVersion, *names: str) -> object:
    return to_document(for_groups(policy, frozenset(names)))["rules"]


def test_the_stricter_value_of_each_parameter_wins_and_words_unite() -> None:
    policy = with_groups(
        {"length": {"min": 8, "max": 64}, "blocklist": {"common": False, "words": ["exo"]}},
        office={
            "length": {"min": 12, "max": 128},
            "blocklist": {"common": True, "words": ["tui"]},
            "characters": {"digits": 1},
        },
    )

    assert rules_of(policy, "office") == {
        "length": {"min": 12, "max": 64},
        "blocklist": {"common": True, "words": ["exo", "tui"]},
        "characters": {"uppercase": 0, "lowercase": 0, "digits": 1, "symbols": 0, "classes": 0},
    }
    assert (
        rules_of(policy)
        == to_document(
            with_groups(
                {
                    "length": {"min": 8, "max": 64},
                    "blocklist": {"common": False, "words": ["exo"]},
                }
            )
        )["rules"]
    )


def test_a_group_never_makes_anything_easier() -> None:
    policy = with_groups(
        {"length": {"min": 12}, "max_age": {"days": 30}, "history": {"last": 5}},
        visitors={
            "length": {"min": 4},
            "max_age": {"days": 365, "warn_days": 60},
            "history": {"within": "P30D"},
        },
    )

    assert rules_of(policy, "visitors") == {
        "length": {"min": 12, "max": 256},
        "history": {"last": 5, "within": "P30D"},
        "max_age": {"days": 30, "warn_days": 29},
    }


def test_a_groups_name_is_found_in_any_spelling() -> None:
    policy = with_groups({}, **{"ﬁeld STAFF": {"length": {"min": 9}}})

    assert group_keys(policy) == {"field staff"}
    assert for_groups(policy, frozenset({"field staff"})).of_groups == ("field staff",)
    assert for_groups(policy, frozenset({"others"})).of_groups == ()


@pytest.mark.parametrize(
    ("rules", "groups", "path"),
    [
        ({"length": {"min": 20}}, {"a": {"length": {"min": 1, "max": 10}}}, "groups.a.rules.min"),
        (
            {"length": {"min": 1, "max": 8}},
            {"a": {"characters": {"digits": 5}}, "b": {"characters": {"symbols": 5}}},
            "groups.b.rules.characters",
        ),
    ],
)
def test_refuses_groups_whose_members_could_have_no_password(
    rules: dict[str, object], groups: dict[str, dict[str, object]], path: str
) -> None:
    with pytest.raises(PolicyError) as refused:
        with_groups(rules, **groups)

    assert refused.value.path == path


@given(POLICIES)
def test_the_order_of_groups_does_not_count(policy: PolicyVersion) -> None:
    keys = group_keys(policy)
    combined = rules_of(policy, *keys)

    for order in permutations(policy.groups):
        assert rules_of(replace(policy, groups=order), *keys) == combined


@given(POLICIES, st.data())
def test_more_groups_are_never_looser(policy: PolicyVersion, data: st.DataObject) -> None:
    keys = sorted(group_keys(policy))
    many = frozenset(data.draw(st.sets(st.sampled_from(keys)))) if keys else NOBODY
    few = frozenset(data.draw(st.sets(st.sampled_from(sorted(many))))) if many else NOBODY

    assert not marks(for_groups(policy, many), for_groups(policy, few))
