"""Jobs as people see them: paused, resumed, cancelled at a clear boundary, retried (B-10)."""

import pytest
import sqlalchemy as sa

from idp.core import reset_batches
from idp.core.job_leases import LEASE, MAX_ATTEMPTS, hold_job, note_failure, release_job
from idp.core.jobs import Job, JobState, cancel_job, list_jobs, pause_job, resume_job
from idp.core.plans import PlanView, undo_plan
from idp.core.work import HOST, Actor
from idp.errors import Conflict, NotFound
from idp.jobs.runner import Runner
from idp.store.jobs import JobRow
from idp.store.queues import Lease, take_job
from idp.store.users import CredentialRow
from tests.support import campaigns
from tests.support.killing import WorkerDied, dying_at_commit
from tests.support.world import STAFF, World

USERS = 9
LONG = "kereru-over-the-harbour"


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a reset of nine users take four batches."""
    monkeypatch.setattr(reset_batches, "BATCH", 3)


def _begin(world: World) -> tuple[PlanView, str]:
    campaigns.add_users(world, USERS)
    plan = campaigns.plan_reset(world, password=LONG)
    return plan, campaigns.apply(world, plan)


def _count_reset(world: World) -> int:
    with world.begin(write=False) as uow:
        query = sa.select(CredentialRow).where(CredentialRow.set_by == "bulk")
        return len(list(uow.db.scalars(query)))


def _pause_after_first_batch(world: World, job_id: str) -> None:
    asked: list[str] = []

    def pause(job: Job) -> None:
        if not asked:
            asked.append(job.id)
            with world.begin() as uow:
                pause_job(uow, job.id)

    Runner(world.runtime).run_job(job_id, pause)


def test_a_paused_job_goes_on_where_it_stopped(world: World) -> None:
    _, job_id = _begin(world)

    _pause_after_first_batch(world, job_id)

    assert campaigns.job(world, job_id).state is JobState.PAUSED
    assert _count_reset(world) == 3
    Runner(world.runtime).run_once()
    assert _count_reset(world) == 3

    with world.begin() as uow:
        resume_job(uow, job_id)
    Runner(world.runtime).run_once()
    job = campaigns.job(world, job_id)
    assert (job.state, job.done, _count_reset(world)) == (JobState.DONE, USERS, USERS)


def test_a_cancelled_reset_leaves_a_clear_boundary_and_can_be_undone(world: World) -> None:
    plan, job_id = _begin(world)
    _pause_after_first_batch(world, job_id)

    with world.begin() as uow:
        cancel_job(uow, job_id)
    Runner(world.runtime).run_job(job_id)

    job = campaigns.job(world, job_id)
    assert (job.state, job.done, job.total) == (JobState.CANCELLED, 3, USERS)
    assert campaigns.view(world, plan).state == "cancelled"
    outcomes = [target.outcome for target in campaigns.targets(world, plan).values()]
    assert (outcomes.count("done"), outcomes.count(None)) == (3, USERS - 3)
    [event] = [event for event in world.events() if event.code == "reset.cancelled"]
    assert (event.params["looked_at"], event.params["planned"]) == (3, USERS)

    undo_job = undo_plan(world.runtime, STAFF, plan.id, HOST)
    Runner(world.runtime).run_job(undo_job)
    assert _count_reset(world) == 0


def test_a_cancelled_reset_can_be_taken_up_again(world: World) -> None:
    plan, job_id = _begin(world)
    _pause_after_first_batch(world, job_id)
    with world.begin() as uow:
        cancel_job(uow, job_id)
    Runner(world.runtime).run_once()

    with world.begin() as uow:
        resume_job(uow, job_id)
    Runner(world.runtime).run_once()

    assert campaigns.job(world, job_id).state is JobState.DONE
    assert campaigns.view(world, plan).state == "applied"
    assert _count_reset(world) == USERS


def test_a_cancelled_and_undone_reset_cannot_be_taken_up_again(world: World) -> None:
    plan, job_id = _begin(world)
    _pause_after_first_batch(world, job_id)
    with world.begin() as uow:
        cancel_job(uow, job_id)
    Runner(world.runtime).run_once()
    undo_plan(world.runtime, STAFF, plan.id, HOST)
    Runner(world.runtime).run_once()

    with world.begin() as uow:
        resume_job(uow, job_id)
    Runner(world.runtime).run_once()

    job = campaigns.job(world, job_id)
    assert job.state is JobState.FAILED
    assert "plan.not_applicable" in job.errors[0]
    assert _count_reset(world) == 0


def test_a_job_cancelled_before_it_began_does_nothing(world: World) -> None:
    plan, job_id = _begin(world)
    with world.begin() as uow:
        cancel_job(uow, job_id)

    Runner(world.runtime).run_once()

    assert _count_reset(world) == 0
    assert campaigns.view(world, plan).state == "cancelled"
    with pytest.raises(Conflict):
        undo_plan(world.runtime, STAFF, plan.id, HOST)


def test_an_ended_job_takes_no_requests(world: World) -> None:
    _, job_id = _begin(world)
    Runner(world.runtime).run_once()

    for ask in (pause_job, cancel_job, resume_job):
        with world.begin() as uow, pytest.raises(Conflict):
            ask(uow, job_id)
    with world.begin() as uow, pytest.raises(NotFound):
        pause_job(uow, "nothing")


def test_a_request_can_be_taken_back(world: World) -> None:
    _, job_id = _begin(world)
    with world.begin() as uow:
        cancel_job(uow, job_id)
        resume_job(uow, job_id)

    Runner(world.runtime).run_once()

    assert campaigns.job(world, job_id).state is JobState.DONE


def test_a_job_acts_in_the_name_of_who_asked(world: World) -> None:
    boss = world.add_user("boss")
    campaigns.add_users(world, 2)
    plan = campaigns.plan_reset(world, "require_change", actor=Actor("user", boss))
    job_id = campaigns.apply(world, plan, actor=Actor("user", boss))

    assert campaigns.job(world, job_id).actor == Actor("user", boss)
    assert campaigns.job(world, job_id).author_id == boss


def test_nobody_takes_a_job_that_a_worker_holds(world: World) -> None:
    _, job_id = _begin(world)
    with pytest.raises(WorkerDied), dying_at_commit(world.runtime.database.engine, 5):
        Runner(world.runtime).run_job(job_id)
    now = world.clock.now()

    assert (
        take_job(world.runtime.database, Lease("b", now, now + LEASE), ["password.reset"]) is None
    )
    world.clock.advance(LEASE)
    now = world.clock.now()
    taken = take_job(world.runtime.database, Lease("b", now, now + LEASE), ["password.reset"])

    assert taken == (STAFF, job_id)


def test_a_worker_that_overslept_its_lease_writes_nothing(world: World) -> None:
    _, job_id = _begin(world)
    now = world.clock.now()
    take_job(world.runtime.database, Lease("slow", now, now + LEASE), ["password.reset"])
    world.clock.advance(LEASE)
    Runner(world.runtime).run_job(job_id)

    with world.begin() as uow:
        assert hold_job(uow, job_id, "slow") is None
    assert campaigns.job(world, job_id).state is JobState.DONE


def test_a_job_whose_worker_dies_each_time_is_given_up(world: World) -> None:
    _, job_id = _begin(world)
    for _ in range(MAX_ATTEMPTS):
        with pytest.raises(WorkerDied), dying_at_commit(world.runtime.database.engine, 4):
            Runner(world.runtime).run_job(job_id)
        world.clock.advance(LEASE)

    Runner(world.runtime).run_job(job_id)

    job = campaigns.job(world, job_id)
    assert job.state is JobState.FAILED
    assert job.errors == ("gave up: a worker died each time",)
    assert _count_reset(world) == 0


def test_a_failed_job_can_be_cancelled_so_that_it_can_be_undone(world: World) -> None:
    plan, job_id = _begin(world)
    _pause_after_first_batch(world, job_id)
    with world.begin() as uow:
        uow.db.execute(sa.update(JobRow).where(JobRow.id == job_id).values(state="failed"))
        cancel_job(uow, job_id)

    Runner(world.runtime).run_job(job_id)

    assert campaigns.view(world, plan).state == "cancelled"


def test_an_error_in_a_batch_is_told_and_tried_again_later(world: World) -> None:
    plan, job_id = _begin(world)
    with world.begin() as uow:
        uow.db.execute(sa.update(JobRow).where(JobRow.id == job_id).values(params={}))

    Runner(world.runtime).run_job(job_id)

    job = campaigns.job(world, job_id)
    assert job.state is JobState.QUEUED
    assert job.errors == ("KeyError",)
    assert job.available_at > world.clock.now()

    with world.begin() as uow:
        params = {"plan_id": plan.id}
        uow.db.execute(sa.update(JobRow).where(JobRow.id == job_id).values(params=params))
    world.advance(minutes=1)
    Runner(world.runtime).run_once()
    assert campaigns.job(world, job_id).state is JobState.DONE


def test_jobs_are_paged(world: World) -> None:
    for mode in ("link", "require_change"):
        world.add_user(mode)
        campaigns.apply(world, campaigns.plan_reset(world, mode))

    with world.begin(write=False) as uow:
        [first] = list_jobs(uow, limit=1)
        [second] = list_jobs(uow, limit=1, before=first.id)
        assert first.id != second.id


def test_who_lost_a_job_can_neither_fail_nor_release_it(world: World) -> None:
    _, job_id = _begin(world)
    now = world.clock.now()
    take_job(world.runtime.database, Lease("new", now, now + LEASE), ["password.reset"])

    with world.begin() as uow:
        assert note_failure(uow, job_id, "old", error="late", is_final=True) is None
        release_job(uow, job_id, "old")

    assert campaigns.job(world, job_id).state is JobState.RUNNING


def test_a_released_job_is_free_at_once(world: World) -> None:
    _, job_id = _begin(world)
    now = world.clock.now()
    take_job(world.runtime.database, Lease("old", now, now + LEASE), ["password.reset"])
    with world.begin() as uow:
        release_job(uow, job_id, "old")

    Runner(world.runtime).run_job(job_id)

    assert campaigns.job(world, job_id).state is JobState.DONE


def test_an_undo_can_be_stopped_and_taken_up_again(world: World) -> None:
    plan, job_id = _begin(world)
    Runner(world.runtime).run_job(job_id)
    undo_job = undo_plan(world.runtime, STAFF, plan.id, HOST)
    _pause_after_first_batch(world, undo_job)
    with world.begin() as uow:
        cancel_job(uow, undo_job)
    Runner(world.runtime).run_job(undo_job)
    assert (_count_reset(world), campaigns.job(world, undo_job).state) == (6, "cancelled")

    with world.begin() as uow:
        resume_job(uow, undo_job)
    Runner(world.runtime).run_job(undo_job)

    assert _count_reset(world) == 0
