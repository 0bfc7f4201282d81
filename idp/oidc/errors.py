"""OAuth errors as answers: the public hint goes out, the private cause stays in the log.

Spec: RFC 6749 5.2; RFC 6750 3; CONTRACT 4.
"""

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec

import structlog
from authlib.oauth2 import OAuth2Error
from flask import Response
from werkzeug.exceptions import HTTPException

from idp.core.tokens import GrantRefused
from idp.errors import IdpError, RateLimited, Unavailable
from idp.http.visit import current_visit
from idp.oidc.cors import allow_origin

_log = structlog.get_logger("idp.oidc")
P = ParamSpec("P")
_JSON = "application/json"


class InvalidRequestError(OAuth2Error):
    """The request is malformed."""

    error = "invalid_request"


class InvalidClientError(OAuth2Error):
    """The client is not who it says; nobody is told what was wrong."""

    error = "invalid_client"
    description = "Client authentication failed."
    status_code = 401


class GrantRefusedError(OAuth2Error):
    """A grant that core refused, with the machine members of CONTRACT 4."""

    def __init__(self, refused: GrantRefused) -> None:
        super().__init__(description=refused.description, error=refused.error)
        self.refused = refused

    def get_body(self) -> Any:  # noqa: ANN401 - Authlib's list of pairs
        """Return the members of the answer."""
        body: list[Any] = list(super().get_body())
        if self.refused.reason is not None:
            body.append(("idp_reason", self.refused.reason.value))
        if self.refused.action is not None:
            address = current_visit().url(f"/action/{self.refused.action}")
            body.append(("idp_action_uri", address))
        return body


class BearerError(OAuth2Error):
    """A protected resource was not given a token it can take.

    Spec: RFC 6750 3.1.
    """

    def __init__(self, error: str, description: str, status: int) -> None:
        super().__init__(description=description, error=error, status_code=status)


def json_answer(
    document: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a JSON answer that no cache keeps."""
    body = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    response = Response(body, status=status, mimetype=_JSON)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Pragma"] = "no-cache"
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response


def error_answer(error: OAuth2Error) -> Response:
    """Return the answer for an OAuth error."""
    headers = {}
    if isinstance(error, BearerError):
        headers["WWW-Authenticate"] = _challenge("Bearer", error)
    elif error.status_code == InvalidClientError.status_code:
        headers["WWW-Authenticate"] = _challenge("Basic", error)
    return json_answer(dict(error.get_body()), error.status_code, headers)


def json_endpoint(view: Callable[P, Response], *, for_pages: bool) -> Callable[P, Response]:
    """Make `view` answer every refusal as JSON, whatever the client says it accepts.

    Args:
        for_pages: the scripts of apps ask here, and may read why they are refused.
    """

    @functools.wraps(view)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Response:
        try:
            return view(*args, **kwargs)
        except OAuth2Error as error:
            refusal = error_answer(error)
        except Unavailable as error:
            return _idp_answer(error)  # to ask about origins would only be to wait once more
        except IdpError as error:
            refusal = _idp_answer(error)
        except HTTPException as error:
            code = error.code or 500
            document = {"error": "invalid_request", "error_description": "Malformed request."}
            refusal = json_answer(document, code)
        return allow_origin(refusal, None) if for_pages else refusal

    return wrapped


def _idp_answer(error: IdpError) -> Response:
    _log.warning("refused", code=error.code, detail=error.detail)
    is_temporary = isinstance(error, Unavailable | RateLimited)
    name = "temporarily_unavailable" if is_temporary else "invalid_request"
    response = json_answer({"error": name, "error_description": error.code}, error.status)
    if isinstance(error, Unavailable | RateLimited):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _challenge(scheme: str, error: OAuth2Error) -> str:
    parts = [f'realm="{current_visit().realm}"']
    if error.error and error.error != "unauthorized":
        parts += [f'error="{error.error}"', f'error_description="{error.description}"']
    return f"{scheme} {', '.join(parts)}"
