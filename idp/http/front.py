"""What stands before Flask: the path prefix, answers that cost nothing, mounted applications."""

from collections.abc import Callable, Iterable, Mapping
from typing import IO, Any

MAX_BODY = 64 * 1024
"""Bytes that the body of a request to the site may have."""

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]
Quick = Callable[[Environ], tuple[str, list[tuple[str, str]], bytes] | None]
"""Looks at a request and gives status, headers and body, or None to let Flask answer."""


class PrefixMiddleware:
    """Lets the product live under the path of `public_url`, stripped by the proxy or not."""

    def __init__(self, application: Application, prefix: str) -> None:
        self._application = application
        self._prefix = prefix.rstrip("/")

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Move the prefix from `PATH_INFO` to `SCRIPT_NAME` (PEP 3333)."""
        path = str(environ.get("PATH_INFO", ""))
        if self._prefix and (path == self._prefix or path.startswith(f"{self._prefix}/")):
            environ["SCRIPT_NAME"] = self._prefix
            environ["PATH_INFO"] = path[len(self._prefix) :] or "/"
        return self._application(environ, start_response)


class _Body:
    """The body of a request, as Werkzeug reads it: by `read`.

    One that is malformed breaks off, which is answered with 400.

    Otherwise what the server finds wrong with its chunks would look like a bug of ours; and of one
    in chunks that is too long Werkzeug gives the beginning as if it were the whole.
    """

    def __init__(self, stream: IO[bytes], most: int | None) -> None:
        self._stream = stream
        self._most = most
        self._length = 0

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes.

        Raises:
            RequestEntityTooLarge: it is longer than the site takes.
        """
        try:
            found = self._stream.read(size)
            self._length += len(found)
            is_full = self._most is not None and self._length >= self._most
            is_longer = is_full and self._stream.read(1) != b""
        except Exception as error:  # each server has errors of its own
            msg = "the body cannot be read"
            raise OSError(msg) from error
        if is_longer:
            from werkzeug.exceptions import RequestEntityTooLarge  # noqa: PLC0415 - commands load us too

            raise RequestEntityTooLarge
        return found


class Front:
    """Sends each request to the mounted application that owns its path, else to the site."""

    def __init__(
        self, site: Application, mounts: Mapping[str, Application], quick: Quick | None = None
    ) -> None:
        self._site = site
        self._mounts = mounts
        self._quick = quick

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer at once, or hand the request on."""
        if self._quick is not None:
            answer = self._quick(environ)
            if answer is not None:
                status, headers, body = answer
                start_response(status, headers)
                return [] if environ.get("REQUEST_METHOD") == "HEAD" else [body]
        stream = environ["wsgi.input"]
        path = str(environ.get("PATH_INFO", ""))
        for root, application in self._mounts.items():
            if path == root or path.startswith(f"{root}/"):
                environ["SCRIPT_NAME"] = str(environ.get("SCRIPT_NAME", "")) + root
                environ["PATH_INFO"] = path[len(root) :]
                environ["wsgi.input"] = _Body(stream, None)  # it has limits of its own
                return application(environ, start_response)
        environ["wsgi.input"] = _Body(stream, MAX_BODY)
        return self._site(environ, start_response)
