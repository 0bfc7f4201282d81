"""Counts and durations for Prometheus, added up over all worker processes.

A process counts into files under `PROMETHEUS_MULTIPROC_DIR` when its parent set that variable
(the supervisor does when `server.metrics_listen` is given), and into its own memory otherwise.
No label holds a name of a person, an address or an identifier: labels are few and known.
"""

from pathlib import Path
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from idp.config import Address
from idp.core.events import Event
from idp.core.work import UnitOfWork
from idp.errors import ConfigError

DIRECTORY_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_events = Counter("idp_events", "Audit events by code.", ["realm", "code"])
_requests = Histogram(
    "idp_http_request_seconds",
    "Time to answer requests by route.",
    ["route", "method", "status"],
    buckets=_SECONDS,
)


def count_event(uow: UnitOfWork, event: Event) -> None:
    """Count an audit event after its commit (an observer of the runtime)."""
    _events.labels(uow.realm, event.code.value).inc()


def count_request(route: str, method: str, status: int, seconds: float) -> None:
    """Count one answered request; `route` is the rule that matched, never the path itself."""
    known = method if method in _METHODS else "other"
    _requests.labels(route, known, str(status)).observe(seconds)


def forget_process(pid: int) -> None:
    """Tidy up after a worker process that ended."""
    mark_process_dead(pid)  # type: ignore[no-untyped-call]


def serve_metrics(address: Address, directory: Path) -> WSGIServer:
    """Answer `/metrics` at an address of its own with the sums over all processes.

    Raises:
        ConfigError: the address cannot be had.
    """
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(directory))  # type: ignore[no-untyped-call]
    try:
        server, _ = start_http_server(address.port, addr=address.host, registry=registry)
    except OSError as error:
        reason = f"cannot listen on {address}: {error.strerror}"
        raise ConfigError("server.metrics_listen", reason) from error
    return server
