"""Requests put straight into a WSGI application."""

import base64
import io
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlencode

PORT = "8080"


def basic(client_id: str, secret: str) -> str:
    """Return the value of an `Authorization` header."""
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


def call(
    application: Callable[..., Iterable[bytes]],
    method: str,
    path: str,
    *,
    form: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, list[tuple[str, str]], bytes]:
    """Send one request; return status, headers and body.

    Raises:
        RuntimeError: the answer is none of 200, 302 and 303.
    """
    body = urlencode(form).encode() if form is not None else b""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": PORT,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": f"localhost:{PORT}",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if form is not None:
        environ["CONTENT_TYPE"] = "application/x-www-form-urlencoded"
    for name, value in (headers or {}).items():
        environ["HTTP_" + name.upper().replace("-", "_")] = value
    got: list[Any] = []

    def start_response(status: str, answered: list[tuple[str, str]], *_: object) -> None:
        got[:] = [int(status.split(maxsplit=1)[0]), answered]

    answer = application(environ, start_response)
    text = b"".join(answer)
    close = getattr(answer, "close", None)
    if close is not None:
        close()
    if got[0] not in {200, 302, 303}:
        msg = f"{method} {path}: {got[0]} {text[:300]!r}"
        raise RuntimeError(msg)
    return got[0], got[1], text
