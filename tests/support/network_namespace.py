"""A network of a process's own, and ports of ours that lead into it.

For servers whose ports cannot be chosen: in a network of their own nobody else has them.
"""

import contextlib
import ctypes
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.ports import LOOPBACK

IN_A_NETWORK = ("unshare", "--net", "--", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")
"""Begins a command that runs in a new network with a loopback interface; root may."""

_NEW_NETWORK = 0x40000000
_CHUNK = 65536
_LIBC = ctypes.CDLL(None, use_errno=True)


def connect_into(process: int, port: int) -> socket.socket:
    """Return a connection to a port in the network of a process.

    The calling thread stays in that network: call it from one that ends soon.
    """
    if _network(process) == _network(os.getpid()):
        reason = "the process has no network of its own yet"
        raise ConnectionError(reason)
    with Path(f"/proc/{process}/ns/net").open() as network:
        if _LIBC.setns(network.fileno(), _NEW_NETWORK):
            raise OSError(ctypes.get_errno(), "setns")
    return socket.create_connection((LOOPBACK, port))


def accepts(process: int, port: int) -> bool:
    """Tell whether somebody listens on a port in the network of a process."""
    found: list[bool] = []

    def look() -> None:
        with contextlib.suppress(OSError), connect_into(process, port):
            found.append(True)

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    return bool(found)


@contextmanager
def forwarded(process: int, port: int) -> Iterator[int]:
    """Lead a port of ours to one in the network of a process; give ours."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, process, port), daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _serve(listener: socket.socket, process: int, port: int) -> None:
    with contextlib.suppress(OSError):
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_forward, args=(client, process, port), daemon=True).start()


def _forward(client: socket.socket, process: int, port: int) -> None:
    with contextlib.suppress(OSError), client, connect_into(process, port) as server:
        for each in (client, server):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        back = threading.Thread(target=_pump, args=(server, client), daemon=True)
        back.start()
        _pump(client, server)
        back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(_CHUNK):
            target.sendall(data)
    for each in (source, target):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


def _network(process: int) -> str:
    return str(Path(f"/proc/{process}/ns/net").readlink())
