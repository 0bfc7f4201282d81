"""Exceptions as answers: a page for people, JSON for programs; private detail stays in the log."""

from collections.abc import Mapping

import flask
import structlog
from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from idp.errors import IdpError, RateLimited, Unavailable
from idp.http.visit import find_visit, request_id

_log = structlog.get_logger("idp.http")

_WORDS: Mapping[int, tuple[str, str]] = {
    400: ("That request does not work", "Something in the address or the form is not right."),
    403: (
        "This form is no longer valid",
        "It may have been open for a long time, or the browser refused its cookie. Try again.",
    ),
    404: ("Nothing here", "The address may be mistyped, or the link may be too old."),
    405: ("That request does not work", "This address does not take requests of that kind."),
    409: ("Somebody was faster", "Something changed in the meantime. Go back and look again."),
    413: ("That is too much", "The form was larger than this page accepts."),
    415: ("That request does not work", "This address takes forms as a browser sends them."),
    421: ("Wrong address", "This server does not answer under that host name."),
    429: ("Too many tries", "Please wait a little, then try again."),
    503: ("One moment, please", "The service is busy or restarting. Please try again shortly."),
}
_SERVER_ERROR = 500
_OUR_FAULT = ("Something went wrong", "It is not your fault. Please try again in a moment.")


def install(app: Flask) -> None:
    """Answer every exception of `app`."""

    @app.errorhandler(IdpError)
    def refused(error: IdpError) -> Response:
        _log.info("refused", code=error.code, detail=error.detail, request_id=request_id())
        retry_url = error.params.get("retry_url")
        response = error_answer(
            error.status,
            code=error.code,
            retry_url=retry_url if isinstance(retry_url, str) else None,
        )
        if isinstance(error, RateLimited | Unavailable):
            response.headers["Retry-After"] = str(error.retry_after)
        return response

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        response = error_answer(error.code or 500, code="http")
        if error.code == 405:  # noqa: PLR2004 - the one status whose header matters
            for name, value in error.get_headers():
                if name == "Allow":
                    response.headers[name] = value
        return response

    @app.errorhandler(Exception)
    def bug(error: Exception) -> Response:
        _log.error("bug", request_id=request_id(), exc_info=error)
        return error_answer(500, code="internal")


def error_answer(status: int, *, code: str, retry_url: str | None = None) -> Response:
    """Return the answer for `status`: a page for a browser, a short JSON object otherwise."""
    title, message = _WORDS.get(status, _OUR_FAULT if status >= _SERVER_ERROR else _WORDS[400])
    if _wants_page():
        return error_page(status, title=title, message=message, retry_url=retry_url)
    response = flask.jsonify({"error": code, "error_description": message})
    response.status_code = status
    return response


def error_page(
    status: int,
    *,
    title: str,
    message: str,
    retry_url: str | None = None,
    retry_text: str | None = None,
) -> Response:
    """Return the error page of the realm (or a bare one outside a realm)."""
    template = "error.html" if find_visit() is not None else "error_bare.html"
    body = flask.render_template(
        template,
        title=title,
        message=message,
        request_id=request_id(),
        retry_url=retry_url,
        retry_text=retry_text,
    )
    return flask.make_response(body, status)


def _wants_page() -> bool:
    accept = flask.request.accept_mimetypes
    return accept.best_match(["text/html", "application/json"], "text/html") == "text/html"
