"""The guard that keeps every test on the loopback interface."""

import ipaddress
import socket
import sys
from collections.abc import Callable

_NAMES = frozenset({"", "localhost", socket.gethostname()})


class FarNetworkError(RuntimeError):
    """A test was about to leave the machine."""

    def __init__(self, event: str, host: object) -> None:
        super().__init__(f"{event} to {host!r}: tests use the loopback interface only")


def is_near(host: object) -> bool:
    """Tell whether `host` (a name, an address or None) is this machine."""
    if host is None:
        return True
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    if name in _NAMES or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _host_of_address(args: tuple[object, ...]) -> object:
    address = args[1]
    return address[0] if isinstance(address, tuple) else None  # a path: a local socket


_HOST_OF: dict[str, Callable[[tuple[object, ...]], object]] = {
    "socket.connect": _host_of_address,
    "socket.sendto": _host_of_address,
    "socket.sendmsg": _host_of_address,
    "socket.getaddrinfo": lambda args: args[0],
}


def _refuse_far_hosts(event: str, args: tuple[object, ...]) -> None:
    find_host = _HOST_OF.get(event)
    if find_host is None:
        return
    host = find_host(args)
    if not is_near(host):
        raise FarNetworkError(event, host)


def stay_on_loopback() -> None:
    """Refuse, from now to the end of this process, every connection and look-up beyond it."""
    sys.addaudithook(_refuse_far_hosts)
