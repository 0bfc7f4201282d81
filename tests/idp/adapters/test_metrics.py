"""What is counted, and that its address is its own."""

import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from idp.adapters.metrics import (
    DirectoryCollector,
    ExposureCollector,
    count_event,
    count_request,
    serve_metrics,
)
from idp.clock import FakeClock
from idp.config import Address
from idp.core.events import Event, EventCode
from idp.core.exposure import DirectoryAccounts, Exposure, read_directory_accounts, read_exposure
from idp.errors import ConfigError, Unavailable
from idp.jobs.runner import Runner
from idp.store.directories import DirectoryLinkRow
from tests.support.ports import LOOPBACK, free_port
from tests.support.world import PORTAL, STAFF, World, make_world, open_world


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    """Give a running product over a fresh database; the test runs once on each kind."""
    with open_world(database_url) as opened:
        yield opened


def _value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_audit_events_are_counted_by_code(database_url: str) -> None:
    world = make_world(database_url, FakeClock())
    world.runtime.observers = (count_event,)
    before = _value("idp_events_total", realm="staff", code="user.signed_in")

    with world.begin(STAFF) as uow:
        uow.record(Event(code=EventCode.USER_SIGNED_IN, subject_id="u1"))
    world.runtime.database.close()

    assert _value("idp_events_total", realm="staff", code="user.signed_in") == before + 1


def test_runs_over_directories_are_counted_by_what_became_of_them(world: World) -> None:
    world.runtime.observers = (count_event,)
    labels = {"realm": "staff", "connector": "crm", "mode": "full", "state": "failed"}
    before = _value("idp_directory_runs_total", **labels)
    told = {"connector": "crm", "mode": "full", "reason": "away"}

    with world.begin(STAFF) as uow:
        uow.record(Event(code=EventCode.DIRECTORY_SYNC_FAILED, params=told))

    assert _value("idp_directory_runs_total", **labels) == before + 1


def test_a_method_that_nobody_knows_makes_no_label_of_its_own() -> None:
    count_request("/token", "BREW", 405, 0.01)

    labels = {"route": "/token", "method": "other", "status": "405"}
    assert _value("idp_http_request_seconds_count", **labels) >= 1


def test_metrics_have_an_address_of_their_own(tmp_path: Path) -> None:
    server = serve_metrics(Address(LOOPBACK, free_port()), tmp_path, ())
    try:
        url = f"http://{LOOPBACK}:{server.server_port}/metrics"
        with urllib.request.urlopen(url, timeout=5) as answer:
            assert answer.status == 200
    finally:
        server.shutdown()
        server.server_close()


def _gauges(world: World) -> dict[str, float]:
    collector = ExposureCollector(lambda: read_exposure(world.runtime.database))
    return {
        f"{sample.name} {sample.labels['realm']}": sample.value
        for gauge in collector.collect()
        for sample in gauge.samples
    }


def test_exposure_is_told_for_each_realm(world: World) -> None:
    world.add_user("ada", credential={"campaign_id": "some", "must_change": True})
    world.add_user("bob", credential={"campaign_id": "some"})
    world.add_user("cleo")
    world.add_user("emptied", credential={"campaign_id": "some", "hash": "!"})
    world.add_user("gone", user={"status": "inactive"}, credential={"campaign_id": "some"})
    world.add_user("pat", realm=PORTAL, credential={"campaign_id": "some"})
    world.publish_policy(
        {"enforcement": "everyone", "grace": "P7D", "rules": {"length": {"min": 20, "max": 64}}}
    )

    before = _gauges(world)
    Runner(world.runtime).run_once()
    after = _gauges(world)

    assert before == {
        "idp_accounts_on_shared_password staff": 2,
        "idp_accounts_on_shared_password portal": 1,
    }
    assert after == before | {
        "idp_password_changes_outstanding staff": 1,
        "idp_password_changes_outstanding portal": 0,
        "idp_policy_withheld staff": 2,
        "idp_policy_withheld portal": 0,
        "idp_policy_snapshot_timestamp_seconds staff": world.clock.now().timestamp(),
        "idp_policy_snapshot_timestamp_seconds portal": world.clock.now().timestamp(),
    }


def test_the_newest_snapshot_counts_and_the_shared_passwords_of_now(world: World) -> None:
    ada = world.add_user("ada", credential={"campaign_id": "some", "must_change": True})
    Runner(world.runtime).run_once()
    world.change_credential(ada, campaign_id=None, must_change=False)
    shared = _gauges(world)["idp_accounts_on_shared_password staff"]
    stale = _gauges(world)["idp_password_changes_outstanding staff"]
    world.advance(hours=2)
    Runner(world.runtime).run_once()

    assert (shared, stale) == (0, 1)
    assert _gauges(world)["idp_password_changes_outstanding staff"] == 0


def test_accounts_of_directories_are_told_by_how_they_stand(world: World) -> None:
    moment = world.clock.now()
    _link(world, "corp", 1)
    _link(world, "corp", 2, is_removed=True)
    _link(world, "corp", 3, is_disabled=True)
    _link(world, "corp", 4, is_disabled=True, gone_since=moment)
    _link(world, "corp", 5, is_disabled=True, gone_since=moment, erased_at=moment)
    _link(world, "branch", 6)

    [gauge] = DirectoryCollector(lambda: read_directory_accounts(world.runtime.database)).collect()

    assert {(s.labels["connector"], s.labels["state"]): s.value for s in gauge.samples} == {
        ("branch", "active"): 1, ("branch", "disabled"): 0, ("branch", "gone"): 0,
        ("corp", "active"): 2, ("corp", "disabled"): 1, ("corp", "gone"): 1,
    }  # fmt: skip
    assert {s.labels["realm"] for s in gauge.samples} == {"staff"}


def _link(world: World, connector: str, number: int, **standing: object) -> None:
    user_id = world.add_user(f"person{number}", user={"connector": connector})
    columns: dict[str, object] = {
        "user_id": user_id,
        "connector": connector,
        "stable_id": str(number),
        "login": f"person{number}",
        "address_hash": "0" * 64,
        "digest": "0" * 64,
        "checked_at": world.clock.now(),
    }
    with world.begin() as uow:
        uow.db.add(DirectoryLinkRow(**columns | standing))


def test_other_metrics_go_on_while_the_database_is_away() -> None:
    def read() -> list[Exposure]:
        raise Unavailable("database.unavailable", detail="away")

    def count() -> list[DirectoryAccounts]:
        raise Unavailable("database.unavailable", detail="away")

    assert list(ExposureCollector(read).collect()) == []
    assert [gauge.samples for gauge in DirectoryCollector(count).collect()] == [[]]


def test_an_address_in_use_is_told(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        address = Address(LOOPBACK, taken.getsockname()[1])
        with pytest.raises(ConfigError, match=r"server.metrics_listen: cannot listen on .* in use"):
            serve_metrics(address, tmp_path, ())
