"""What no view should see: foreign hosts, unknown realms, oversized or malformed requests."""

import ipaddress
import re
from collections.abc import Sequence
from functools import lru_cache

import flask
from flask import Flask
from werkzeug.exceptions import BadRequest, MisdirectedRequest, NotFound

from idp.core.runtime import Runtime
from idp.http.front import MAX_BODY
from idp.http.visit import begin_visit
from idp.ids import RealmName

_MAX_QUERY = 16 * 1024
_PROBES = {"/healthz", "/readyz"}
_LONGEST_ADDRESS = 64
_WITH_PORT = re.compile(r"(\d+\.\d+\.\d+\.\d+):\d+|\[([^\]]+)\](?::\d+)?", re.ASCII)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


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


def client_address(trusted: Sequence[Network]) -> str | None:
    """Return the address of the client: the last one in the chain that no trusted proxy has.

    What a trusted proxy says that is no address leaves the proxy's own, so that somebody counts.
    """
    chain = flask.request.headers.get("X-Forwarded-For", "").split(",")
    address = _read_address(flask.request.remote_addr or "")
    for hop in reversed(chain):
        if address is None or not any(address in network for network in trusted):
            break
        nearer = _read_address(hop)
        if nearer is None:
            break
        address = nearer
    return None if address is None else str(address)


def _read_address(text: str) -> Address | None:
    """Return an address as proxies write it (perhaps with a port), or None."""
    return _parse_address(text.strip()) if len(text) <= _LONGEST_ADDRESS else None


@lru_cache(maxsize=4096)
def _parse_address(bare: str) -> Address | None:
    found = _WITH_PORT.fullmatch(bare)
    try:
        address = ipaddress.ip_address((found[1] or found[2]) if found else bare)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
