"""Addresses outside every realm: for machines that watch the server, and its front door."""

import flask
from flask import Blueprint, Response

from idp.core.readiness import check_readiness
from idp.core.roles import ADMIN_REALM
from idp.core.runtime import Runtime


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
        response = flask.jsonify(status="not ready" if problems else "ready", checks=names)
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


def _to_staff(runtime: Runtime, path: str) -> Response:
    """Send a browser that came without a realm to a page of the staff."""
    response = flask.make_response("", 302)
    response.headers["Location"] = f"{runtime.config.issuer(ADMIN_REALM)}{path}"
    return response
