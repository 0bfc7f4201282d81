"""Undoing a bulk reset: everybody who did not move on gets back what they had, nobody else."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from idp.core import reset_batches
from idp.core.jobs import Job, cancel_job, resume_job
from idp.core.passwords import SetBy, Setting, set_password
from idp.core.plans import PlanView, undo_plan
from idp.core.sessions import find_signed_in
from idp.core.work import HOST
from idp.errors import Conflict
from idp.ids import UserId
from idp.jobs.runner import Runner
from idp.store.plans import PlanRow
from idp.store.resets import ResetMemberRow
from idp.store.users import CredentialRow, PasswordHistoryRow
from tests.support.campaigns import apply, job, plan_reset, run_reset, run_undo, targets, view
from tests.support.world import PASSWORD, STAFF, World

LONG = "kereru-over-the-harbour"


@pytest.fixture(name="one_by_one")
def _one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every batch be one user."""
    monkeypatch.setattr(reset_batches, "BATCH", 1)


def _opens(world: World, user_id: str, password: str) -> bool:
    return world.runtime.hasher.verify(world.credential(user_id).hash, password)


def _use_password(world: World, user_id: str) -> None:
    world.change_credential(user_id, used_at=world.clock.now())


def _cancelled_half_way(world: World) -> tuple[PlanView, str]:
    for name in ("ada", "bob"):
        world.add_user(name)
    plan = plan_reset(world, password=LONG)
    job_id = apply(world, plan)
    _run_one_batch(world, job_id)
    assert view(world, plan).state == "cancelled"
    return plan, job_id


def _run_one_batch(world: World, job_id: str) -> None:
    """Run a job and cancel it after its first batch."""

    def cancel(done: Job) -> None:
        if done.state == "running":
            with world.begin() as uow:
                cancel_job(uow, job_id)

    Runner(world.runtime).run_job(job_id, cancel)


def _resume(world: World, job_id: str) -> str:
    """Let a cancelled job go on, and return how it ended."""
    with world.begin() as uow:
        resume_job(uow, job_id)
    Runner(world.runtime).run_job(job_id)
    return job(world, job_id).state


def _keeps_secret(world: World, plan: PlanView) -> bool:
    with world.begin(write=False) as uow:
        return uow.db.get_one(PlanRow, (STAFF, plan.id)).secret is not None


def test_undo_gives_back_the_password_and_where_it_stood(world: World) -> None:
    blocked = {"failures": 100, "blocked_at": world.clock.now()}
    ada = world.add_user("ada", credential={"must_change": True, "judged_under": 0, **blocked})
    before = world.credential(ada)
    plan = run_reset(world, password=LONG)
    world.advance(hours=1)

    job = run_undo(world, plan)

    assert job.state == "done"
    after = world.credential(ada)
    names = ["hash", "set_at", "set_by", "judged_under", "must_change", "temporary_until"]
    names.append("blocked_at")
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


def test_undo_of_what_was_asked_ends_sessions_but_no_reset_link(world: World) -> None:
    ada = world.add_user("ada")
    plan = run_reset(world, "require_change", end_sessions=False)
    _, between = world.begin_session(ada)

    run_undo(world, plan)

    with world.begin(write=False) as uow:
        assert find_signed_in(uow, between) is None
    user = world.user(ada)
    assert (user.epoch, user.credential_epoch, user.credential_generation) == (2, 1, 1)
    assert user.epoch_cause == "bulk_reset_undone"


def test_guesses_at_the_password_that_was_given_out_block_it_alone(world: World) -> None:
    ada = world.add_user("ada")
    plan = run_reset(world, password=LONG)
    world.change_credential(ada, failures=100, blocked_at=world.clock.now())

    run_undo(world, plan)

    restored = world.credential(ada)
    assert (restored.failures, restored.blocked_at) == (0, None)


@pytest.mark.usefixtures("one_by_one")
def test_the_plan_says_how_far_its_undo_got(world: World) -> None:
    for name in ("ada", "bob"):
        world.add_user(name)
    plan = run_reset(world, password=LONG)

    job_id = undo_plan(world.runtime, STAFF, plan.id, HOST)
    seen: list[str] = []
    Runner(world.runtime).run_job(job_id, lambda _: seen.append(view(world, plan).state))

    assert seen[0] == "undoing"
    assert view(world, plan).state == "undone"


@pytest.mark.usefixtures("one_by_one")
def test_an_undo_that_was_cancelled_can_be_asked_for_again(world: World) -> None:
    people = sorted(world.add_user(name) for name in ("ada", "bob", "cleo"))
    plan = run_reset(world, password=LONG)
    first = undo_plan(world.runtime, STAFF, plan.id, HOST)
    _run_one_batch(world, first)
    assert view(world, plan).state == "cancelled"
    assert [_opens(world, user_id, PASSWORD) for user_id in people] == [True, False, False]

    run_undo(world, plan)
    assert view(world, plan).state == "undone"
    assert all(_opens(world, user_id, PASSWORD) for user_id in people)

    assert _resume(world, first) == "failed"
    assert world.event_codes().count("reset.undone") == 1


@pytest.mark.usefixtures("one_by_one")
def test_a_reset_that_is_being_undone_does_not_go_on(world: World) -> None:
    plan, job_id = _cancelled_half_way(world)
    undo_plan(world.runtime, STAFF, plan.id, HOST)

    assert _resume(world, job_id) == "failed"
    assert view(world, plan).state == "undoing"


@pytest.mark.usefixtures("one_by_one")
def test_the_shared_password_of_a_cancelled_reset_is_erased_when_the_window_closes(
    world: World,
) -> None:
    plan, job_id = _cancelled_half_way(world)
    runner = Runner(world.runtime)
    world.advance(days=6, hours=23)
    runner.run_once()
    assert _keeps_secret(world, plan)

    world.advance(hours=2)
    runner.run_once()

    assert not _keeps_secret(world, plan)
    assert _resume(world, job_id) == "failed"


@pytest.mark.usefixtures("one_by_one")
def test_the_shared_password_of_an_undone_reset_is_erased_too(world: World) -> None:
    plan, _ = _cancelled_half_way(world)
    run_undo(world, plan)

    world.advance(days=7, hours=2)
    Runner(world.runtime).run_once()

    assert not _keeps_secret(world, plan)


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
