"""Which of several servers is asked, and for how long each."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from connectors.ldap.results import ServerUnusable
from connectors.ldap.settings import Server
from connectors.ldap.wire import Deadline, Monotonic
from connectors.port import ConnectorError, DirectoryUnavailable

BAD_FOR = 30.0
"""Seconds that a server which failed is left alone while another one answers."""
PROBE_AFTER = 2.0
"""Seconds after which one caller tries again when no server answers."""

_T = TypeVar("_T")


class ServerList:
    """Servers in the order of preference, and which of them failed of late.

    One that failed is left out until its time is over; then one caller tries it, and the others
    wait for what that caller finds. So a server that accepts and stays mute costs one time-out.
    """

    def __init__(self, servers: Sequence[Server], monotonic: Monotonic = time.monotonic) -> None:
        self._servers = tuple(servers)
        self._monotonic = monotonic
        self._failed_at: dict[Server, float] = {}
        self._lock = threading.Lock()

    def try_each(self, deadline: Deadline, attempt: Callable[[Server, Deadline], _T]) -> _T:
        """Return what the first server gives that does not fail.

        The time that is left is shared equally among the servers not yet tried.

        Raises:
            DirectoryUnavailable: each failed, with the reason of each; or none is to be tried now.
            ServerUnusable: each failed, and all by their certificates or TLS.
            DirectoryMisconfigured: `attempt` raised it; the next server would not do better.
        """
        servers = self._claim()
        failures: list[ConnectorError] = []
        for place, server in enumerate(servers):
            try:
                result = attempt(server, deadline.share(len(servers) - place))
            except (DirectoryUnavailable, ServerUnusable) as error:
                self.mark_bad(server)
                failures.append(error)
            else:
                self._mark_good(server)
                return result
        raise _joined(failures)

    def mark_bad(self, server: Server) -> None:
        """Note that a server failed just now."""
        with self._lock:
            self._failed_at[server] = self._monotonic()

    def _mark_good(self, server: Server) -> None:
        with self._lock:
            self._failed_at.pop(server, None)

    def _claim(self) -> list[Server]:
        """Return whom to try; those that failed before are tried by this caller alone."""
        with self._lock:
            has_good = any(server not in self._failed_at for server in self._servers)
            pause = BAD_FOR if has_good else PROBE_AFTER
            now = self._monotonic()
            chosen: list[Server] = []
            for server in self._servers:
                failed_at = self._failed_at.get(server)
                if failed_at is not None and now - failed_at < pause:
                    continue
                if failed_at is not None:
                    self._failed_at[server] = now
                chosen.append(server)
            return chosen


def _joined(failures: Sequence[ConnectorError]) -> ConnectorError:
    if not failures:
        return DirectoryUnavailable("no server answered just now; it is tried again in seconds")
    reason = "; ".join(dict.fromkeys(error.reason for error in failures))
    if all(isinstance(error, ServerUnusable) for error in failures):
        return ServerUnusable(reason)
    return DirectoryUnavailable(reason)
