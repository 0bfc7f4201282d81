"""Counts and durations for Prometheus, added up over all worker processes.

A process counts into files under `PROMETHEUS_MULTIPROC_DIR` when its parent set that variable
(the supervisor does when `server.metrics_listen` is given), and into its own memory otherwise.
No label holds a name of a person, an address or an identifier: labels are few and known.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TypeVar
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from idp.config import Address
from idp.core.events import Event, EventCode
from idp.core.exposure import DirectoryAccounts, Exposure
from idp.core.work import UnitOfWork
from idp.errors import ConfigError, IdpError

_T = TypeVar("_T")
DIRECTORY_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_events = Counter("idp_events", "Audit events by code.", ["realm", "code"])
_runs = Counter(
    "idp_directory_runs",
    "Runs over directories that changed something, were held or failed.",
    ["realm", "connector", "mode", "state"],
)
_RUN_STATES = {
    EventCode.DIRECTORY_SYNCED: "applied",
    EventCode.DIRECTORY_SYNC_HELD: "held",
    EventCode.DIRECTORY_SYNC_FAILED: "failed",
}
_requests = Histogram(
    "idp_http_request_seconds",
    "Time to answer requests by route.",
    ["route", "method", "status"],
    buckets=_SECONDS,
)


def _seconds(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()


_Value = Callable[[Exposure], float | None]
_GAUGES: tuple[tuple[str, str, _Value], ...] = (
    (
        "idp_accounts_on_shared_password",
        "Active users whose password is still the shared one of a bulk reset.",
        lambda exposure: exposure.accounts_on_shared_password,
    ),
    (
        "idp_password_changes_outstanding",
        "Active users who get no token before their password is another one, at the snapshot.",
        lambda exposure: exposure.have_to_change,
    ),
    (
        "idp_policy_withheld",
        "Active users whom the policy does not ask yet (observe, grace, waves), at the snapshot.",
        lambda exposure: exposure.withheld,
    ),
    (
        "idp_policy_snapshot_timestamp_seconds",
        "When the snapshot was taken, in seconds since 1970.",
        lambda exposure: _seconds(exposure.snapshot_at),
    ),
)

_log = logging.getLogger(__name__)


def count_event(uow: UnitOfWork, event: Event) -> None:
    """Count an audit event after its commit (an observer of the runtime)."""
    _events.labels(uow.realm, event.code.value).inc()
    state = _RUN_STATES.get(event.code)
    if state is not None:
        told = (str(event.params[name]) for name in ("connector", "mode"))
        _runs.labels(uow.realm, *told, state).inc()


def count_request(route: str, method: str, status: int, seconds: float) -> None:
    """Count one answered request; `route` is the rule that matched, never the path itself."""
    known = method if method in _METHODS else "other"
    _requests.labels(route, known, str(status)).observe(seconds)


def forget_process(pid: int) -> None:
    """Tidy up after a worker process that ended."""
    mark_process_dead(pid)  # type: ignore[no-untyped-call]


class ExposureCollector:
    """Gauges of how far each realm is, read from the database whenever somebody asks.

    They are absent while the database is away, and of a realm before its first snapshot.
    """

    def __init__(self, read: Callable[[], Iterable[Exposure]]) -> None:
        self._read = read

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield each gauge with a value for each realm."""
        found = _read_now(self._read)
        if found is None:
            return
        for name, text, value in _GAUGES:
            gauge = GaugeMetricFamily(name, text, labels=["realm"])
            for exposure in found:
                told = value(exposure)
                if told is not None:
                    gauge.add_metric([exposure.realm], told)
            yield gauge


class DirectoryCollector:
    """A gauge of the accounts of directories, read from the database whenever somebody asks.

    It is absent while the database is away, and of a directory before its first account.
    """

    def __init__(self, read: Callable[[], Iterable[DirectoryAccounts]]) -> None:
        self._read = read

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauge with a value for each directory and state."""
        gauge = GaugeMetricFamily(
            "idp_directory_accounts",
            "Accounts of directories by how they stand there.",
            labels=["realm", "connector", "state"],
        )
        for one in _read_now(self._read) or ():
            for state, count in one.by_state.items():
                gauge.add_metric([one.realm, one.connector, state], count)
        yield gauge


def _read_now(read: Callable[[], Iterable[_T]]) -> list[_T] | None:
    """Return what is read, or None while the database is away."""
    try:
        return list(read())
    except IdpError as error:
        _log.warning("no exposure to tell: %s %s", error.code, error.detail or "")
        return None


def serve_metrics(address: Address, directory: Path, collectors: Iterable[Collector]) -> WSGIServer:
    """Answer `/metrics` at an address of its own with the sums over all processes.

    Args:
        directory: where the processes count.
        collectors: what is told beside that.

    Raises:
        ConfigError: the address cannot be had.
    """
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(directory))  # type: ignore[no-untyped-call]
    for collector in collectors:
        registry.register(collector)
    try:
        server, _ = start_http_server(address.port, addr=address.host, registry=registry)
    except OSError as error:
        reason = f"cannot listen on {address}: {error.strerror}"
        raise ConfigError("server.metrics_listen", reason) from error
    return server
