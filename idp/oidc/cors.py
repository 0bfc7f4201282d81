"""Cross-origin reading: only for the pages of the client in question, never with cookies.

A refusal before any client is known may be read by the page of every app: it says no more than
that, and a page that cannot read it takes it for a broken network.

Spec: Fetch 3.3 (CORS protocol); RFC 9700 2.6.
"""

import flask
from flask import Response

from idp.core.clients import Client, is_spa_origin
from idp.errors import Unavailable
from idp.http.visit import current_visit

_PREFLIGHT_AGE = 600


def allow_origin(response: Response, client: Client | None) -> Response:
    """Let a page of `client` read the answer, if the request came from one.

    Args:
        client: None when the answer is a refusal that came before it was known.
    """
    origin = flask.request.headers.get("Origin")
    response.headers["Vary"] = "Origin"
    if origin is not None and _may_read(origin, client):
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = "WWW-Authenticate, Retry-After"
    return response


def preflight(methods: str) -> Response:
    """Answer an OPTIONS request: a browser asks before a page may; it names no client yet."""
    response = Response(status=204)
    response.headers["Vary"] = "Origin"
    origin = flask.request.headers.get("Origin")
    if origin is None or "Access-Control-Request-Method" not in flask.request.headers:
        return response
    if _is_known(origin):
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Methods"] = methods
        response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
        response.headers["Access-Control-Max-Age"] = str(_PREFLIGHT_AGE)
    return response


def _may_read(origin: str, client: Client | None) -> bool:
    if client is not None:
        return origin in client.spa_origins
    try:
        return _is_known(origin)
    except Unavailable:  # the refusal is the same, whoever may read it
        return False


def _is_known(origin: str) -> bool:
    with current_visit().work(write=False) as uow:
        return is_spa_origin(uow, origin)
