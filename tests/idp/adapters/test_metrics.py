"""What is counted, and that its address is its own."""

import socket
import urllib.request
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from idp.adapters.metrics import count_event, count_request, serve_metrics
from idp.clock import FakeClock
from idp.config import Address
from idp.core.events import Event, EventCode
from idp.errors import ConfigError
from tests.support.ports import LOOPBACK, free_port
from tests.support.world import STAFF, make_world


def _value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_audit_events_are_counted_by_code(sqlite_url: str) -> None:
    world = make_world(sqlite_url, FakeClock())
    world.runtime.observers = (count_event,)
    before = _value("idp_events_total", realm="staff", code="user.signed_in")

    with world.begin(STAFF) as uow:
        uow.record(Event(code=EventCode.USER_SIGNED_IN, subject_id="u1"))
    world.runtime.database.close()

    assert _value("idp_events_total", realm="staff", code="user.signed_in") == before + 1


def test_a_method_that_nobody_knows_makes_no_label_of_its_own() -> None:
    count_request("/token", "BREW", 405, 0.01)

    labels = {"route": "/token", "method": "other", "status": "405"}
    assert _value("idp_http_request_seconds_count", **labels) >= 1


def test_metrics_have_an_address_of_their_own(tmp_path: Path) -> None:
    server = serve_metrics(Address(LOOPBACK, free_port()), tmp_path)
    try:
        url = f"http://{LOOPBACK}:{server.server_port}/metrics"
        with urllib.request.urlopen(url, timeout=5) as answer:
            assert answer.status == 200
    finally:
        server.shutdown()
        server.server_close()


def test_an_address_in_use_is_told(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        address = Address(LOOPBACK, taken.getsockname()[1])
        with pytest.raises(ConfigError, match=r"server.metrics_listen: cannot listen on .* in use"):
            serve_metrics(address, tmp_path)
