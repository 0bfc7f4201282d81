"""A worker as a process has it: runs until told to stop, dies by kill -9, survives trouble."""

import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from idp.clock import FakeClock, SystemClock
from idp.core.jobs import JobState
from idp.core.work import Message
from idp.jobs.runner import Runner
from idp.store.audit import AuditEventRow
from idp.store.queues import Lease, release_leases, take_messages
from idp.store.users import UserRow
from tests.support import campaigns
from tests.support.killing import WorkerDied, dying_at_commit
from tests.support.servers import clean_environment
from tests.support.sizes import campaign_size
from tests.support.waiting import wait_until
from tests.support.world import World, make_world

LONG = "kereru-over-the-harbour"
_WORKER = """
import sys
from idp.clock import SystemClock
from idp.core import reset_batches
from idp.jobs.runner import Runner
from tests.support.world import make_runtime

reset_batches.BATCH = 20
runtime = make_runtime(sys.argv[1], SystemClock())
Runner(runtime).run_job(sys.argv[2], lambda job: print(job.done, flush=True))
"""


def test_a_worker_runs_until_it_is_told_to_stop(world: World) -> None:
    world.add_user("ada")
    plan = campaigns.plan_reset(world, "link")
    job_id = campaigns.apply(world, plan)
    stop = threading.Event()
    worker = threading.Thread(target=Runner(world.runtime).run_forever, args=(stop,))
    worker.start()
    try:
        wait_until(
            lambda: (
                campaigns.job(world, job_id).state is JobState.DONE and bool(world.mail.messages)
            ),
            what="the job and its mail",
        )
    finally:
        stop.set()
        worker.join(20)
    assert not worker.is_alive()


def test_two_workers_share_the_work_and_double_nothing(world: World) -> None:
    campaigns.add_users(world, 30)
    job_id = campaigns.apply(world, campaigns.plan_reset(world, "link"))
    workers = [threading.Thread(target=Runner(world.runtime).run_once) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    Runner(world.runtime).run_job(job_id)
    Runner(world.runtime).run_once()

    addresses = sorted(str(message["To"]) for message in world.mail.messages)
    assert len(addresses) == 30
    assert len(set(addresses)) == 30


def test_a_job_that_another_worker_has_is_followed_to_its_end(world: World) -> None:
    campaigns.add_users(world, 30)
    job_id = campaigns.apply(world, campaigns.plan_reset(world, password=LONG))
    worker = threading.Thread(target=Runner(world.runtime).run_job, args=(job_id,))
    worker.start()

    Runner(world.runtime).run_job(job_id)

    assert campaigns.job(world, job_id).state is JobState.DONE
    worker.join(20)


def test_the_heir_of_a_dead_worker_goes_on_at_once_and_takes_from_nobody_else(
    world: World,
) -> None:
    campaigns.add_users(world, 3)
    dead, living = (Runner(world.runtime, name=name) for name in ("dead", "living"))
    held = [campaigns.apply(world, campaigns.plan_reset(world, "link")) for _ in range(2)]
    for runner, job_id in zip((dead, living), held, strict=True):
        with dying_at_commit(world.runtime.database.engine, 4), pytest.raises(WorkerDied):
            runner.run_job(job_id)
    others = Runner(world.runtime, name="another")

    others.run_once()
    waiting = [campaigns.job(world, job_id).state for job_id in held]
    Runner(world.runtime, name="heir", heir_of="dead").run_once()

    assert waiting == [JobState.RUNNING, JobState.RUNNING]
    assert campaigns.job(world, held[0]).state is JobState.DONE
    assert campaigns.job(world, held[1]).state is JobState.RUNNING
    assert campaigns.job(world, held[0]).done == 3


def test_the_heir_of_a_dead_worker_sends_what_it_held(world: World) -> None:
    world.add_user("ada")
    with world.begin() as uow:
        uow.enqueue(
            Message(kind="mail", payload={"to": "a@b.example", "template": "x", "context": {}})
        )
    lease = Lease("dead", world.clock.now(), world.clock.now() + timedelta(minutes=1))
    taken = take_messages(world.runtime.database, lease, ["mail"], limit=9)

    release_leases(world.runtime.database, "living")
    others = take_messages(world.runtime.database, lease, ["mail"], limit=9)
    release_leases(world.runtime.database, "dead")
    again = take_messages(world.runtime.database, lease, ["mail"], limit=9)

    assert others == []
    assert [message.id for message in again] == [message.id for message in taken]


def test_an_unknown_job_is_nothing_to_do(world: World) -> None:
    Runner(world.runtime).run_job("nothing")


def test_a_worker_outlives_a_database_that_is_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add_user("ada")
    job_id = campaigns.apply(world, campaigns.plan_reset(world, "require_change"))
    engine = world.runtime.database.engine
    tried = threading.Event()
    is_away = threading.Event()
    is_away.set()

    def refuse(*_: object) -> None:
        if is_away.is_set():
            tried.set()
            raise sa.exc.OperationalError("connect", {}, OSError("nobody there"))

    sa.event.listen(engine, "begin", refuse)
    stop = threading.Event()
    worker = threading.Thread(target=Runner(world.runtime).run_forever, args=(stop,))
    worker.start()
    try:
        assert tried.wait(10)
        is_away.clear()
        wait_until(lambda: campaigns.job(world, job_id).state is JobState.DONE, what="the job")
    finally:
        stop.set()
        worker.join(20)
        sa.event.remove(engine, "begin", refuse)


@pytest.mark.campaign
def test_kill_minus_nine_in_the_middle_of_a_reset(database_url: str, tmp_path: Path) -> None:
    clock = FakeClock(SystemClock().now() - timedelta(hours=1))
    world = make_world(database_url, clock)
    size = campaign_size(20_000)
    campaigns.add_users(world, size)
    job_id = campaigns.apply(world, campaigns.plan_reset(world, password=LONG))
    worker = _start_worker(database_url, job_id, tmp_path)
    assert worker.stdout is not None
    reached = [worker.stdout.readline() for _ in range(2)]
    worker.kill()
    worker.wait(20)
    worker.stdout.close()

    assert reached == ["20\n", "40\n"]
    clock.advance(timedelta(hours=2))
    Runner(world.runtime).run_job(job_id)

    assert campaigns.job(world, job_id).done == size
    with world.begin(write=False) as uow:
        epochs = list(uow.db.scalars(sa.select(UserRow.epoch)))
        query = sa.select(AuditEventRow.subject_id).where(AuditEventRow.code == "reset.user_reset")
        subjects = list(uow.db.scalars(query))
    assert epochs == [2] * size
    assert len(subjects) == len(set(subjects)) == size
    world.runtime.database.close()


def _start_worker(database_url: str, job_id: str, folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", _WORKER, database_url, job_id],
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=clean_environment(),
    )
