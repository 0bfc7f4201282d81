"""Why an account is asked for something: what was found, and what happens next."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from idp.clock import FakeClock
from idp.core.groups import create_group, update_group
from idp.core.policy_explaining import Explanation, explain_account
from idp.errors import NotFound
from idp.ids import UserId
from tests.support.world import World

LONG: Mapping[str, object] = {"length": {"min": 12, "max": 256}}
PAST = FakeClock().now() - timedelta(days=1)


def _explain(world: World, user_id: str) -> Explanation:
    with world.begin(write=False) as uow:
        return explain_account(uow, UserId(user_id))


def _publish(world: World, enforcement: str, **rules: object) -> None:
    world.publish_policy({"enforcement": enforcement, "rules": {**LONG, **rules}})


def test_a_stricter_rule_asks_for_another_password(world: World) -> None:
    ada = world.add_user("ada")
    _publish(world, "everyone")

    found = _explain(world, ada)

    assert (found.state, found.outcome) == ("active", "stale_by_policy")
    assert found.stricter_rules == ("length",)
    assert [finding.code for finding in found.findings] == ["policy.stricter"]
    assert found.required_action == "change_password"
    assert (found.at_sign_in, found.sign_in_refusal) == ("change_password", None)
    assert (found.refresh_refusal, found.ends_access_tokens) == ("password_change_required", False)
    assert found.password is not None
    assert (found.password.judged_under, found.policy_version) == (1, 2)


def test_where_only_noncompliant_ones_change_it_is_judged_first(world: World) -> None:
    ada = world.add_user("ada")
    _publish(world, "noncompliant")

    found = _explain(world, ada)

    assert (found.at_sign_in, found.refresh_refusal) == ("judged", "sign_in_required")


def test_an_imported_password_was_never_judged(world: World) -> None:
    ada = world.add_user("ada", credential={"judged_under": 0})

    found = _explain(world, ada)

    assert (found.outcome, found.stricter_rules) == ("to_be_judged", ())
    assert [finding.code for finding in found.findings] == ["policy.not_judged"]


def test_an_accepted_password_is_let_in_and_warned(world: World) -> None:
    ada = world.add_user("ada", credential={"judged_under": 2})
    _publish(world, "everyone", max_age={"days": 90, "warn_days": 14})
    world.advance(days=80)

    found = _explain(world, ada)

    assert (found.at_sign_in, found.refresh_refusal, found.outcome) == ("let_in", None, "ok")
    assert [warning.code for warning in found.warnings] == ["password.expires_soon"]
    assert found.required_action is None


@pytest.mark.parametrize(
    ("user", "credential", "refusal", "refresh"),
    [
        ({"status": "inactive"}, {}, "account_disabled", "account_disabled"),
        ({"locked_at": PAST}, {}, "account_locked", "account_locked"),
        ({}, {"blocked_at": PAST}, "too_many_failures", None),
        ({}, {"hash": "!"}, "no_password", None),
        ({}, {"temporary_until": PAST}, "temporary_password_over", "password_change_required"),
    ],
)
def test_even_the_right_password_is_refused(
    world: World,
    user: Mapping[str, object],
    credential: Mapping[str, datetime | str],
    refusal: str,
    refresh: str | None,
) -> None:
    ada = world.add_user("ada", user=user, credential=credential)

    found = _explain(world, ada)

    assert (found.at_sign_in, found.sign_in_refusal) == ("refused", refusal)
    assert found.refresh_refusal == refresh
    assert found.ends_access_tokens is (refresh is not None)


def test_without_a_password_there_is_nothing_to_judge(world: World) -> None:
    ada = world.add_user("ada", password=None)

    found = _explain(world, ada)

    assert (found.password, found.outcome, found.findings) == (None, "no_password", ())


def test_nobody_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        _explain(world, "nobody")


def test_the_rules_in_force_name_the_groups_they_come_from(world: World) -> None:
    ada = world.add_user("ada", credential={"judged_under": 2})
    common = {"length": {"min": 8, "max": 256}, "blocklist": {"words": ["kea"]}}
    office = {
        "length": {"min": 12},
        "characters": {"digits": 1},
        "blocklist": {"words": ["kea", "tui"]},
    }
    field = {"length": {"min": 6}, "blocklist": {"words": ["kea"]}}
    groups = {name: {"rules": rules} for name, rules in (("Office", office), ("Field", field))}
    with world.begin() as uow:
        for name in groups:
            create_group(uow, name)
            update_group(uow, name, add=[ada])
    world.publish_policy({"enforcement": "everyone", "rules": common, "groups": groups})

    found = _explain(world, ada)

    assert sorted(found.groups) == ["Field", "Office"]
    assert {rule.rule: rule.groups for rule in found.rules} == {
        "length": ("Office",),
        "characters": ("Office",),
        "blocklist": ("Office",),
    }
    assert {rule.rule: rule.params for rule in found.rules}["length"]["min"] == 12


@pytest.mark.parametrize(
    ("more", "by", "days"),
    [
        ({"enforcement": "observe"}, "observe", None),
        ({"enforcement": "everyone", "grace": "P7D"}, "grace", 7),
        ({"enforcement": "everyone", "waves": {"percent": 1, "deadline": "P9D"}}, "wave", 9),
    ],
)
def test_what_is_withheld_is_told_with_its_date(
    world: World, more: Mapping[str, object], by: str, days: int | None
) -> None:
    ada = world.add_user("ada")
    world.publish_policy({"rules": LONG, **more})

    found = _explain(world, ada)

    assert found.withheld is not None
    assert (found.withheld.by, found.required_action, found.at_sign_in) == (by, None, "let_in")
    until = None if days is None else world.clock.now() + timedelta(days=days)
    assert found.withheld.until == until
    assert [finding.code for finding in found.withheld.findings] == ["policy.stricter"]


def test_looking_leaves_no_decision(world: World) -> None:
    ada = world.add_user("ada")
    _publish(world, "everyone")

    assert _explain(world, ada).decisions == _explain(world, ada).decisions == ()
