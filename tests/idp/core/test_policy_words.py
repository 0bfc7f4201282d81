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


_WAVES = {"per_hour": 50, "quiet": "22:00/06:00", "zone": "Pacific/Auckland", "groups": ["Field"]}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            {},
            {"waves": {**_WAVES, "percent": 25}},
            [
                (
                    "waves: at most 50 users an hour, 25 % of the users, members of field, "
                    "nobody between 22:00 and 06:00 (Pacific/Auckland), everybody after P14D"
                )
            ],
        ),
        ({}, {"waves": {"deadline": "P3D"}}, ["waves: everybody after P3D"]),
        ({"waves": _WAVES}, {}, ["waves on → off: everybody is asked at once"]),
        (
            {"waves": _WAVES},
            {"waves": {"percent": 10, "groups": ["lab"], "deadline": "P7D"}},
            [
                "waves: users an hour 50 → off",
                "waves: percent of the users 100 → 10",
                "waves: only members of: added lab, removed field",
                "waves: nobody is asked between 22:00/06:00 → off",
                "waves: time zone Pacific/Auckland → UTC",
                "waves: everybody is asked after P14D → P7D",
            ],
        ),
        ({"waves": _WAVES}, {"waves": _WAVES}, []),
        ({"grace": "P0D"}, {"grace": "P7D"}, ["grace P0D → P7D"]),
    ],
)
def test_a_change_of_the_roll_out_is_told(
    old: Mapping[str, object], new: Mapping[str, object], words: list[str]
) -> None:
    assert list(describe_change(_policy({}, **old), _policy({}, **new))) == words


def _of_groups(**groups: Mapping[str, object]) -> PolicyVersion:
    return _policy({}, groups={name: {"rules": rules} for name, rules in groups.items()})


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            _of_groups(office={"length": {"min": 12}}),
            _of_groups(office={"length": {"min": 14}}),
            ["group office: minimum length 12 → 14: stricter"],
        ),
        (
            _of_groups(Office={"length": {"min": 12}}),
            _of_groups(office={"length": {"min": 12}, "max_age": {"days": 90}}),
            ["group office: maximum age in days off → 90: stricter"],
        ),
        (
            _of_groups(lab={"not_personal": {}}, office={"not_personal": {}}),
            _of_groups(van={"not_personal": {}}, office={"not_personal": {}}),
            [
                "group lab: not the user's own names on → off: looser",
                "group van: not the user's own names off → on: stricter",
            ],
        ),
    ],
)
def test_a_change_for_a_group_names_it(
    old: PolicyVersion, new: PolicyVersion, words: list[str]
) -> None:
    assert list(describe_change(old, new)) == words


def test_the_rules_of_groups_can_contradict_nist() -> None:
    asked = _of_groups(office={"characters": {"digits": 1}}, lab={"max_age": {"days": 30}})

    assert [conflict.split(":")[0] for conflict in find_conflicts(asked)] == [
        "groups.lab.rules.max_age",
        "groups.office.rules.characters",
    ]
