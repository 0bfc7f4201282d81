"""What a change of policy is called, and what NIST advises against."""

from collections.abc import Mapping

import pytest

from idp.core.policy_words import describe_change, find_conflicts
from policy.model import Enforcement, PolicyVersion
from policy.parse import parse


def _policy(rules: Mapping[str, object], **more: object) -> PolicyVersion:
    document = {"rules": rules, **more}
    return parse(document, default_enforcement=Enforcement.EVERYONE)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ({"length": {"min": 8}}, {"length": {"min": 12}}, ["minimum length 8 → 12: stricter"]),
        (
            {"length": {"min": 8, "max": 100}},
            {"length": {"min": 9, "max": 200}},
            ["minimum length 8 → 9: mixed", "maximum length 100 → 200: mixed"],
        ),
        (
            {},
            {"differs_from_current": {}},
            ["differs from the current password off → on: stricter"],
        ),
        ({"max_age": {"days": 90}}, {}, ["maximum age on → off: looser"]),
        ({}, {"max_age": {"days": 90}}, ["maximum age in days off → 90: stricter"]),
        (
            {"blocklist": {"common": False, "words": ["tui"]}},
            {"blocklist": {"common": True, "words": ["kea", "kiwi"]}},
            [
                "common passwords refused off → on: mixed",
                "blocked words: added kea, kiwi, removed tui: mixed",
            ],
        ),
        (
            {"blocklist": {"words": []}},
            {"blocklist": {"words": list("abcdefg")}},
            ["blocked words: added a, b, c, d, e and 2 more: stricter"],
        ),
        ({"length": {"min": 8}}, {"length": {"min": 8}}, []),
    ],
)
def test_a_change_is_told_setting_by_setting(
    old: Mapping[str, object], new: Mapping[str, object], words: list[str]
) -> None:
    assert list(describe_change(_policy(old), _policy(new))) == words


def test_a_change_of_enforcement_is_told() -> None:
    changed = describe_change(_policy({}), _policy({}, enforcement="never"))

    assert changed == ("enforcement everyone → never",)


def test_only_composition_and_expiry_contradict_nist() -> None:
    fine = {"length": {"min": 4}, "history": {"last": 5}, "characters": {}, "min_age": {"hours": 1}}
    assert find_conflicts(_policy(fine)) == ()
    asked = {"characters": {"classes": 3}, "max_age": {"days": 90}}
    assert [conflict.split(":")[0] for conflict in find_conflicts(_policy(asked))] == [
        "rules.characters",
        "rules.max_age",
    ]
