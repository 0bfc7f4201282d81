"""The sockets that the server listens on."""

import socket
from datetime import timedelta

from idp.config import Address
from idp.errors import ConfigError

GRACE = timedelta(seconds=30)
"""How long requests may take to finish when the server is told to stop."""

_BACKLOG = 1024


def open_listeners(address: Address, count: int) -> list[socket.socket]:
    """Open `count` sockets on one address, between which the kernel spreads connections.

    Raises:
        ConfigError: the address cannot be had.
    """
    listeners: list[socket.socket] = []
    for _ in range(count):
        listener = _new_socket(address)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        _bind(listener, address)
        listener.listen(_BACKLOG)
        listeners.append(listener)
    return listeners


def check_address(address: Address) -> None:
    """Make sure that nobody listens on `address` yet, not even another server like this one.

    Raises:
        ConfigError: somebody does, or the address is not this machine's.
    """
    with _new_socket(address) as probe:
        _bind(probe, address)


def _new_socket(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return listener


def _bind(listener: socket.socket, address: Address) -> None:
    try:
        listener.bind((address.host, address.port))
    except OSError as error:
        listener.close()
        reason = f"cannot listen on {address}: {(error.strerror or str(error)).lower()}"
        raise ConfigError("server.listen", reason) from error
