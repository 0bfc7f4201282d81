"""Requests on the network that end in time, whatever the other side does.

The timeout of a socket is for one step only: a byte now and then would renew it for ever, and each
address of a name would have it anew.
"""

import http.client
import io
import socket
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import ConnectionPool

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class DeadlineAdapter(HTTPAdapter):
    """Sends requests whose timeout is for all of connecting, and once more for all of the answer.

    Only for sessions that are closed after one request. Asking for the addresses of a name takes
    what the resolver of this machine takes. What goes through a SOCKS proxy has no deadline.
    """

    def get_connection_with_tls_context(
        self,
        request: PreparedRequest,
        verify: bool | str | None,  # noqa: FBT001 - what the class above takes
        proxies: Mapping[str, str] | None = None,
        cert: tuple[str, str] | str | None = None,
    ) -> ConnectionPool:
        pool = super().get_connection_with_tls_context(request, verify, proxies, cert)
        if type(pool) is HTTPSConnectionPool:
            pool.ConnectionCls = _TlsConnection
        elif type(pool) is HTTPConnectionPool:
            pool.ConnectionCls = _Connection
        return pool


class _Answer(http.client.HTTPResponse):
    """An answer that has to be there, whole, when the timeout that its socket had is over."""

    def __init__(
        self,
        sock: socket.socket,
        debuglevel: int = 0,
        method: str | None = None,
        url: str | None = None,
    ) -> None:
        super().__init__(sock, debuglevel, method, url)
        self.fp = io.BufferedReader(_Timed(sock, self.fp.detach()))


class _Connection(HTTPConnection):
    response_class = _Answer

    def _new_conn(self) -> socket.socket:
        """Connect to the first address that takes it; each has its share of what time is left.

        The socket keeps the rest as its timeout, for what is left to agree on.
        """
        ends = time.monotonic() + (self.timeout or 0)
        addresses = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        failed: OSError | None = None
        for left, (family, kind, protocol, _, address) in zip(
            range(len(addresses), 0, -1), addresses, strict=True
        ):
            sock = socket.socket(family, kind, protocol)
            try:
                _limit(sock, ends, shares=left)
                sock.connect(address)
                _limit(sock, ends)
            except OSError as error:
                sock.close()
                failed = error
            else:
                return sock
        raise failed or OSError("the name has no address")


class _TlsConnection(_Connection, HTTPSConnection):
    response_class = _Answer


class _Timed(io.RawIOBase):
    """What arrives at a socket until the timeout that it has now is over."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase) -> None:
        self._ends = time.monotonic() + (sock.gettimeout() or 0)
        self._sock = sock
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        _limit(self._sock, self._ends)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _limit(sock: socket.socket, ends: float, *, shares: int = 1) -> None:
    """Leave a socket its share of the time until `ends`.

    Raises:
        TimeoutError: there is none left.
    """
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError("the time is over")
    sock.settimeout(left / shares)
