"""Connections of the connector's own account, kept for the next question."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from connectors.ldap.failover import ServerList
from connectors.ldap.results import Code, error_of
from connectors.ldap.session import Session, connect
from connectors.ldap.settings import Connecting, Server
from connectors.ldap.wire import Deadline, Monotonic
from connectors.port import DirectoryUnavailable

IDLE_SECONDS = 60.0
LIFE_SECONDS = 600.0
_T = TypeVar("_T")
Work = Callable[[Session, Deadline], _T]


@dataclass(frozen=True, slots=True)
class _Kept:
    session: Session
    opened_at: float
    used_at: float


class Pool:
    """At most `pool_size` connections at a time; every failure closes its connection.

    Nobody's password but the connector's own is ever tried on them: a bind that fails would leave
    a connection anonymous, and the next search would find nobody.
    """

    def __init__(
        self, connecting: Connecting, servers: ServerList, monotonic: Monotonic = time.monotonic
    ) -> None:
        self._connecting = connecting
        self._servers = servers
        self._monotonic = monotonic
        self._slots = threading.BoundedSemaphore(connecting.pool_size)
        self._lock = threading.Lock()
        self._kept: list[_Kept] = []

    def run(self, work: Work[_T], deadline: Deadline) -> _T:
        """Return what `work` gives with a connection; it may be called again on another server.

        Raises:
            DirectoryUnavailable: no server did in time.
            DirectoryMisconfigured: `work` raised it, or the account was refused.
        """
        with self._slot(deadline):
            kept = self._take()
            if kept is not None:
                try:
                    return self._use(kept, work, deadline.share(2))
                except DirectoryUnavailable:
                    # It may have died in our hands; the others of that server have, too.
                    self._drop(kept.session.server)
            return self._servers.try_each(
                deadline, lambda server, part: self._use(self._fresh(server, part), work, part)
            )

    def run_once(self, work: Work[_T], deadline: Deadline) -> _T:
        """As `run`, with a fresh connection and no second try: for writes."""
        with self._slot(deadline):
            kept = self._servers.try_each(deadline, self._fresh)
            return self._use(kept, work, deadline)

    def open(self, server: Server, deadline: Deadline) -> Session:
        """Return a connection to that server, signed in, which is nobody's but the caller's.

        Raises:
            DirectoryUnavailable: it does not answer in time.
            DirectoryMisconfigured: TLS or the account is refused.
        """
        session = connect(server, self._connecting, deadline)
        dn, password = self._connecting.bind_dn, self._connecting.bind_password.reveal()
        answer = session.bind(dn, password, deadline)
        if answer.code != Code.SUCCESS:
            session.close()
            raise error_of(answer.code, answer.message, f"sign-in as {dn!r} at {server}")
        return session

    def close(self) -> None:
        """Close what is kept."""
        self._drop()

    @contextmanager
    def _slot(self, deadline: Deadline) -> Iterator[None]:
        if not self._slots.acquire(timeout=deadline.remaining()):
            reason = f"all {self._connecting.pool_size} connections are in use"
            raise DirectoryUnavailable(reason)
        try:
            yield
        finally:
            self._slots.release()

    def _fresh(self, server: Server, deadline: Deadline) -> _Kept:
        now = self._monotonic()
        return _Kept(self.open(server, deadline), now, now)

    def _use(self, kept: _Kept, work: Work[_T], deadline: Deadline) -> _T:
        try:
            result = work(kept.session, deadline)
        except BaseException:
            kept.session.close()
            raise
        with self._lock:
            has_room = len(self._kept) < self._connecting.pool_size
            if has_room:
                self._kept.append(_Kept(kept.session, kept.opened_at, self._monotonic()))
        if not has_room:
            kept.session.close()
        return result

    def _take(self) -> _Kept | None:
        """Return the connection used last, closing those too old or to servers to leave alone."""
        now = self._monotonic()
        bad = self._servers.left_alone() if self._kept else ()
        with self._lock:
            old = [each for each in self._kept if _is_old(each, now) or each.session.server in bad]
            self._kept = [kept for kept in self._kept if kept not in old]
            found = self._kept.pop() if self._kept else None
        for kept in old:
            kept.session.close()
        return found

    def _drop(self, server: Server | None = None) -> None:
        with self._lock:
            gone = [kept for kept in self._kept if server in {None, kept.session.server}]
            self._kept = [kept for kept in self._kept if kept not in gone]
        for kept in gone:
            kept.session.close()


def _is_old(kept: _Kept, now: float) -> bool:
    return now - kept.used_at > IDLE_SECONDS or now - kept.opened_at > LIFE_SECONDS
