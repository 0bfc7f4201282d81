"""Undoing a bulk reset: everybody who did not move on gets back what they had, nobody else."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from idp.core.passwords import SetBy, Setting, set_password
from idp.core.plans import undo_plan
from idp.core.sessions import find_signed_in
from idp.core.work import HOST
from idp.errors import Conflict
from idp.ids import UserId
from idp.jobs.runner import Runner
from idp.store.resets import ResetMemberRow
from idp.store.users import CredentialRow, PasswordHistoryRow
from tests.support.campaigns import apply, plan_reset, run_reset, run_undo, targets, view
from tests.support.world import PASSWORD, STAFF, World

LONG = "kereru-over-the-harbour"


def _opens(world: World, user_id: str, password: str) -> bool:
    return world.runtime.hasher.verify(world.credential(user_id).hash, password)


def _use_password(world: World, user_id: str) -> None:
    world.change_credential(user_id, used_at=world.clock.now())


def test_undo_gives_back_the_password_and_where_it_stood(world: World) -> None:
    ada = world.add_user("ada", credential={"must_change": True, "judged_under": 0})
    before = world.credential(ada)
    plan = run_reset(world, password=LONG)
    world.advance(hours=1)

    job = run_undo(world, plan)

    assert job.state == "done"
    after = world.credential(ada)
    names = ("hash", "set_at", "set_by", "judged_under", "must_change", "temporary_until")
    assert [getattr(after, name) for name in names] == [getattr(before, name) for name in names]
    assert view(world, plan).state == "undone"
    assert targets(world, plan)["ada"].outcome == "undone"


def test_who_used_the_new_password_keeps_it(world: World) -> None:
    ada, bob = world.add_user("ada"), world.add_user("bob")
    plan = run_reset(world, password=LONG)
    world.advance(hours=1)
    _use_password(world, ada)

    run_undo(world, plan)

    assert _opens(world, ada, LONG)
    assert _opens(world, bob, PASSWORD)
    [event] = [event for event in world.events() if event.code == "reset.undone"]
    assert event.params["restored"] == 1


def test_who_chose_another_password_keeps_it(world: World) -> None:
    ada = world.add_user("ada")
    plan = run_reset(world, password=LONG)
    chosen = "takahe-behind-the-dunes"
    set_password(world.runtime, STAFF, ada, chosen, Setting(source=SetBy.ADMIN), actor=HOST)

    run_undo(world, plan)

    assert _opens(world, ada, chosen)


def test_undo_ends_what_was_begun_since_and_revives_nothing(world: World) -> None:
    ada = world.add_user("ada")
    _, before = world.begin_session(ada)
    plan = run_reset(world, password=LONG)
    _, between = world.begin_session(ada)

    run_undo(world, plan)

    with world.begin(write=False) as uow:
        assert find_signed_in(uow, before) is None
        assert find_signed_in(uow, between) is None
    user = world.user(ada)
    assert (user.epoch, user.credential_epoch, user.credential_generation) == (3, 3, 3)


def test_a_restored_password_is_not_an_earlier_one(world: World) -> None:
    world.add_user("ada")
    plan = run_reset(world, password=LONG)

    run_undo(world, plan)

    with world.begin(write=False) as uow:
        assert list(uow.db.scalars(sa.select(PasswordHistoryRow))) == []


def test_who_had_no_password_has_none_again(world: World) -> None:
    world.add_user("new", password=None)
    plan = run_reset(world, password=LONG)

    run_undo(world, plan)

    assert world.count(CredentialRow) == 0


def test_undo_of_links_stops_the_mails_that_wait(world: World) -> None:
    ada = world.add_user("ada")
    plan = run_reset(world, "link")

    run_undo(world, plan)
    Runner(world.runtime).run_once()

    assert _opens(world, ada, PASSWORD)
    assert world.mail.messages == []


def test_undo_takes_back_what_was_asked_of_people(world: World) -> None:
    ada = world.add_user("ada")
    bob = world.add_user("bob", credential={"must_change": True})
    plan = run_reset(world, "require_change")

    run_undo(world, plan)

    assert not world.credential(ada).must_change
    assert world.credential(bob).must_change


def test_the_shared_password_of_an_undone_reset_stays_forbidden(world: World) -> None:
    world.add_user("ada")
    plan = run_reset(world, password=LONG)
    run_undo(world, plan)

    with pytest.raises(Conflict) as refused:
        plan_reset(world, password=LONG)

    assert refused.value.code == "reset.password_repeated"


def test_undo_returns_to_the_campaign_before(world: World) -> None:
    ada = world.add_user("ada")
    first = run_reset(world, password=LONG)
    second = run_reset(world, password="another-shared-secret")

    run_undo(world, second)

    assert _opens(world, ada, LONG)
    assert world.credential(ada).campaign_id == first.id


def test_a_plan_is_undone_once(world: World) -> None:
    world.add_user("ada")
    plan = run_reset(world, password=LONG)
    run_undo(world, plan)

    with pytest.raises(Conflict) as refused:
        undo_plan(world.runtime, STAFF, plan.id, HOST)

    assert refused.value.code == "plan.not_undoable"


def test_a_plan_that_waits_for_a_worker_cannot_be_undone_yet(world: World) -> None:
    world.add_user("ada")
    plan = plan_reset(world, password=LONG)
    apply(world, plan)

    with pytest.raises(Conflict):
        undo_plan(world.runtime, STAFF, plan.id, HOST)


def test_previous_passwords_are_erased_when_the_window_closes(world: World) -> None:
    ada = world.add_user("ada")
    plan = run_reset(world, password=LONG)
    runner = Runner(world.runtime)
    world.advance(days=6, hours=23)
    runner.run_once()
    assert world.count(ResetMemberRow) == 1

    world.advance(hours=2)
    runner.run_once()

    assert world.count(ResetMemberRow) == 0
    with pytest.raises(Conflict) as refused:
        undo_plan(world.runtime, STAFF, plan.id, HOST)
    assert refused.value.code == "plan.undo_too_late"
    assert _opens(world, UserId(ada), LONG)


def test_the_window_is_a_week(world: World) -> None:
    world.add_user("ada")
    plan = run_reset(world, password=LONG)
    world.clock.advance(timedelta(days=7))

    with pytest.raises(Conflict):
        undo_plan(world.runtime, STAFF, plan.id, HOST)
