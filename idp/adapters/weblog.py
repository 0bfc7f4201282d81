"""gunicorn's log in our form: one line for each request, addresses without their secrets."""

from datetime import timedelta
from typing import Any, Protocol

import structlog
from gunicorn.glogging import Logger  # type: ignore[import-untyped]

from idp.adapters.logs import mask_target

ADDRESS_KEY = "idp.client_address"
"""Where the application leaves the client's address, behind proxies too, in the WSGI environ."""

_PROBES = frozenset({"/healthz", "/readyz"})
_MAX_AGENT = 200
_access = structlog.get_logger("idp.access")


class _Answer(Protocol):
    """What gunicorn knows about an answer it sent."""

    status: str
    headers: list[tuple[str, str]]
    sent: int


class WebLog(Logger):  # type: ignore[misc]  # gunicorn has no types
    """Hands everything to the log of the process; writes no file of its own."""

    def __init__(self, cfg: Any) -> None:  # noqa: ANN401 - gunicorn has no types
        super().__init__(cfg)
        self.error_log.propagate = True

    def warning(self, msg: str, *args: object, **kwargs: object) -> None:
        """Log a warning; of a malformed request only who sent it, never what it said."""
        if msg.startswith("Invalid request from"):
            msg = msg.partition(": ")[0]
        super().warning(msg, *args, **kwargs)

    def exception(self, msg: str, *args: object, **kwargs: object) -> None:
        """Log an exception; the address in it without its query."""
        super().exception(msg, *map(_masked, args), **kwargs)

    def access(
        self,
        resp: _Answer,
        req: object,
        environ: dict[str, Any],
        request_time: timedelta,
    ) -> None:
        """Write the line of an answered request."""
        path = str(environ.get("RAW_URI", ""))
        if path.partition("?")[0].endswith(tuple(_PROBES)):
            return
        _access.info(
            "request",
            method=environ.get("REQUEST_METHOD"),
            path=mask_target(path),
            status=int(str(resp.status).split(None, 1)[0]),
            ms=round(request_time.total_seconds() * 1000, 1),
            bytes=resp.sent,
            address=environ.get(ADDRESS_KEY) or environ.get("REMOTE_ADDR"),
            agent=str(environ.get("HTTP_USER_AGENT", ""))[:_MAX_AGENT],
            request_id=_header(resp.headers, "x-request-id"),
        )


def _masked(value: object) -> object:
    return mask_target(value) if isinstance(value, str) and value.startswith("/") else value


def _header(headers: list[tuple[str, str]], name: str) -> str | None:
    return next((value for key, value in headers if key.lower() == name), None)
