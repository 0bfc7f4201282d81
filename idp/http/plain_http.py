"""Plain http in front of an https address: pages are sent on, everything else is refused.

Only what a trusted proxy says of the request (`X-Forwarded-Proto`) is believed.

Spec: OWASP ASVS 12.2.1; RFC 9700 2.6.
"""

import ipaddress
from urllib.parse import quote

import flask
from flask import Flask, Response

from idp.core.runtime import Runtime
from idp.errors import Forbidden

_HEADER = "X-Forwarded-Proto"


def install(app: Flask, runtime: Runtime) -> None:
    """Look at every request of `app` that came through a trusted proxy."""
    server = runtime.config.server
    if not server.public_url.startswith("https:"):
        return
    trusted = tuple(ipaddress.ip_network(net) for net in server.trusted_proxies)

    @app.before_request
    def refuse_plain_http() -> Response | None:
        request = flask.request
        if request.headers.get(_HEADER, "https").lower() != "http":
            return None
        peer = ipaddress.ip_address(request.remote_addr or "0.0.0.0")  # noqa: S104 - nobody
        if not any(peer in network for network in trusted):
            return None
        if request.method not in {"GET", "HEAD"}:
            raise Forbidden("https.required")
        response = flask.make_response("", 308)
        query = request.query_string.decode("latin-1")
        response.headers["Location"] = (
            server.public_url + quote(request.path) + (query and f"?{query}")
        )
        return response
