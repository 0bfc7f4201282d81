"""gunicorn as this product runs it: processes of threads, each with an accept queue of its own.

The master holds one listening socket for each worker (`SO_REUSEPORT`, so the kernel spreads
connections evenly) and a worker takes the socket of its slot. A worker that ends, is killed or is
replaced on a reload leaves its queue to its successor: no connection that waits is lost.
"""

import math
import os
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import structlog
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.arbiter import Arbiter  # type: ignore[import-untyped]
from gunicorn.errors import HaltServer  # type: ignore[import-untyped]
from gunicorn.http import wsgi  # type: ignore[import-untyped]
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from idp.adapters.client_sockets import ClientSocket
from idp.adapters.listeners import GRACE, open_listeners
from idp.adapters.logs import start_log
from idp.adapters.metrics import DIRECTORY_VARIABLE, forget_process
from idp.adapters.weblog import WebLog
from idp.config import Config
from idp.errors import IdpError

_KEEP_ALIVE_S = 75  # longer than a proxy keeps its side, so that only the proxy closes
_HUNG_AFTER_S = 60
_MAX_LINE = 8190
_MAX_FIELDS = 64
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - gunicorn's heartbeat file, made safely by it

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
_log = structlog.get_logger("idp.web")


def run_webserver(
    load: Callable[[], Config], create: Callable[[Config], Application], *, parent: int | None
) -> None:
    """Answer HTTP until SIGTERM; SIGHUP loads the configuration anew and replaces the workers.

    Args:
        load: gives the configuration, at the start and for each reload.
        create: makes the application, in each worker process.
        parent: the process whose end ends this one too.

    Raises:
        ConfigError: the address cannot be had.
    """
    wsgi.Response.default_headers = _headers_without_server
    _Server(load, create, parent).run()


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """The settings of gunicorn, taken from the configuration, and the application."""

    def __init__(
        self,
        load: Callable[[], Config],
        create: Callable[[Config], Application],
        parent: int | None,
    ) -> None:
        self._load = load
        self._create = create
        self._parent = parent
        self._config = load()
        server = self._config.server
        listeners = open_listeners(server.listen, server.workers)
        self._doors = [f"fd://{listener.detach()}" for listener in listeners]
        super().__init__()

    def load_config(self) -> None:
        """Fill gunicorn's settings; keep the configuration in force when the new one is wrong."""
        try:
            self._config = self._load()
        except IdpError as error:
            _log.error("configuration refused, keeping the one in force", reason=str(error))
        server = self._config.server
        settings = {
            "bind": self._doors,
            "workers": server.workers,
            "threads": server.threads,
            "worker_class": _Worker,
            "logger_class": WebLog,
            "loglevel": self._config.log.level,
            "errorlog": None,
            "graceful_timeout": int(GRACE.total_seconds()),
            "timeout": _HUNG_AFTER_S,
            "keepalive": _KEEP_ALIVE_S,
            "limit_request_line": _MAX_LINE,
            "limit_request_field_size": _MAX_LINE,
            "limit_request_fields": _MAX_FIELDS,
            "forwarded_allow_ips": "",
            "secure_scheme_headers": {},
            "control_socket_disable": True,
            "pre_fork": _give_sockets,
            "post_fork": _leave_other_sockets,
            "child_exit": _tidy_up,
        }
        if os.access(_SHARED_MEMORY, os.W_OK):
            settings["worker_tmp_dir"] = str(_SHARED_MEMORY)
        for name, value in settings.items():
            self.cfg.set(name, value)

    @property
    def request_timeout(self) -> float:
        """Return how many seconds a request may take to arrive."""
        return self._config.server.request_timeout.total_seconds()

    def load(self) -> Application:
        """Make the application; called in each worker process."""
        start_log(self._config.log.level, self._config.log.format)
        return self._create(self._config)

    def run(self) -> None:
        """Run the master process until it is told to stop."""
        _Master(self, self._parent).run()


class _Master(Arbiter):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's master, which ends with the process that started it."""

    def __init__(self, server: _Server, parent: int | None) -> None:
        self._parent = parent
        super().__init__(server)

    def manage_workers(self) -> None:
        """Keep the number of workers right; called about once a second."""
        if self._parent is not None and os.getppid() != self._parent:
            raise HaltServer("the supervisor ended", 0)
        super().manage_workers()

    def handle_ttin(self) -> None:
        """Do nothing: every slot has its worker."""

    def handle_ttou(self) -> None:
        """Do nothing: a slot without a worker would leave its connections waiting."""


class _Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """A worker that waits for a request only so long, and answers who waits before it goes."""

    slot = 0
    request_timeout = math.inf

    def enqueue_req(self, conn: Any) -> None:  # noqa: ANN401 - gunicorn has no types
        """Have a thread answer the next request of a connection."""
        if not isinstance(conn.sock, ClientSocket):
            conn.sock = ClientSocket.taken_from(conn.sock)
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:  # noqa: ANN401 - gunicorn has no types
        """Answer a request, in a thread that waits for it only so long."""
        conn.sock.begin_request(self.request_timeout)
        goes_on = super().handle(conn)
        return False if conn.sock.is_late else goes_on

    def set_accept_enabled(self, enabled: bool) -> None:  # noqa: FBT001 - gunicorn's signature
        """Begin or cease to accept; when stopping, take in first whoever already waits."""
        super().set_accept_enabled(enabled)
        if enabled or self.alive:
            return
        for listener in self.sockets:
            before = -1
            while self.nr_conns != before:
                before = self.nr_conns
                self.accept(listener)
            listener.close()


def _give_sockets(master: Any, worker: Any) -> None:  # noqa: ANN401 - gunicorn has no types
    """Give a worker the slot that the fewest of its generation have, and the slot's sockets."""
    slots = master.cfg.workers
    taken = Counter(other.slot for other in master.WORKERS.values() if other.cfg is master.cfg)
    worker.request_timeout = master.app.request_timeout
    worker.slot = min(range(slots), key=lambda slot: taken[slot])
    listeners = master.LISTENERS
    worker.sockets = listeners[worker.slot :: slots] or [listeners[worker.slot % len(listeners)]]


def _leave_other_sockets(master: Any, worker: Any) -> None:  # noqa: ANN401 - gunicorn has no types
    """Close a worker's copies of the others' sockets: open, they would keep callers waiting."""
    for listener in master.LISTENERS:
        if listener not in worker.sockets:
            listener.close()


def _tidy_up(_master: Any, worker: Any) -> None:  # noqa: ANN401 - gunicorn has no types
    if DIRECTORY_VARIABLE in os.environ:  # noqa: TID251 - prometheus_client's own switch
        forget_process(worker.pid)


_default_headers = wsgi.Response.default_headers


def _headers_without_server(response: Any) -> list[str]:  # noqa: ANN401 - gunicorn has no types
    """Return the first headers of an answer, without the name of the software behind it."""
    headers: list[str] = _default_headers(response)
    return [line for line in headers if not line.startswith("Server:")]
