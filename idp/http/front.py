"""What stands before Flask: the path prefix, answers that cost nothing, mounted applications."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

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
        path = str(environ.get("PATH_INFO", ""))
        for root, application in self._mounts.items():
            if path == root or path.startswith(f"{root}/"):
                environ["SCRIPT_NAME"] = str(environ.get("SCRIPT_NAME", "")) + root
                environ["PATH_INFO"] = path[len(root) :]
                return application(environ, start_response)
        return self._site(environ, start_response)
