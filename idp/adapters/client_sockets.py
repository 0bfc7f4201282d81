"""Connections of clients, which may not take any time they like to send a request.

Whoever sends the first byte of a request holds a thread until the last one is there. Late ones are
answered as those are who hang up in the middle. Behind a proxy that collects requests none is late.
"""

import math
import socket
import time
from typing import Self

_BYTES_PER_SECOND = 8192
"""How fast a body has to come after the first time is over."""


class ClientSocket(socket.socket):
    """A connection that reads as closed, from then on, when a request did not arrive in time.

    Attributes:
        is_late: one did not; where the next would begin is unknown, so there is none.
    """

    is_late = False
    _arrives_by = math.inf

    @classmethod
    def taken_from(cls, accepted: socket.socket) -> Self:
        """Return the connection of `accepted`, which is of no use afterwards."""
        return cls(fileno=accepted.detach())

    def begin_request(self, seconds: float) -> None:
        """Begin to count the time that the next request takes."""
        self._arrives_by = time.monotonic() + seconds

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Read what is there, or nothing when the request is late.

        Raises:
            TimeoutError: a time-out that somebody set on the socket is over before.
        """
        set_by_others = self.gettimeout()
        left = self._arrives_by - time.monotonic()
        if self.is_late or left <= 0:
            self.is_late = True
            return b""
        if set_by_others is not None and set_by_others <= left:
            return self._received(super().recv(size, flags))
        self.settimeout(left if left < math.inf else None)
        try:
            return self._received(super().recv(size, flags))
        except TimeoutError:
            self.is_late = True
            return b""
        finally:
            self.settimeout(set_by_others)

    def _received(self, data: bytes) -> bytes:
        self._arrives_by += len(data) / _BYTES_PER_SECOND
        return data
