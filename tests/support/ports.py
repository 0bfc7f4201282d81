"""Free ports of the loopback interface."""

import random
import socket

LOOPBACK = "127.0.0.1"
_FIRST, _LAST = 20_000, 32_767
"""Below those that Linux gives to connections, of which one could take the port meanwhile."""


def free_port() -> int:
    """Return a port that nobody listened on a moment ago."""
    while True:
        port = random.SystemRandom().randint(_FIRST, _LAST)
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
        return port
