"""A bulk reset at size, killed again and again while people sign in (catalogue B-09)."""

import time

import pytest
import sqlalchemy as sa

from idp.clock import FakeClock
from idp.core.jobs import get_job
from idp.core.plans import apply_plan, create_plan
from idp.core.work import HOST
from idp.jobs.runner import Runner
from idp.store.audit import AuditEventRow
from idp.store.users import CredentialRow, UserRow
from tests.campaigns.fleet import STAFF, Fleet, children_of, kill
from tests.support.campaigns import copy_users
from tests.support.record import record
from tests.support.sizes import campaign_size
from tests.support.waiting import wait_until
from tests.support.world import make_world

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(0)]
_SECRET = "kiwi over the long white cloud"
_ORDER = {
    "mode": "shared",
    "password": _SECRET,
    "select": {"all": True},
    "require_change": False,
}


def test_the_job_process_is_killed_ten_times(fleet: Fleet) -> None:
    size = campaign_size(20_000)
    copy_users(fleet.runtime, STAFF, fleet.user_id, size)
    plan = create_plan(fleet.runtime, STAFF, "password.reset", _ORDER, HOST)
    job_id = apply_plan(fleet.runtime, STAFF, plan.id, plan.fingerprint, HOST)

    for _ in range(10):
        for worker in children_of(fleet.server.pid, " worker "):
            kill(worker)
        wait_until(lambda: bool(children_of(fleet.server.pid, " worker ")), what="another worker")

    wait_until(lambda: _is_done(fleet, job_id), what="the reset", seconds=600)
    _assert_each_exactly_once(fleet, size)


def _is_done(fleet: Fleet, job_id: str) -> bool:
    with fleet.runtime.begin(STAFF, write=False) as uow:
        return get_job(uow, job_id).state == "done"


def _assert_each_exactly_once(fleet: Fleet, size: int) -> None:
    with fleet.runtime.begin(STAFF, write=False) as uow:
        counters = set(
            uow.db.execute(sa.select(UserRow.epoch, UserRow.credential_generation)).tuples()
        )
        hashes = set(uow.db.scalars(sa.select(CredentialRow.hash)))
        told = sa.select(AuditEventRow.subject_id).where(AuditEventRow.code == "reset.user_reset")
        subjects = list(uow.db.scalars(told))
        ends = uow.db.scalar(
            sa.select(sa.func.count())
            .select_from(AuditEventRow)
            .where(AuditEventRow.code == "reset.applied")
        )
    assert counters == {(2, 2)}
    assert len(hashes) == 1
    assert len(subjects) == len(set(subjects)) == size
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
    record(f"bulk reset of {size} users on SQLite: {time.perf_counter() - began:.1f} s")

    with world.begin(write=False) as uow:
        assert get_job(uow, job_id).done == size
    world.runtime.database.close()
