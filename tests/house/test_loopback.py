"""No test can leave the machine, whatever the code under test does."""

import socket

import pytest

from tests.support.loopback import FarNetworkError


@pytest.mark.parametrize("host", ["192.0.2.1", "example.com", "2001:db8::1"])
def test_a_connection_beyond_the_machine_is_refused(host: str) -> None:
    with pytest.raises(FarNetworkError):
        socket.create_connection((host, 443), timeout=1)


def test_a_datagram_beyond_the_machine_is_refused() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        pytest.raises(FarNetworkError),
    ):
        sender.sendto(b"hello", ("192.0.2.1", 9))


def test_the_machine_itself_can_be_reached() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname(), timeout=1) as caller,
    ):
        assert caller.getpeername() == listener.getsockname()
