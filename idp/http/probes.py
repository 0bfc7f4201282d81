"""Addresses outside every realm: for machines that watch the server, and its front door."""

import flask
from flask import Blueprint, Response

from idp.core.readiness import check_readiness
from idp.core.roles import ADMIN_REALM
from idp.core.runtime import Runtime
from idp.core.sync_review import list_last_successes
from idp.ids import RealmName


def blueprint(runtime: Runtime) -> Blueprint:
    """Return `/`, `/healthz`, `/readyz` and `/.well-known/change-password`."""
    probes = Blueprint("probes", __name__)

    @probes.get("/healthz")
    def healthz() -> Response:
        return flask.jsonify(status="alive")

    @probes.get("/readyz")
    def readyz() -> Response:
        checks = check_readiness(runtime)
        problems = [check for check in checks if check.problem is not None]
        names = {check.name: "ok" for check in checks}
        names |= {check.name: check.problem or "ok" for check in problems}
        told: dict[str, object] = {"status": "not ready" if problems else "ready", "checks": names}
        if runtime.config.connectors and not problems:
            told["directories"] = _last_successes(runtime)
        response = flask.jsonify(told)
        if problems:
            response.status_code = 503
            response.headers["Retry-After"] = "2"
        return response

    @probes.get("/.well-known/change-password")
    def change_password() -> Response:
        # Spec: W3C, A Well-Known URL for Changing Passwords.
        return _to_staff(runtime, "/account/password")

    @probes.get("/")
    def front_door() -> Response:
        return _to_staff(runtime, "/account")

    return probes


def _last_successes(runtime: Runtime) -> dict[str, str | None]:
    """Return when each directory was last read to some use; the server is ready without any."""
    found: dict[str, str | None] = {}
    for realm in map(RealmName, runtime.config.realms):
        if runtime.config.connectors_of(realm):
            with runtime.begin(realm, write=False) as uow:
                for name, at in list_last_successes(uow).items():
                    found[name] = None if at is None else at.isoformat()
    return found


def _to_staff(runtime: Runtime, path: str) -> Response:
    """Send a browser that came without a realm to a page of the staff."""
    response = flask.make_response("", 302)
    response.headers["Location"] = f"{runtime.config.issuer(ADMIN_REALM)}{path}"
    return response
