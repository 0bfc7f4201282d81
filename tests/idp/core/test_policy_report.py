"""Who still has to change the password, counted: every user once, and as the gate would say."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from idp.core import policy_standings
from idp.core.decisions import decide
from idp.core.gate import find_account, standing
from idp.core.groups import create_group, update_group
from idp.core.policies import Stamp, beginnings, current_policy
from idp.core.policy_outcomes import HAVE_TO_CHANGE, Outcome
from idp.core.policy_report import GroupCount, Observed, PolicyReport, get_policy_report
from idp.core.policy_standings import Standing, iterate_standings
from idp.core.policy_yardstick import yardstick
from idp.ids import ClientId, UserId
from idp.store.users import UserRow
from policy.engine import ENGINE_CODES
from policy.model import Kind
from policy.rules import RULES
from policy.verdict import RequiredAction, WithheldBy
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
        "withheld": 0,
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


LONGER_IN_OFFICE: Mapping[str, object] = {
    "rules": LONG,
    "groups": {"Office": {"rules": {"length": {"min": 16, "max": 256}, "max_age": {"days": 60}}}},
}
STAGED: tuple[Mapping[str, object], ...] = (
    {"enforcement": "observe", "rules": AGED},
    {"enforcement": "everyone", "grace": "P7D", "rules": AGED},
    {"enforcement": "noncompliant", "grace": "P1D", "rules": AGED},
    {"enforcement": "everyone", "waves": {"percent": 50}, "rules": AGED},
    {"enforcement": "everyone", "waves": {"groups": ["Field"], "per_hour": 1}, "rules": AGED},
    {"enforcement": "everyone", "waves": {"quiet": "00:00/23:59"}, **LONGER_IN_OFFICE},
    {"enforcement": "noncompliant", **LONGER_IN_OFFICE},
    {"enforcement": "observe", **LONGER_IN_OFFICE},
    {"enforcement": "never", "grace": "P7D", **LONGER_IN_OFFICE},
)


def _join(world: World, group: str, *names: str) -> None:
    with world.begin() as uow:
        create_group(uow, group)
        rows = uow.db.query(UserRow).where(UserRow.username.in_(names))
        update_group(uow, group, add=[UserId(row.id) for row in rows])


def _standings(world: World) -> dict[str, Standing]:
    with world.begin(write=False) as uow:
        return {each.username: each for each in iterate_standings(uow, yardstick(uow))}


@pytest.mark.parametrize("document", STAGED, ids=str)
@pytest.mark.parametrize("days", [0, 2, 20])
def test_everybody_stands_as_the_gate_says(
    world: World, monkeypatch: pytest.MonkeyPatch, document: Mapping[str, object], days: int
) -> None:
    monkeypatch.setattr(policy_standings, "PAGE", 4)
    _populate(world)
    _join(world, "Office", "fine", "stale", "old", "just-fine", "none")
    _join(world, "Field", "stale", "imported", "shared")
    world.publish_policy(document)
    world.advance(days=days)

    standings = _standings(world)

    assert len(standings) == 13
    with world.begin(write=False) as uow:
        for each in standings.values():
            account = find_account(uow, each.user_id)
            assert account is not None
            verdict = standing(account, uow.now)
            if each.outcome is Outcome.NO_PASSWORD:
                continue
            assert verdict is not None
            withheld = verdict.withheld
            told = verdict.findings + (() if withheld is None else withheld.findings)
            assert (each.withheld, each.findings) == (withheld, told)
            change = verdict.required_action is RequiredAction.CHANGE_PASSWORD
            assert each.has_to_change == change
            is_held_back = verdict.required_action is None and withheld is not None
            assert (each.outcome is Outcome.WITHHELD) == is_held_back


def test_groups_that_no_version_names_take_no_place_in_the_caches(world: World) -> None:
    world.publish_policy(LONGER_IN_OFFICE)
    world.publish_policy({"enforcement": "everyone", "grace": "P7D", "rules": LONG})
    stamp, office = Stamp(1), frozenset({"office"})
    with world.begin(write=False) as uow:
        policy = current_policy(uow)
        kept = beginnings(uow, stamp, policy, office)

        others = [frozenset({"office", f"group {number}"}) for number in range(2000)]
        assert all(beginnings(uow, stamp, policy, groups) is kept for groups in others)

        for number in range(2000):
            beginnings(uow, Stamp(1, f"group {number}"), policy, office)
        assert current_policy(uow) is policy


def test_groups_are_counted_each_and_nobody_is_left_out(world: World) -> None:
    for name in ("ada", "bob", "cleo", "dora"):
        world.add_user(name)
    _join(world, "Office", "ada", "bob")
    _join(world, "field", "bob", "cleo")
    world.publish_policy(
        {
            "enforcement": "everyone",
            "rules": {"length": {"min": 8, "max": 256}},
            "groups": {"Office": {"rules": {"length": {"min": 16, "max": 256}}}},
        }
    )

    report = _report(world)

    assert report.groups == (
        GroupCount(name="field", users=2, have_to_change=1, withheld=0),
        GroupCount(name="Office", users=2, have_to_change=2, withheld=0),
        GroupCount(name=None, users=1, have_to_change=0, withheld=0),
    )
    assert report.have_to_change == 2


def test_what_is_withheld_has_its_reason_and_its_dates(world: World) -> None:
    world.add_user("ada")
    world.add_user("fine", credential={"judged_under": 2})
    world.add_user("asked", credential={"must_change": True})
    began_at = world.clock.now()
    world.publish_policy(
        {"enforcement": "everyone", "grace": "P7D", "waves": {"per_hour": 5}, "rules": LONG}
    )

    [grace] = _report(world).withheld_by
    world.advance(days=8)
    report = _report(world)
    [wave] = report.withheld_by

    assert (grace.by, grace.users, grace.due) == (WithheldBy.GRACE, 1, 0)
    assert grace.next_at == grace.last_at == began_at + timedelta(days=7)
    assert (wave.by, wave.users, wave.due) == (WithheldBy.WAVE, 1, 1)
    assert wave.next_at == began_at + timedelta(days=7 + 14)
    assert (report.withheld, report.have_to_change) == (1, 1)
    assert sum(report.outcomes.values()) == 3


def test_the_report_tells_for_how_long_somebody_has_had_to_change(world: World) -> None:
    world.add_user("ada")
    assert _report(world).oldest_days is None
    began_at = world.clock.now()
    world.publish_policy({"enforcement": "everyone", "rules": LONG})
    world.advance(days=3)
    world.publish_policy({"enforcement": "everyone", "rules": {**LONG, "history": {"last": 2}}})
    world.advance(days=2, hours=5)

    report = _report(world)

    assert (report.oldest_since, report.oldest_days) == (began_at, 5)


def test_since_when_is_told_for_each_reason(world: World) -> None:
    _populate(world)
    now = world.clock.now()
    month_ago = now - timedelta(days=30)
    world.add_user("bulk", credential={"must_change": True, "set_by": "bulk", "set_at": month_ago})
    ended = {"epoch_cause": "must_change", "epoch_at": now - timedelta(days=3)}
    world.add_user("ended", user=ended, credential={"must_change": True})
    world.publish_policy({"enforcement": "everyone", "rules": AGED})
    world.advance(hours=1)

    since = {name: each.since for name, each in _standings(world).items()}

    assert since["fine"] is since["none"] is None
    assert since["stale"] == since["old"] == now  # the policy that asks began then
    assert since["over"] == now - timedelta(seconds=1)
    assert since["bulk"] == month_ago
    assert since["ended"] == now - timedelta(days=3)
    assert since["asked"] is None  # nobody wrote down when
    assert since["shared"] == now


def test_a_policy_that_observes_tells_whom_it_would_have_stopped(world: World) -> None:
    for name in ("ada", "bob", "cleo", "dora"):
        world.add_user(name)
    assert _report(world).observed is None
    world.publish_policy({"enforcement": "observe", "rules": LONG})
    ids = {name: each.user_id for name, each in _standings(world).items()}
    for name in ("ada", "ada", "bob", "cleo"):
        _ask(world, ids[name])
    world.change_credential(ids["bob"], refused_under=2)
    world.change_credential(ids["cleo"], judged_under=0)

    report = _report(world)
    assert report.observed == Observed(everyone=3, noncompliant=2)
    assert (report.withheld, report.have_to_change) == (4, 0)

    world.publish_policy({"enforcement": "observe", "rules": AGED})
    assert _report(world).observed == Observed(everyone=0, noncompliant=0)


def test_a_password_that_is_too_old_counts_as_one_that_does_not_comply(world: World) -> None:
    for name in ("ada", "bob", "cleo"):
        world.add_user(name)
    _join(world, "Office", "ada")
    world.publish_policy({"enforcement": "observe", **LONGER_IN_OFFICE})
    ids = {name: each.user_id for name, each in _standings(world).items()}
    for user_id in ids.values():
        _ask(world, user_id)
    world.change_credential(ids["cleo"], must_change=True)
    assert _report(world).observed == Observed(everyone=3, noncompliant=0)

    world.advance(days=61)
    assert _report(world).observed == Observed(everyone=3, noncompliant=1)
    world.publish_policy({"enforcement": "noncompliant", **LONGER_IN_OFFICE})
    assert {name: each.outcome for name, each in _standings(world).items()} == {
        "ada": Outcome.TOO_OLD,
        "bob": Outcome.TO_BE_JUDGED,
        "cleo": Outcome.MUST_CHANGE,
    }

    world.publish_policy({"enforcement": "observe", **LONGER_IN_OFFICE})
    _ask(world, ids["ada"])
    assert _report(world).observed == Observed(everyone=1, noncompliant=1)
    world.change_credential(ids["ada"], set_at=world.clock.now(), judged_under=4)
    assert _report(world).observed == Observed(everyone=1, noncompliant=0)


def _ask(world: World, user_id: UserId) -> None:
    with world.begin() as uow:
        account = find_account(uow, user_id)
        assert account is not None
        decide(
            uow,
            account,
            birth_epoch=account.epoch,
            session_ended=False,
            client_id=ClientId("app"),
        )


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
