"""Refusals as problem documents; what was sent is not repeated in them.

Spec: RFC 9457 3; RFC 6750 3; RFC 9470 3.
"""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, ClassVar

import flask
import structlog
from apiflask import APIFlask
from apiflask.exceptions import HTTPError
from flask import Response
from pydantic import Field
from werkzeug.exceptions import HTTPException

from idp.api.schema import View
from idp.errors import IdpError, RateLimited, SignInTooOld, Unavailable
from idp.http.visit import request_id

_log = structlog.get_logger("idp.api")

MEDIA_TYPE = "application/problem+json"
_LONGEST_PLACE = 100
_SERVER_ERROR = 500


class Problem(View):
    """Why a request was refused (RFC 9457)."""

    type: str = "about:blank"
    title: str = Field(description="The status in words.")
    status: int
    code: str = Field(description="What was wrong; stable, for programs.")
    detail: str = Field(description="What was wrong, for people.")
    params: dict[str, Any] = Field(
        default_factory=dict,
        description="Values that belong to the code, e.g. `problems` with a `field` and a "
        "`reason` each, or the `findings` of the policy.",
    )
    request_id: str = Field(description="Names this request in the log and the audit trail.")


class NotAuthenticated(IdpError):  # noqa: N818 - named for what happened, like its family
    """The request carries no access token, or none that is good."""

    status: ClassVar[int] = 401
    default_code: ClassVar[str] = "token.missing"


class BadBody(IdpError):  # noqa: N818 - named for what happened, like its family
    """The body is not the JSON that it has to be."""

    status: ClassVar[int] = 400
    default_code: ClassVar[str] = "body.malformed"


_TITLES: Mapping[int, str] = {413: "Content Too Large", 422: "Unprocessable Content"}
_WORDS: Mapping[str, str] = {
    "admin.last_owner": "The last owner who can act has to stay one.",
    "admin.read_only": "An auditor may look at everything and change nothing.",
    "admin.role_missing": "Only administrators may use this interface.",
    "admin.scope_missing": "The access token does not carry a scope that this takes.",
    "admin.scope_not_held": "Nobody can hand out administration scopes beyond their own.",
    "admin.subject_is_administrator": "A client needs admin:system to act on an administrator.",
    "body.malformed": "The body is not a JSON object in UTF-8 that names each member once.",
    "client.changed": "Somebody changed the client meanwhile; read it again.",
    "client.exists": "There is a client with this id already.",
    "client.invalid": "The client cannot be registered like this.",
    "group.changed_meanwhile": "Somebody changed the group meanwhile; read it again.",
    "group.in_client": "An app is for its members; limit that app to others first.",
    "directory.busy": "The directory is being read or synced at this moment; try again later.",
    "directory.misconfigured": "The directory cannot be read like this; nothing was changed.",
    "directory.not_found": "There is no such directory.",
    "directory.run_not_found": "There is no such run over this directory.",
    "directory.run_planned": "The run has a plan already.",
    "directory.unavailable": "The directory does not answer; nothing was changed.",
    "directory.untrustworthy": "Too much of the directory was not understood; nothing was changed.",
    "group.directory_owned": "A directory owns the group; change it there.",
    "https.required": "This came over plain http; the token should be replaced.",
    "idempotency.bad_key": "The Idempotency-Key is not 1 to 255 printable ASCII characters.",
    "idempotency.key_reused": "The Idempotency-Key was used for another request.",
    "idempotency.under_way": "The same request is still being answered; try again later.",
    "internal": "Something went wrong on this side; nothing was half done.",
    "list.bad_cursor": "The cursor is not one that this list gave.",
    "password.rejected": "The policy does not accept this password.",
    "plan.expired": "The plan waited too long; make a new one.",
    "plan.fingerprint_differs": "This is not the fingerprint of the plan; read it again.",
    "plan.not_applicable": "The plan was applied already, or is over.",
    "plan_outdated": "The world is not what the plan was made of; make a new one.",
    "policy.conflicts_with_nist": "The policy goes against NIST SP 800-63B-4; accept or mend it.",
    "policy.invalid": "The policy document is not one.",
    "policy.managed_by_config": "The configuration owns this policy; publish it there.",
    "policy.version_moved": "Another policy was published meanwhile; read it again.",
    "precondition_failed": "Somebody changed it meanwhile; read it again.",
    "precondition_required": "Say with If-Match which version the change was made of.",
    "realm.not_found": "There is no such realm.",
    "request.invalid": "The request does not have the form that it must have.",
    "reset.users_refused": "Some of the users do not exist in this realm, or are named twice.",
    "token.invalid": "The access token is not good, or not good any more.",
    "token.missing": "An access token of an administrator is needed.",
    "token.sign_in_too_old": "This takes a recent sign-in; authorize again with the max_age told.",
    "user.changed_meanwhile": "Somebody changed the user meanwhile; read it again.",
    "user.directory_owned": "A directory owns the account; change this there.",
    "user.disabled_by_directory": "The directory that owns the account disabled it.",
    "user.invalid": "The user cannot be stored like this.",
    "user.not_found": "There is no such user in this realm.",
    "user.username_taken": "Another user of this realm has this login name.",
    "user.email_is_login": "An account of a directory has this e-mail address as its login name.",
}


