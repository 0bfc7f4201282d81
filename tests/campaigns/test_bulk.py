"""A bulk reset at size, killed again and again while people sign in (catalogue B-09)."""

import time
from collections import Counter

import pytest
import sqlalchemy as sa

from idp.clock import FakeClock
from idp.core.jobs import Job, get_job
from idp.core.plans import apply_plan, create_plan, undo_plan
from idp.core.work import HOST
from idp.jobs.runner import Runner
from idp.store.audit import AuditEventRow
from idp.store.users import CredentialRow, UserRow
from tests.campaigns.browsers import Person
from tests.campaigns.fleet import STAFF, Fleet, children_of, kill
from tests.support.campaigns import copy_users
from tests.support.record import record
from tests.support.sizes import campaign_size, is_full_size
from tests.support.waiting import wait_until
from tests.support.world import make_world

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(0)]
_KILLS = 20
_MOVED_ON = 5
_SECONDS = 60
OK = 303
_SECRET = "kiwi over the long white cloud"
_ORDER = {
    "mode": "shared",
    "password": _SECRET,
    "select": {"all": True},
    "require_change": False,
}


def test_the_job_process_is_killed_again_and_again(fleet: Fleet) -> None:
    size = campaign_size(100_000)
    people = copy_users(fleet.runtime, STAFF, fleet.user_id, size)
    order = {**_ORDER, "select": {"user_ids": people}}
    plan = create_plan(fleet.runtime, STAFF, "password.reset", order, HOST)
    job_id = apply_plan(fleet.runtime, STAFF, plan.id, plan.fingerprint, HOST)
    kills, halfway = campaign_size(_KILLS), set[int]()

    def is_over() -> bool:
        job = _job(fleet, job_id)
        if 0 < job.done < size and len(halfway) < kills and job.done not in halfway:
            halfway.add(job.done)
            for worker in children_of(fleet.server.pid, " worker "):
                kill(worker)
        return job.state == "done"

    wait_until(is_over, what="the reset", seconds=900)

    assert halfway
    _assert_each_exactly_once(fleet, people)
    moved_on = _sign_some_in(fleet, people)
    undone = undo_plan(fleet.runtime, STAFF, plan.id, HOST)
    wait_until(lambda: _job(fleet, undone).state == "done", what="the undo", seconds=900)
    assert _left_as_reset(fleet, people) == moved_on


def _sign_some_in(fleet: Fleet, people: list[str]) -> set[str]:
    """Let a few sign in with the new password; return their ids."""
    for number in range(1, _MOVED_ON + 1):
        person = Person(fleet.installation.port)
        person.look()
        assert person.sign_in(f"user-{number}", _SECRET)[0] == OK
        person.close()
    return set(people[1 : _MOVED_ON + 1])


def _left_as_reset(fleet: Fleet, people: list[str]) -> set[str]:
    """Return who was not given back the password from before."""
    with fleet.runtime.begin(STAFF, write=False) as uow:
        query = sa.select(CredentialRow.user_id).where(
            CredentialRow.user_id.between(people[1], people[-1]), CredentialRow.set_by == "bulk"
        )
        return set(uow.db.scalars(query))


def _job(fleet: Fleet, job_id: str) -> Job:
    with fleet.runtime.begin(STAFF, write=False) as uow:
        return get_job(uow, job_id)


def _assert_each_exactly_once(fleet: Fleet, people: list[str]) -> None:
    with fleet.runtime.begin(STAFF, write=False) as uow:
        query = sa.select(UserRow.epoch, UserRow.credential_generation).where(
            UserRow.id.between(people[1], people[-1])
        )
        counters = {(row.epoch, row.credential_generation) for row in uow.db.execute(query)}
        told = sa.select(AuditEventRow.subject_id).where(AuditEventRow.code == "reset.user_reset")
        subjects = list(uow.db.scalars(told))
        ends = uow.db.scalar(
            sa.select(sa.func.count())
            .select_from(AuditEventRow)
            .where(AuditEventRow.code == "reset.applied")
        )
    assert len(counters) == 1
    assert Counter(subjects) == Counter(people)
    assert ends == 1


def test_a_hundred_thousand_users(sqlite_url: str) -> None:
    size = campaign_size(100_000)
    world = make_world(sqlite_url, FakeClock())
    first = world.add_user("ada")
    copy_users(world.runtime, STAFF, first, size)
    plan = create_plan(world.runtime, STAFF, "password.reset", _ORDER, HOST)
    job_id = apply_plan(world.runtime, STAFF, plan.id, plan.fingerprint, HOST)

    began = time.perf_counter()
    Runner(world.runtime).run_job(job_id)
    took = time.perf_counter() - began
    record(f"bulk reset of {size} users on SQLite: {took:.1f} s")
    assert not is_full_size() or took <= _SECONDS

    with world.begin(write=False) as uow:
        assert get_job(uow, job_id).done == size
    world.runtime.database.close()
