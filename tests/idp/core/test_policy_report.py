"""Who still has to change the password, counted: every user once, and as the gate would say."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from idp.core.gate import find_account, standing
from idp.core.policy_report import HAVE_TO_CHANGE, Outcome, PolicyReport, get_policy_report
from idp.ids import UserId
from idp.store.users import UserRow
from policy.engine import ENGINE_CODES
from policy.model import Kind
from policy.rules import RULES
from policy.verdict import RequiredAction
from tests.support.campaigns import run_reset
from tests.support.world import PORTAL, World

LONG: Mapping[str, object] = {"length": {"min": 12, "max": 256}}
AGED: Mapping[str, object] = {**LONG, "max_age": {"days": 90}}


def _report(world: World) -> PolicyReport:
    with world.begin(write=False) as uow:
        return get_policy_report(uow)


def _outcomes(world: World) -> dict[str, int]:
    return {outcome.value: n for outcome, n in _report(world).outcomes.items() if n}


def _populate(world: World) -> None:
    """Add one user of each kind there is, and some who are not counted."""
    now = world.clock.now()
    world.add_user("fine", credential={"judged_under": 2})
    world.add_user("stale")
    world.add_user("imported", credential={"judged_under": 0})
    world.add_user("refused", credential={"judged_under": 0, "refused_under": 2})
    world.add_user("refused-before", credential={"judged_under": 0, "refused_under": 1})
    world.add_user("asked", credential={"must_change": True})
    over = {"judged_under": 2, "must_change": True, "temporary_until": now - timedelta(seconds=1)}
    world.add_user("over", credential=over)
    world.add_user("temporary", credential={"judged_under": 2, "temporary_until": now})
    world.add_user("old", credential={"judged_under": 2, "set_at": now - timedelta(days=91)})
    world.add_user("just-fine", credential={"judged_under": 2, "set_at": now - timedelta(days=90)})
    world.add_user("shared", credential={"judged_under": 2, "campaign_id": "some"})
    world.add_user("none", password=None)
    world.add_user("emptied", credential={"hash": "!", "must_change": True})
    world.add_user("gone", user={"status": "inactive"})
    world.add_user("pat", realm=PORTAL)


def test_everybody_is_counted_once_by_outcome(world: World) -> None:
    _populate(world)
    world.publish_policy({"enforcement": "everyone", "rules": AGED})

    report = _report(world)

    assert {outcome.value: n for outcome, n in report.outcomes.items()} == {
        "temporary_expired": 1,
        "must_change": 1,
        "too_old": 1,
        "refused_by_policy": 1,
        "stale_by_policy": 1,
        "to_be_judged": 2,
        "temporary_in_use": 2,
        "exempt": 0,
        "ok": 2,
        "no_password": 2,
    }
    assert (report.policy_version, report.enforcement) == (2, "everyone")
    assert report.have_to_change == 5
    assert report.accounts_on_shared_password == 1
    assert report.accounts_on_temporary_password == 2


@pytest.mark.parametrize("enforcement", ["everyone", "noncompliant", "never"])
def test_the_totals_add_up_to_all_active_users(world: World, enforcement: str) -> None:
    _populate(world)
    world.publish_policy({"enforcement": enforcement, "rules": AGED})

    report = _report(world)

    assert report.active_users == 13
    assert sum(report.outcomes.values()) == 13
    assert sum(version.users for version in report.versions) == 13
    for version in report.versions:
        assert sum(version.outcomes.values()) == version.users
    assert sum(version.have_to_change for version in report.versions) == report.have_to_change


@pytest.mark.parametrize("enforcement", ["everyone", "noncompliant", "never"])
def test_the_report_says_of_each_user_what_the_gate_says(world: World, enforcement: str) -> None:
    _populate(world)
    world.publish_policy({"enforcement": enforcement, "rules": AGED})
    report = _report(world)

    with world.begin(write=False) as uow:
        ids = [row.id for row in uow.db.query(UserRow).where(UserRow.status == "active")]
        accounts = [find_account(uow, UserId(user_id)) for user_id in ids]
        verdicts = [standing(account, uow.now) for account in accounts if account]
    actions = [verdict.required_action if verdict else None for verdict in verdicts]
    emptied = 1  # has to change, says the gate; but there is no password to change
    assert actions.count(RequiredAction.CHANGE_PASSWORD) == report.have_to_change + emptied
    assert actions.count(RequiredAction.SIGN_IN) == report.outcomes[Outcome.TO_BE_JUDGED]


def test_the_versions_tell_which_rules_became_stricter(world: World) -> None:
    _populate(world)
    world.publish_policy({"enforcement": "everyone", "rules": AGED})

    versions = {row.version: row for row in _report(world).versions}

    assert list(versions) == [2, 1, 0, None]
    assert [row.users for row in versions.values()] == [6, 2, 3, 2]
    assert versions[1].stricter_rules == ("length",)
    assert versions[2].stricter_rules == versions[0].stricter_rules == ()
    assert versions[1].outcomes[Outcome.STALE] == 1
    assert versions[None].outcomes[Outcome.NO_PASSWORD] == 2


def test_who_would_be_asked_is_exempt_where_nothing_is_enforced(world: World) -> None:
    world.add_user("stale")
    world.add_user("fine", credential={"judged_under": 2})
    world.add_user("asked", credential={"must_change": True})
    world.publish_policy({"enforcement": "never", "rules": LONG})

    assert _outcomes(world) == {"exempt": 1, "ok": 1, "must_change": 1}


def test_a_stale_password_is_judged_first_where_only_noncompliant_ones_change(
    world: World,
) -> None:
    world.add_user("stale")
    world.add_user("refused", credential={"refused_under": 2})
    world.publish_policy({"enforcement": "noncompliant", "rules": LONG})

    assert _outcomes(world) == {"to_be_judged": 1, "refused_by_policy": 1}


def test_a_bulk_reset_shows_until_people_chose_their_own(world: World) -> None:
    world.add_user("ada")
    world.publish_policy({"enforcement": "everyone", "rules": {}})
    run_reset(world)

    report = _report(world)
    assert report.outcomes[Outcome.MUST_CHANGE] == 1
    assert report.accounts_on_shared_password == report.accounts_on_temporary_password == 1

    world.advance(days=4)
    assert _outcomes(world) == {"temporary_expired": 1}


def test_an_empty_realm_has_an_empty_report(world: World) -> None:
    report = _report(world)

    assert (report.active_users, report.have_to_change, report.versions) == (0, 0, ())


def test_every_cause_that_policy_knows_has_its_outcome() -> None:
    standing_codes = {rule.code for rule in RULES if rule.kind is Kind.STANDING}

    assert standing_codes == {"password.too_old"}
    assert set(ENGINE_CODES) == {
        "password.past_bulk_secret",
        "password.must_change",
        "password.temporary_expired",
        "policy.stricter",
        "policy.not_judged",
        "policy.not_met",
    }
    assert len(HAVE_TO_CHANGE) == 5
