"""Bulk resets: whom they name, what they do to whom, and that they hit nobody else (B-01)."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from idp.core import reset_batches
from idp.core.gate import Reason, Refused, clear, find_account
from idp.core.group_roles import grant_group_role
from idp.core.groups import get_group
from idp.core.passwords import SetBy, Setting, set_password
from idp.core.plans import create_plan
from idp.core.recovery_requests import find_recovery, issue_recovery_link
from idp.core.roles import AdminRole
from idp.core.sessions import find_signed_in
from idp.core.work import HOST, Actor
from idp.errors import Conflict, InvalidInput, PasswordRejected, Unavailable
from idp.ids import UserId
from idp.jobs.runner import Runner
from idp.store.groups import GroupRow, MembershipRow
from idp.store.users import UNUSABLE, PasswordHistoryRow, RoleGrantRow
from tests.support import campaigns
from tests.support.campaigns import SHARED, apply, plan_reset, run_reset, targets
from tests.support.world import PORTAL, STAFF, World

SHORT: Mapping[str, object] = {"enforcement": "everyone", "rules": {"length": {"min": 4}}}


@pytest.fixture
def world(world: World) -> World:
    """Give a world whose policy takes the short shared password."""
    world.publish_policy(SHORT)
    world.publish_policy(SHORT, realm=PORTAL)
    return world


def _make_admin(world: World, user_id: str) -> None:
    with world.begin() as uow:
        uow.db.add(RoleGrantRow(user_id=user_id, role="owner", granted_at=uow.now))


def _put_in_group(world: World, name: str, *user_ids: str) -> None:
    with world.begin() as uow:
        group_id = uow.new_id()
        uow.db.add(GroupRow(id=group_id, name=name, name_key=name.lower(), created_at=uow.now))
        uow.db.flush()
        uow.db.add_all(MembershipRow(group_id=group_id, user_id=user_id) for user_id in user_ids)


def _opens(world: World, user_id: str, password: str) -> bool:
    return world.runtime.hasher.verify(world.credential(user_id).hash, password)


def test_a_shared_password_opens_every_staff_account_and_no_portal_account(world: World) -> None:
    ada, bob = world.add_user("ada"), world.add_user("bob")
    cleo = world.add_user("cleo", realm=PORTAL)

    plan = run_reset(world)

    assert plan.state == "applied"
    assert _opens(world, ada, SHARED)
    assert _opens(world, bob, SHARED)
    assert not world.runtime.hasher.verify(world.credential(cleo, realm=PORTAL).hash, SHARED)
    assert world.user(cleo, realm=PORTAL).epoch == 1


def test_a_shared_password_is_temporary_unless_said_otherwise(world: World) -> None:
    ada = world.add_user("ada")

    run_reset(world)

    credential = world.credential(ada)
    assert credential.must_change
    assert credential.temporary_until == world.clock.now() + timedelta(days=3)
    assert credential.set_by == "bulk"


def test_the_classic_reset_forces_nothing(world: World) -> None:
    ada = world.add_user("ada")

    run_reset(world, require_change=False)

    credential = world.credential(ada)
    assert not credential.must_change
    assert credential.temporary_until is None
    with world.begin(write=False) as uow:
        account = find_account(uow, ada)
        assert account is not None
        answer = clear(account, birth_epoch=account.epoch, session_ended=False, now=uow.now)
    assert not isinstance(answer, Refused)


def test_a_reset_ends_sessions_of_those_it_names_and_of_nobody_else(world: World) -> None:
    ada, bob = world.add_user("ada"), world.add_user("bob")
    (_, ada_cookie), (_, bob_cookie) = world.begin_session(ada), world.begin_session(bob)

    run_reset(world, select={"user_ids": [ada]})

    with world.begin(write=False) as uow:
        assert find_signed_in(uow, ada_cookie) is None
        assert find_signed_in(uow, bob_cookie) is not None
        account = find_account(uow, ada)
        assert account is not None
        refused = clear(account, birth_epoch=1, session_ended=False, now=uow.now)
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.CREDENTIAL_CHANGED


def test_reset_links_of_those_it_names_die_and_of_nobody_else(world: World) -> None:
    ada, bob = world.add_user("ada"), world.add_user("bob")
    with world.begin() as uow:
        links = [issue_recovery_link(uow, user_id, generation=1) for user_id in (ada, bob)]

    run_reset(world, select={"user_ids": [ada]}, end_sessions=False)

    with world.begin(write=False) as uow:
        assert find_recovery(uow, links[0]) is None
        assert find_recovery(uow, links[1]) is not None


def test_people_who_choose_a_password_meanwhile_lose_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reset_batches, "BATCH", 2)
    ids = campaigns.add_users(world, 16)
    job_id = apply(world, plan_reset(world))

    def choose(user_id: str) -> bool:
        try:
            chosen = Setting(source=SetBy.ADMIN)
            set_password(world.runtime, STAFF, UserId(user_id), "mine!", chosen, actor=HOST)
        except (Conflict, Unavailable):
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        job = pool.submit(Runner(world.runtime).run_job, job_id)
        succeeded = dict(zip(ids, pool.map(choose, ids), strict=True))
        job.result()
    Runner(world.runtime).run_job(job_id)

    assert campaigns.job(world, job_id).done == 16
    for user_id, did_choose in succeeded.items():
        with world.begin(write=False) as uow:
            query = sa.select(PasswordHistoryRow.hash).where(PasswordHistoryRow.user_id == user_id)
            had = [world.credential(user_id).hash, *uow.db.scalars(query)]
        verify = world.runtime.hasher.verify
        assert sum(verify(stored, SHARED) for stored in had) <= 1
        assert any(verify(stored, "mine!") for stored in had) == did_choose
        assert world.user(user_id).credential_generation == 2 + did_choose


def test_sessions_can_be_kept_but_reset_links_die_all_the_same(world: World) -> None:
    ada = world.add_user("ada")
    _, cookie = world.begin_session(ada)

    run_reset(world, end_sessions=False, require_change=False)

    with world.begin(write=False) as uow:
        assert find_signed_in(uow, cookie) is not None
    assert world.user(ada).credential_generation == 2


def test_the_plan_names_whom_it_leaves_out_and_why(world: World) -> None:
    actor = world.add_user("boss")
    owner = world.add_user("owner")
    _make_admin(world, owner)
    world.add_user("gone", user={"status": "inactive"})
    world.add_user("quiet", user={"email": None, "email_key": None})

    plan = plan_reset(world, actor=Actor("user", actor))

    named = targets(world, plan)
    assert {name: target.excluded for name, target in named.items()} == {
        "boss": "acting_administrator",
        "owner": "administrator",
        "gone": "inactive",
        "quiet": None,
    }
    assert named["quiet"].warning == "no_email"
    assert plan.counts["targets"] == 1
    assert plan.counts["warnings"] == {"no_email": 1}


def test_who_is_administrator_through_a_group_is_left_out_too(world: World) -> None:
    owner, member = world.add_user("owner"), world.add_user("member")
    _put_in_group(world, "Admins", owner)
    _put_in_group(world, "Others", member)
    with world.begin() as uow:
        grant_group_role(uow, get_group(uow, "Admins").id, AdminRole.AUDITOR)

    named = targets(world, plan_reset(world))

    assert {name: target.excluded for name, target in named.items()} == {
        "owner": "administrator",
        "member": None,
    }
    assert plan_reset(world, select={"user_ids": [owner]}).counts["administrators"] == 1


def test_an_administrator_who_is_named_is_reset(world: World) -> None:
    owner = world.add_user("owner")
    _make_admin(world, owner)

    plan = run_reset(world, select={"user_ids": [owner]})

    assert plan.counts["administrators"] == 1
    assert _opens(world, owner, SHARED)


def test_the_acting_administrator_can_be_included(world: World) -> None:
    actor = world.add_user("boss")

    plan = plan_reset(world, "require_change", actor=Actor("user", actor), include_self=True)

    assert targets(world, plan)["boss"].excluded is None


def test_links_are_only_for_people_who_can_be_reached(world: World) -> None:
    world.add_user("quiet", user={"email": None, "email_key": None})
    ada = world.add_user("ada")

    plan = run_reset(world, "link", reason="a lost laptop")

    assert targets(world, plan)["quiet"].excluded == "no_email"
    assert world.credential(ada).hash == "!"
    [message] = world.outbox(kind="campaign_link")
    assert message["user_id"] == ada
    assert message["reason"] == "a lost laptop"


def test_asking_for_a_change_keeps_the_password(world: World) -> None:
    ada = world.add_user("ada")
    before = world.credential(ada).hash
    world.add_user("new", password=None)
    world.add_user("mailed", credential={"hash": UNUSABLE})

    plan = run_reset(world, "require_change")

    for name in ("new", "mailed"):
        assert targets(world, plan)[name].excluded == "no_password"
    assert world.credential(ada).hash == before
    assert world.credential(ada).must_change
    user = world.user(ada)
    assert (user.epoch, user.credential_epoch, user.credential_generation) == (2, 1, 1)


def test_asking_for_a_change_can_keep_sessions(world: World) -> None:
    ada = world.add_user("ada")

    run_reset(world, "require_change", end_sessions=False)

    assert world.user(ada).epoch == 1


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        ({"all": True}, {"ada", "bob", "cleo"}),
        ({"groups": ["Field"]}, {"ada"}),
        ({"password_set_before": "2026-10-01"}, {"bob"}),
        ({"policy_version_below": 2}, {"cleo"}),
    ],
)
def test_a_selection_names_exactly_its_users(
    world: World, select: Mapping[str, object], expected: set[str]
) -> None:
    ada = world.add_user("ada")
    long_ago = world.clock.now() - timedelta(days=60)
    world.add_user("bob", credential={"set_at": long_ago})
    world.add_user("cleo", credential={"judged_under": 1})
    _put_in_group(world, "Field", ada)

    assert set(targets(world, plan_reset(world, select=select))) == expected


def test_unknown_foreign_and_repeated_users_are_listed_and_nothing_is_planned(world: World) -> None:
    ada = world.add_user("ada")
    cleo = world.add_user("cleo", realm=PORTAL)

    with pytest.raises(InvalidInput) as refused:
        plan_reset(world, select={"user_ids": [ada, ada, cleo, "nobody"]})

    assert refused.value.code == "reset.users_refused"
    assert refused.value.params["unknown"] == sorted([cleo, "nobody"])
    assert refused.value.params["duplicate"] == [ada]
    assert "plan.created" not in world.event_codes()


def test_unknown_groups_are_listed(world: World) -> None:
    with pytest.raises(InvalidInput) as refused:
        plan_reset(world, select={"groups": ["Office"]})

    assert refused.value.params["unknown"] == ["Office"]


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"mode": "all"}, "mode"),
        ({"mode": "shared", "select": {"all": True}}, "password"),
        ({"mode": "shared", "select": {"all": False}, "password": "x"}, "select"),
        ({"mode": "shared", "select": {"all": True, "groups": ["a"]}, "password": "x"}, "select"),
        ({"mode": "link", "select": {"all": True}, "password": "x"}, "password"),
        ({"mode": "link", "select": {"all": True}, "expires_in": "P3D"}, "expires_in"),
        ({"mode": "link", "select": {"groups": []}}, "select.groups"),
        ({"mode": "link", "select": {"user_ids": [1]}}, "select.user_ids"),
        ({"mode": "link", "select": {"password_set_before": "soon"}}, "select.password_set_before"),
        (
            {"mode": "link", "select": {"password_set_before": "9999-12-31T23:59:59-14:00"}},
            "select.password_set_before",
        ),
        ({"mode": "link", "select": {"policy_version_below": True}}, "select"),
        ({"mode": "link", "select": {"all": True}, "end_sessions": "no"}, "end_sessions"),
        ({"mode": "link", "select": {"all": True}, "reason": 5}, "reason"),
        (
            {"mode": "shared", "select": {"all": True}, "password": "x", "expires_in": "soon"},
            "expires_in",
        ),
    ],
)
def test_a_bad_parameter_is_named(world: World, params: Mapping[str, object], named: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        create_plan(world.runtime, STAFF, "password.reset", params, HOST)

    assert refused.value.params["param"] == named


def test_an_unknown_parameter_is_named(world: World) -> None:
    with pytest.raises(InvalidInput) as refused:
        plan_reset(world, "link", passwort="x")

    assert refused.value.params["params"] == ["passwort"]


def test_the_shared_password_has_to_pass_the_policy(world: World) -> None:
    with pytest.raises(PasswordRejected) as refused:
        plan_reset(world, password="Tui")

    assert [finding.code for finding in refused.value.findings] == ["password.too_short"]


def test_a_shared_password_is_repeated_only_on_purpose(world: World) -> None:
    world.add_user("ada")
    run_reset(world)

    with pytest.raises(Conflict) as refused:
        plan_reset(world)

    assert refused.value.code == "reset.password_repeated"
    assert plan_reset(world, accept_repeat=True).counts["targets"] == 1


def test_the_shared_password_is_stored_nowhere_in_clear(world: World) -> None:
    world.add_user("ada")
    plan_reset(world, password="Pohutukawa-7")

    with world.begin(write=False) as uow:
        for table in PasswordHistoryRow.metadata.sorted_tables:
            rows = uow.db.connection().execute(sa.select(table)).all()
            assert "Pohutukawa-7" not in repr(rows)


def test_drift_of_more_than_one_percent_makes_a_plan_outdated(world: World) -> None:
    campaigns.add_users(world, 100)
    plan = plan_reset(world)
    world.add_user("newcomer")
    world.add_user("second")

    with pytest.raises(Conflict) as refused:
        apply(world, plan)

    assert refused.value.code == "plan_outdated"
    assert refused.value.params["gained"] == 2


def test_drift_within_one_percent_is_let_through_and_newcomers_are_not_hit(world: World) -> None:
    ids = campaigns.add_users(world, 100)
    plan = plan_reset(world)
    newcomer = world.add_user("newcomer")
    world.change_user(ids[5], status="inactive")

    job_id = apply(world, plan)
    Runner(world.runtime).run_job(job_id)

    named = targets(world, plan)
    assert named["user-5"].outcome == "skipped:inactive"
    assert world.credential(ids[5]).set_by == "self"
    assert {t.outcome for name, t in named.items() if name != "user-5"} == {"done"}
    assert world.credential(newcomer).set_by == "self"
    [event] = [event for event in world.events() if event.code == "reset.applied"]
    assert event.params["skipped"] == 1


def test_named_users_may_not_drift_at_all(world: World) -> None:
    ada, bob = world.add_user("ada"), world.add_user("bob")
    plan = plan_reset(world, select={"user_ids": [ada, bob]})
    world.change_user(bob, status="inactive")

    with pytest.raises(Conflict) as refused:
        apply(world, plan)

    assert refused.value.params["lost"] == 1


def test_a_stricter_policy_makes_the_shared_password_outdated(world: World) -> None:
    world.add_user("ada")
    plan = plan_reset(world)
    world.publish_policy({"rules": {"length": {"min": 8}}})

    with pytest.raises(Conflict) as refused:
        apply(world, plan)

    assert refused.value.code == "plan_outdated"


def test_every_user_gets_an_event_and_the_campaign_one_more(world: World) -> None:
    ada, bob = world.add_user("ada"), world.add_user("bob")

    run_reset(world, reason="after the audit")

    events = world.events()
    reset = [event.subject_id for event in events if event.code == "reset.user_reset"]
    assert sorted(str(subject) for subject in reset) == sorted([ada, bob])
    [campaign] = [event for event in events if event.code == "reset.applied"]
    assert campaign.params["reason"] == "after the audit"
    assert campaign.params["planned"] == 2
    assert campaign.actor_kind == "host"
    assert len({event.id for event in events}) == len(events)


def test_the_previous_password_is_in_the_history(world: World) -> None:
    ada = world.add_user("ada")
    before = world.credential(ada).hash

    run_reset(world)

    with world.begin(write=False) as uow:
        [row] = uow.db.scalars(sa.select(PasswordHistoryRow))
        assert (row.user_id, row.hash) == (ada, before)


def test_a_user_without_a_password_gets_the_shared_one(world: World) -> None:
    new = world.add_user("new", password=None)

    run_reset(world)

    assert _opens(world, new, SHARED)


def test_throttling_and_blocks_end_with_the_old_password(world: World) -> None:
    ada = world.add_user("ada", credential={"failures": 7, "blocked_at": world.clock.now()})

    run_reset(world)

    credential = world.credential(ada)
    assert (credential.failures, credential.blocked_at) == (0, None)


def test_a_lock_survives_a_reset(world: World) -> None:
    ada = world.add_user("ada", user={"locked_at": world.clock.now()})

    run_reset(world)

    assert world.user(UserId(ada)).locked_at is not None


def test_the_portal_is_reset_when_it_is_named(world: World) -> None:
    world.add_user("ada")
    cleo = world.add_user("cleo", realm=PORTAL)

    run_reset(world, realm=PORTAL)

    assert world.credential(cleo, realm=PORTAL).set_by == "bulk"
