"""Which of several servers is asked, and for how long each."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from connectors.ldap.results import ServerUnusable
from connectors.ldap.settings import Server
from connectors.ldap.wire import Deadline, Monotonic
from connectors.port import ConnectorError, DirectoryUnavailable, ServerNotes

BAD_FOR = 30.0
"""Seconds that a server which failed is left alone while another one answers."""
PROBE_AFTER = 2.0
"""Seconds after which one caller tries again when no server answers."""

_T = TypeVar("_T")


class OwnNotes:
    """When servers failed, as this process alone knows (`connectors.port.ServerNotes`)."""

    def __init__(self, monotonic: Monotonic = time.monotonic) -> None:
        self._monotonic = monotonic
        self._failed_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def ages(self) -> Mapping[str, float]:
        """Return how long ago each failed."""
        now = self._monotonic()
        with self._lock:
            return {server: now - failed_at for server, failed_at in self._failed_at.items()}

    def note(self, server: str) -> None:
        """Note a failure."""
        with self._lock:
            self._failed_at[server] = self._monotonic()

    def take(self, server: str, age: float) -> bool:
        """Note a failure anew if it is old enough."""
        now = self._monotonic()
        with self._lock:
            failed_at = self._failed_at.get(server)
            is_old = failed_at is not None and now - failed_at >= age
            if is_old:
                self._failed_at[server] = now
            return is_old

    def clear(self, server: str) -> None:
        """Forget a failure."""
        with self._lock:
            self._failed_at.pop(server, None)


class ServerList:
    """Servers in the order of preference, and which of them failed of late.

    One that failed is left out until its time is over; then one caller tries it, and the others
    go on without it. So a server that accepts and stays mute costs one time-out.
    """

    def __init__(self, servers: Sequence[Server], notes: ServerNotes | None = None) -> None:
        self._servers = tuple(servers)
        self.notes: ServerNotes = notes or OwnNotes()

    def try_each(self, deadline: Deadline, attempt: Callable[[Server, Deadline], _T]) -> _T:
        """Return what the first server gives that does not fail.

        The time that is left is shared equally among the servers not yet tried.

        Raises:
            DirectoryUnavailable: each failed, with the reason of each; or none is to be tried now.
            ServerUnusable: each failed, and all by their certificates or TLS.
            DirectoryMisconfigured: `attempt` raised it; the next server would not do better.
        """
        ages = self.notes.ages()
        servers = self._take(ages)
        failures: list[ConnectorError] = []
        for place, server in enumerate(servers):
            try:
                result = attempt(server, deadline.share(len(servers) - place))
            except (DirectoryUnavailable, ServerUnusable) as error:
                self.notes.note(str(server))
                failures.append(error)
            else:
                if str(server) in ages:
                    self.notes.clear(str(server))
                return result
        raise _joined(failures)

    def left_alone(self) -> Sequence[Server]:
        """Return the servers that failed and have not answered since, while another one is good."""
        return self._bad(self.notes.ages()) if len(self._servers) > 1 else ()

    def _bad(self, ages: Mapping[str, float]) -> Sequence[Server]:
        bad = [server for server in self._servers if str(server) in ages]
        return bad if len(bad) < len(self._servers) else ()

    def _take(self, ages: Mapping[str, float]) -> list[Server]:
        """Return whom to try; those that failed before are tried by this caller alone."""
        pause = BAD_FOR if self._bad(ages) else PROBE_AFTER
        return [
            server
            for server in self._servers
            if (age := ages.get(str(server))) is None
            or (age >= pause and self.notes.take(str(server), pause))
        ]


def _joined(failures: Sequence[ConnectorError]) -> ConnectorError:
    if not failures:
        return DirectoryUnavailable("no server answered just now; it is tried again in seconds")
    reason = "; ".join(dict.fromkeys(error.reason for error in failures))
    if all(isinstance(error, ServerUnusable) for error in failures):
        return ServerUnusable(reason)
    return DirectoryUnavailable(reason)
