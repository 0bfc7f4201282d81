"""People sign in while everybody is reset: how much longer it takes them (catalogue B-09)."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from idp.core.jobs import get_job
from idp.core.plans import apply_plan, create_plan
from idp.core.work import HOST
from tests.campaigns.browsers import Person
from tests.campaigns.fleet import PASSWORD, STAFF, Fleet, running_fleet
from tests.support.campaigns import copy_users
from tests.support.installation import write_installation
from tests.support.record import record
from tests.support.sizes import campaign_size, is_full_size

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(0)]
_SAMPLES = 400
_PEOPLE = 8
_MOST = 2.0
_ORDER = {
    "mode": "shared",
    "password": "kiwi over the long white cloud",
    "require_change": False,
}


@pytest.fixture
def steady(database_url: str, tmp_path: Path) -> Iterator[Fleet]:
    """Give two workers that hash as in production."""
    settings: dict[str, dict[str, object]] = {
        "server": {"workers": 2, "threads": 4},
        "hashing": {"memory_kib": 19_456, "time_cost": 2},
    }
    installation = write_installation(tmp_path, database_url=database_url, settings=settings)
    with running_fleet(installation) as running:
        yield running


def test_a_sign_in_takes_hardly_longer_beside_a_reset(steady: Fleet) -> None:
    names = [steady.add_person() for _ in range(_PEOPLE)]
    size = campaign_size(100_000)
    people = copy_users(steady.runtime, STAFF, steady.user_id, size)
    order = {**_ORDER, "select": {"user_ids": people}}
    calm = _sign_in_times(steady, names, campaign_size(_SAMPLES))

    began = time.perf_counter()
    plan = create_plan(steady.runtime, STAFF, "password.reset", order, HOST)
    job_id = apply_plan(steady.runtime, STAFF, plan.id, plan.fingerprint, HOST)
    accepted = time.perf_counter() - began
    over, took = threading.Event(), [0.0]

    def watch() -> None:
        while not over.is_set():
            with steady.runtime.begin(STAFF, write=False) as uow:
                if get_job(uow, job_id).state == "done":
                    took[0] = time.perf_counter() - began
                    over.set()
            over.wait(0.2)

    watcher = threading.Thread(target=watch)
    watcher.start()
    busy: list[float] = []
    while not over.is_set():
        busy += _sign_in_times(steady, names, _PEOPLE)
    watcher.join()

    ratio = _p99(busy) / _p99(calm)
    kind = "PostgreSQL" if "postgresql" in steady.installation.config.read_text() else "SQLite"
    record(
        f"reset of {size} users on {kind} beside sign-ins: accepted in {accepted:.1f} s, done in "
        f"{took[0]:.1f} s; sign-in p99 {_p99(calm) * 1000:.0f} ms before, "
        f"{_p99(busy) * 1000:.0f} ms meanwhile ({len(busy)} sign-ins): {ratio:.2f} times"
    )
    assert busy
    assert not is_full_size() or ratio <= _MOST


def _sign_in_times(fleet: Fleet, names: list[str], count: int) -> list[float]:
    """Sign people in one after the other, at about a third of what one core can do; seconds."""
    times = []
    for number in range(count):
        person = Person(fleet.installation.port)
        person.look()
        began = time.perf_counter()
        status, _ = person.sign_in(names[number % len(names)], PASSWORD)
        times.append(time.perf_counter() - began)
        assert status == 303
        person.close()
        threading.Event().wait(times[-1] * 2)  # a load of a third, not a pause for something
    return times


def _p99(times: list[float]) -> float:
    ordered = sorted(times)
    return ordered[int(len(ordered) * 0.99)] if len(ordered) > 1 else ordered[0]
