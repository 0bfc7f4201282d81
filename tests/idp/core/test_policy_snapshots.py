"""How a realm stood from hour to hour: counted by a job in batches, due when something happens."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from idp.core import policy_snapshots
from idp.core.job_leases import Step
from idp.core.jobs import Job, get_job
from idp.core.plans import undo_plan
from idp.core.policy_outcomes import Outcome
from idp.core.policy_report import get_policy_report
from idp.core.policy_snapshots import (
    SNAPSHOT_JOB,
    PolicySnapshot,
    list_snapshots,
    take_batch,
    take_snapshot_soon,
)
from idp.core.work import HOST
from idp.jobs.runner import Runner
from idp.store.queues import recurring_job_id
from tests.support import campaigns
from tests.support.campaigns import publish
from tests.support.world import PORTAL, STAFF, World

LONG = {"enforcement": "everyone", "rules": {"length": {"min": 12, "max": 256}}}
LONGER = {"enforcement": "everyone", "rules": {"length": {"min": 20, "max": 256}}}
SHARED = "kereru-over-the-harbour"


def _run(world: World) -> None:
    Runner(world.runtime).run_once()


def _snapshots(world: World, since: datetime | None = None) -> list[PolicySnapshot]:
    with world.begin(write=False) as uow:
        return list_snapshots(uow, since=since)


def _story(world: World) -> list[tuple[int, int]]:
    return [(each.policy_version, each.have_to_change) for each in _snapshots(world)]


def _job(world: World) -> Job:
    with world.begin(write=False) as uow:
        return get_job(uow, recurring_job_id(STAFF, SNAPSHOT_JOB))


def test_a_snapshot_is_what_the_report_says(world: World) -> None:
    now = world.clock.now()
    world.add_user("fine", credential={"judged_under": 2})
    world.add_user("stale")
    world.add_user("shared", credential={"campaign_id": "some", "must_change": True})
    world.add_user("none", password=None)
    world.add_user("gone", user={"status": "inactive"})
    world.add_user("pat", realm=PORTAL)
    world.publish_policy(LONG)

    _run(world)

    with world.begin(write=False) as uow:
        report = get_policy_report(uow)
    [taken] = _snapshots(world)
    assert (taken.at, taken.policy_version) == (now, 2)
    assert taken.outcomes == report.outcomes
    assert taken.active_users == report.active_users == sum(taken.outcomes.values()) == 4
    assert taken.have_to_change == report.have_to_change == 2
    assert taken.accounts_on_shared_password == report.accounts_on_shared_password == 1


def test_what_is_withheld_is_in_the_snapshot(world: World) -> None:
    world.add_user("ada")
    world.publish_policy({**LONG, "grace": "P1D"})

    _run(world)

    [taken] = _snapshots(world)
    assert (taken.withheld, taken.have_to_change) == (1, 0)
    assert taken.outcomes[Outcome.WITHHELD] == 1


def test_one_is_taken_each_hour(world: World) -> None:
    world.add_user("ada")
    for _ in range(3):
        _run(world)
        _run(world)
        world.advance(minutes=61)

    moments = [each.at for each in _snapshots(world)]

    assert len(moments) == 3
    assert _snapshots(world, since=moments[1])[0].at == moments[1]


def test_a_publication_a_reset_and_its_undo_are_seen_at_once(world: World) -> None:
    world.add_user("ada", credential={"judged_under": 1})
    _run(world)
    world.advance(minutes=1)
    publish(world, LONG, accept_conflicts=True)
    _run(world)
    world.advance(minutes=1)
    publish(world, {**LONG, "enforcement": "noncompliant"}, accept_conflicts=True)
    _run(world)
    world.advance(minutes=1)
    plan = campaigns.run_reset(world, password=SHARED)
    _run(world)
    world.advance(minutes=1)
    undo_plan(world.runtime, STAFF, plan.id, HOST)
    _run(world)

    shared = [each.accounts_on_shared_password for each in _snapshots(world)]
    assert _story(world) == [(1, 0), (2, 1), (3, 0), (3, 1), (3, 0)]
    assert shared == [0, 0, 0, 1, 0]


def test_a_second_count_in_one_moment_takes_the_place_of_the_first(world: World) -> None:
    world.add_user("ada")
    _run(world)
    publish(world, LONG, accept_conflicts=True)
    _run(world)

    assert _story(world) == [(2, 1)]


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy_snapshots, "BATCH", 3)


def _step(world: World, cursor: str | None) -> Step:
    with world.begin() as uow:
        job = get_job(uow, recurring_job_id(STAFF, SNAPSHOT_JOB))
        return take_batch(uow, replace(job, cursor=cursor))


@pytest.mark.usefixtures("_small")
def test_a_count_goes_on_where_it_stopped(world: World) -> None:
    campaigns.add_users(world, 7)
    _run(world)
    world.advance(minutes=30)

    first = _step(world, None)
    second = _step(world, first.cursor)
    third = _step(world, second.cursor)

    assert [step.done for step in (first, second, third)] == [3, 3, 1]
    assert (first.is_last, second.is_last, third.is_last) == (False, False, True)
    assert first.cursor is not None
    assert len(first.cursor) < 256
    assert _snapshots(world)[-1].active_users == 7


@pytest.mark.usefixtures("_small")
def test_a_count_begins_again_when_another_policy_is_in_force(world: World) -> None:
    campaigns.add_users(world, 7)
    _run(world)
    world.advance(minutes=30)
    first = _step(world, None)
    world.publish_policy(LONG)

    cursor: str | None = first.cursor
    steps = 0
    while cursor is not None:
        step = _step(world, cursor)
        cursor, steps = step.cursor, steps + 1

    assert steps == 3
    last = _snapshots(world)[-1]
    assert (last.policy_version, last.active_users, last.have_to_change) == (2, 7, 7)


def test_what_happens_during_a_count_makes_it_begin_again(world: World) -> None:
    _run(world)
    assert _job(world).available_at == world.clock.now() + timedelta(hours=1)
    with world.begin() as uow:
        take_snapshot_soon(uow)

    job = _job(world)

    assert (job.available_at, job.cursor) == (world.clock.now(), None)


def test_snapshots_are_paged(world: World) -> None:
    for _ in range(5):
        _run(world)
        world.advance(hours=1)

    with world.begin(write=False) as uow:
        first = list_snapshots(uow, limit=2)
        rest = list_snapshots(uow, after=first[-1].at)

    moments = [each.at for each in first + rest]
    assert moments == sorted(set(moments))
    assert len(moments) == 5
