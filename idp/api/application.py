"""The application that answers under `/admin/api/v1`: its parts put together."""

import functools
import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any, cast

import flask
from apiflask import APIFlask
from flask import Response
from werkzeug.routing import BaseConverter

from idp.api import document, problems
from idp.api.dispatch import Dispatcher
from idp.api.endpoints import Endpoint
from idp.api.requests import ApiRequest, StrictJson
from idp.core.runtime import Runtime
from idp.errors import Forbidden
from idp.http import guards, headers

TITLE = "TimeTrak IdP administration"
VERSION = "1"
_CSP = "default-src 'none'; frame-ancestors 'none'"


class _Id(BaseConverter):
    """The id of something; anything else leads nowhere."""

    regex = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class _Name(BaseConverter):
    """A realm, a client's id or a key's id."""

    regex = r"[A-Za-z0-9._~:-]{1,128}"


def build(runtime: Runtime, endpoints: Sequence[Endpoint]) -> APIFlask:
    """Return the application that answers for `endpoints`."""
    app = APIFlask(
        "idp.api",
        title=TITLE,
        version=VERSION,
        spec_path=None,
        docs_path=None,
        json_errors=False,
        static_folder=None,  # type: ignore[arg-type]  # Flask takes it: no files
    )
    app.request_class = ApiRequest
    app.json = StrictJson(app)
    app.url_map.converters |= {"id": _Id, "name": _Name}
    app.url_map.strict_slashes = True
    app.url_map.merge_slashes = False
    document.configure(app)
    headers.install(app, runtime)
    _tighten(app)
    guards.install(app, runtime)
    _refuse_plain_http(app, runtime)
    problems.install(app)

    @functools.cache
    def describe_all() -> Mapping[str, Any]:
        return document_of(app, endpoints)

    dispatcher = Dispatcher(app, runtime, describe_all)
    for endpoint in endpoints:
        dispatcher.add(endpoint)
    return app


def document_of(app: APIFlask, endpoints: Sequence[Endpoint]) -> document.Document:
    """Return the OpenAPI document of the application that `build` made for `endpoints`."""
    return document.complete(cast("document.Document", app.spec), endpoints)


def _refuse_plain_http(app: APIFlask, runtime: Runtime) -> None:
    """Refuse what a trusted proxy says came over plain http: its token is known to others now."""
    server = runtime.config.server
    trusted = tuple(map(ipaddress.ip_network, server.trusted_proxies))

    @app.before_request
    def refuse() -> None:
        request = flask.request
        if request.headers.get("X-Forwarded-Proto", "https").lower() != "http":
            return
        peer = ipaddress.ip_address(request.remote_addr or "0.0.0.0")  # noqa: S104 - nobody
        is_https = server.public_url.startswith("https:")
        if is_https and any(peer in network for network in trusted):
            raise Forbidden("https.required")


def _tighten(app: APIFlask) -> None:
    """Give every answer the policy of a document that is no page."""

    @app.after_request
    def add(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = _CSP
        return response
