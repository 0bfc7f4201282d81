"""What no view should see: foreign hosts, unknown realms, oversized or malformed requests."""

import ipaddress

import flask
from flask import Flask
from werkzeug.exceptions import BadRequest, MisdirectedRequest, NotFound

from idp.core.runtime import Runtime
from idp.http.visit import begin_visit
from idp.ids import RealmName

MAX_BODY = 64 * 1024
_MAX_QUERY = 16 * 1024
_PROBES = {"/healthz", "/readyz"}


def install(app: Flask, runtime: Runtime) -> None:
    """Check every request of `app` before its view; begin the visit of a realm's request."""
    server = runtime.config.server
    realms = frozenset(runtime.config.realms)
    trusted = tuple(ipaddress.ip_network(net) for net in server.trusted_proxies)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.config["MAX_FORM_MEMORY_SIZE"] = MAX_BODY
    app.config["MAX_FORM_PARTS"] = 100

    @app.before_request
    def check() -> None:
        request = flask.request
        if request.path in _PROBES:
            return
        if request.host.lower() != server.host:
            raise MisdirectedRequest
        if len(request.query_string) > _MAX_QUERY:
            raise BadRequest
        realm = (request.view_args or {}).get("realm")
        if realm is None:
            return
        if request.endpoint is not None and request.endpoint.startswith("api."):
            return
        if realm not in realms:
            raise NotFound
        begin_visit(runtime, RealmName(realm), client_address(trusted))


def client_address(
    trusted: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...],
) -> str | None:
    """Return the address of the client: the last one in the chain that no trusted proxy has."""
    chain = [part.strip() for part in flask.request.headers.get("X-Forwarded-For", "").split(",")]
    address = flask.request.remote_addr
    while address is not None and _is_in(address, trusted) and chain and chain[-1]:
        address = chain.pop()
    return address if address is not None and _is_address(address) else None


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_in(
    address: str, networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
) -> bool:
    return _is_address(address) and any(
        ipaddress.ip_address(address) in network for network in networks
    )