def install(app: APIFlask) -> None:
    """Answer every exception of `app`."""

    @app.errorhandler(IdpError)
    def refused(error: IdpError) -> Response:
        _log.info("refused", code=error.code, detail=error.detail, request_id=request_id())
        response = problem(error.status, error.code, params=error.params)
        _add_headers(response, error)
        return response

    @app.errorhandler(HTTPError)
    def invalid(error: HTTPError) -> Response:
        problems = list(_problems_in(error.detail))
        return problem(error.status_code, "request.invalid", params={"problems": problems})

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        status = error.code or _SERVER_ERROR
        response = problem(status, f"http.{title_of(status).lower().replace(' ', '_')}")
        for name, value in error.get_headers():
            if name == "Allow":
                response.headers[name] = value
        return response

    @app.errorhandler(Exception)
    def bug(error: Exception) -> Response:
        _log.error("bug", request_id=request_id(), exc_info=error)
        return problem(_SERVER_ERROR, "internal")


def title_of(status: int) -> str:
    """Return a status in words, the same under every version of Python."""
    return _TITLES.get(status) or HTTPStatus(status).phrase


def problem(status: int, code: str, *, params: Mapping[str, object] | None = None) -> Response:
    """Return the answer that says no."""
    document = Problem(
        title=title_of(status),
        status=status,
        code=code,
        detail=_WORDS.get(code) or _spoken(code),
        params=dict(params or {}),
        request_id=request_id(),
    )
    body = flask.json.dumps(document.model_dump())
    return Response(body, status, content_type=MEDIA_TYPE)


def _add_headers(response: Response, error: IdpError) -> None:
    match error:
        case RateLimited() | Unavailable():
            response.headers["Retry-After"] = str(error.retry_after)
        case NotAuthenticated(code="token.missing"):
            response.headers["WWW-Authenticate"] = 'Bearer realm="administration"'
        case SignInTooOld():
            response.headers["WWW-Authenticate"] = (
                'Bearer realm="administration", error="insufficient_user_authentication", '
                f'max_age="{error.params["max_age"]}"'
            )
        case NotAuthenticated():
            challenge = 'Bearer realm="administration", error="invalid_token"'
            response.headers["WWW-Authenticate"] = challenge
        case IdpError(code="admin.scope_missing"):
            scope = error.params["any_of"]
            names = " ".join(scope) if isinstance(scope, list) else ""
            challenge = f'Bearer error="insufficient_scope", scope="{names}"'
            response.headers["WWW-Authenticate"] = challenge
        case _:
            pass


def _problems_in(detail: object) -> Iterator[dict[str, str]]:
    """Yield what the schema found wrong: where, and why; never the value itself."""
    locations = detail if isinstance(detail, Mapping) else {}
    for location, fields in locations.items():
        for name, reasons in fields.items():
            place = "" if name == "_schema" else str(name)[:_LONGEST_PLACE]
            for reason in reasons:
                yield {"in": str(location), "field": place, "reason": str(reason)}


def _spoken(code: str) -> str:
    text = code.removeprefix("http.").replace(".", ": ", 1).replace("_", " ")
    return f"{text[:1].upper()}{text[1:]}."
