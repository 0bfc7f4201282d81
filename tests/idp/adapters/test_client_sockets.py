"""A connection that does not wait for ever for the rest of a request (catalogue Q-05)."""

import socket
import time
from collections.abc import Iterator

import pytest

from idp.adapters.client_sockets import ClientSocket


@pytest.fixture
def ends() -> Iterator[tuple[ClientSocket, socket.socket]]:
    """Give the server's end of a connection and the client's."""
    accepted, client = socket.socketpair()
    server = ClientSocket.taken_from(accepted)
    with server, client:
        yield server, client


def test_what_comes_in_time_is_read(ends: tuple[ClientSocket, socket.socket]) -> None:
    server, client = ends
    server.begin_request(20)
    client.sendall(b"GET /")

    assert server.recv(100) == b"GET /"
    assert server.gettimeout() is None


def test_a_late_request_reads_as_closed_from_then_on(
    ends: tuple[ClientSocket, socket.socket],
) -> None:
    server, client = ends
    server.begin_request(0.05)

    assert server.recv(100) == b""
    client.sendall(b"the rest")
    server.begin_request(20)
    assert server.recv(100) == b""


def test_what_comes_steadily_may_take_longer(ends: tuple[ClientSocket, socket.socket]) -> None:
    server, client = ends
    server.begin_request(0.05)
    client.sendall(b"x" * 8192)
    began = time.monotonic()

    assert len(server.recv(8192)) == 8192
    assert server.recv(100) == b""
    assert time.monotonic() - began >= 1


def test_time_outs_that_somebody_set_are_told_to_them(
    ends: tuple[ClientSocket, socket.socket],
) -> None:
    server, client = ends
    server.begin_request(20)
    server.settimeout(0.01)
    with pytest.raises(TimeoutError):
        server.recv(100)
    server.settimeout(0)
    with pytest.raises(BlockingIOError):
        server.recv(100)
    client.sendall(b"x")
    assert server.recv(100) == b"x"
