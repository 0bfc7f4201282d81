"""Sockets with an end: no answer takes longer, or is larger, than was granted."""

import ipaddress
import queue
import socket
import threading
import time
from collections.abc import Callable

Monotonic = Callable[[], float]
"""Seconds of a clock that never goes back."""


class AnswerTooLarge(OSError):  # noqa: N818 - named for what happened
    """A server sent more than was granted."""


class Deadline:
    """A moment by which something must be done."""

    def __init__(self, seconds: float, monotonic: Monotonic = time.monotonic) -> None:
        self._monotonic = monotonic
        self._at = monotonic() + seconds

    def remaining(self) -> float:
        """Return the seconds that are left, or 0."""
        return max(0.0, self._at - self._monotonic())

    def part(self, seconds: float) -> "Deadline":
        """Return a deadline `seconds` from now, or this one when it comes earlier."""
        return Deadline(min(seconds, self.remaining()), self._monotonic)

    def share(self, count: int) -> "Deadline":
        """Return the deadline of the first of `count` tries that share what is left."""
        return self.part(self.remaining() / max(1, count))


class Wire:
    """A connected socket that keeps a deadline and a budget; stands where a socket would.

    Attributes:
        failure: what ended it while it was read; the library keeps only its text.
    """

    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self._socket = connected
        self._deadline = deadline
        self._budget = 0
        self.failure: OSError | None = None

    def grant(self, deadline: Deadline, budget: int) -> None:
        """Say until when the next answer must be here, and how many bytes it may have."""
        self._deadline, self._budget = deadline, budget

    def bare(self) -> socket.socket:
        """Return the socket itself, to go on with it under TLS."""
        return self._socket

    def recv(self, size: int) -> bytes:
        """Return what has come, waiting no longer than the deadline.

        Raises:
            AnswerTooLarge: the budget is spent.
            TimeoutError: the deadline has passed.
        """
        try:
            self._hurry()
            data = self._socket.recv(size)
            self._budget -= len(data)
            if self._budget < 0:
                raise AnswerTooLarge
        except OSError as error:
            self.failure = error
            raise
        return data

    def sendall(self, data: bytes) -> None:
        """Send all of `data`, or raise `TimeoutError`."""
        self._hurry()
        self._socket.sendall(data)

    def shutdown(self, how: int) -> None:
        """End one or both directions."""
        self._socket.shutdown(how)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _hurry(self) -> None:
        left = self._deadline.remaining()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)


def resolve(host: str, port: int, deadline: Deadline) -> tuple[str, ...]:
    """Return the addresses of a host, in the system's order.

    Raises:
        TimeoutError: the system's resolver, which has no deadline, did not answer in time.
        OSError: there is no such host.
    """
    try:
        return (str(ipaddress.ip_address(host)),)
    except ValueError:
        pass
    answers: queue.SimpleQueue[tuple[str, ...] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            answers.put(error)
        else:
            answers.put(tuple(dict.fromkeys(str(each[4][0]) for each in found)))

    threading.Thread(target=ask, name=f"resolve {host}", daemon=True).start()
    try:
        answer = answers.get(timeout=deadline.remaining())
    except queue.Empty as error:
        raise TimeoutError from error
    if isinstance(answer, OSError):
        raise answer
    return answer
