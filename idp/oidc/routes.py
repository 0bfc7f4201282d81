"""Every address of the protocol under `{issuer}`, and the methods it takes."""

from collections.abc import Callable, Mapping

from flask import Blueprint, Response

from idp.core.runtime import Runtime
from idp.http.visit import current_visit
from idp.ids import RealmName
from idp.oidc.authorize import authorize, interaction
from idp.oidc.cors import preflight
from idp.oidc.documents import Documents
from idp.oidc.end_session import confirm_logout, logout
from idp.oidc.errors import json_endpoint
from idp.oidc.grants import GRANTS
from idp.oidc.introspection import introspect
from idp.oidc.revocation import revoke
from idp.oidc.server import OAuthServer
from idp.oidc.token import token
from idp.oidc.userinfo import userinfo

_DOCUMENTS = (
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/jwks",
)


def blueprint(runtime: Runtime) -> Blueprint:
    """Return the endpoints of every realm."""
    servers = {
        name: OAuthServer(runtime, name, GRANTS) for name in map(RealmName, runtime.config.realms)
    }
    protocol = Blueprint("oidc", __name__, url_prefix="/realms/<realm>")
    protocol.add_url_rule("/authorize", view_func=authorize, methods=["GET", "POST"])
    protocol.add_url_rule("/interaction/<request_id>", view_func=interaction, methods=["GET"])
    protocol.add_url_rule("/logout", view_func=logout, methods=["GET", "POST"])
    protocol.add_url_rule("/logout/confirm", view_func=confirm_logout, methods=["POST"])
    for name, (view, methods) in _json_views(servers).items():
        _add_json(protocol, name, view, methods)
    _add_documents(protocol, Documents(runtime))
    return protocol


def _json_views(
    servers: Mapping[RealmName, OAuthServer],
) -> Mapping[str, tuple[Callable[[], Response], list[str]]]:
    return {
        "token": (lambda: token(servers[current_visit().realm]), ["POST"]),
        "userinfo": (userinfo, ["GET", "POST"]),
        "revoke": (revoke, ["POST"]),
        "introspect": (introspect, ["POST"]),
    }


def _add_json(
    protocol: Blueprint, name: str, view: Callable[[], Response], methods: list[str]
) -> None:
    for_pages = name != "introspect"
    answer = json_endpoint(view, for_pages=for_pages)

    def call(realm: str) -> Response:
        return answer()

    def ask_first(realm: str) -> Response:
        return preflight(", ".join(methods))

    protocol.add_url_rule(f"/{name}", name, call, methods=methods, provide_automatic_options=False)
    if for_pages:
        protocol.add_url_rule(
            f"/{name}",
            f"{name}_preflight",
            ask_first,
            methods=["OPTIONS"],
            provide_automatic_options=False,
        )


def _add_documents(protocol: Blueprint, documents: Documents) -> None:
    """Serve the public documents through Flask too: right errors, and use without the front."""
    for path in _DOCUMENTS:

        def serve(realm: str, path: str = path) -> Response:
            found = documents.find(f"/realms/{realm}{path}")
            assert found is not None  # noqa: S101 - the realm was checked before
            response = Response(found.body)
            for name, value in found.headers:
                response.headers[name] = value
            return response

        protocol.add_url_rule(path, f"document{path.replace('/', '_').replace('.', '_')}", serve)
