"""The demo's own web pages: their ports taken at once, answered by threads of this process."""

import fcntl
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

from idp.cli.refusals import Refusal
from idp.demo.places import LOOPBACK, PARTS
from idp.http.front import Application

SERVER = PARTS[0]


@contextmanager
def held_folder(folder: Path) -> Iterator[None]:
    """Keep a second demo away from `folder` while the block runs; make it when it is missing.

    Raises:
        Refusal: it cannot be written to, or another demo runs there.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        message = f"{folder} cannot be used: {error.strerror}"
        raise Refusal(message) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = f"another demo runs on {folder}; stop it, or name another folder with --data"
            raise Refusal(message) from error
        yield


@contextmanager
def open_doors(port: int) -> Iterator[Mapping[str, socket.socket]]:
    """Take the port of every part: `port` and its neighbours, or any free ones for 0.

    That of the server is only looked at: the server takes it itself.

    Raises:
        Refusal: somebody listens on one of them.
    """
    with ExitStack() as stack:
        yield {
            part: stack.enter_context(_listen(port + place if port else 0))
            for place, part in enumerate(PARTS)
        }


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((LOOPBACK, port))
    except OSError as error:
        first = "--port takes the first of five free neighbouring ports"
        message = f"port {port} of {LOOPBACK} cannot be had ({error.strerror}); {first}"
        raise Refusal(message) from error


def serve_pages(door: socket.socket, site: Application) -> None:
    """Answer requests at `door` in the background, until this process ends."""
    port = door.getsockname()[1]
    server = make_server(
        LOOPBACK, port, site, threaded=True, request_handler=_Quiet, fd=door.fileno()
    )
    threading.Thread(target=server.serve_forever, daemon=True, name=f"pages-{port}").start()


class _Quiet(WSGIRequestHandler):
    """Says nothing of ordinary requests."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write no access log."""

    def version_string(self) -> str:
        """Name no software."""
        return "demo"

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002, ANN401 - werkzeug's
        """Write no log of broken connections."""
