"""Token introspection, for clients that are registered to ask.

Spec: RFC 7662 2.
"""

from typing import Any

from flask import Response

from idp.clock import epoch_seconds
from idp.core.access_tokens import find_access_token
from idp.core.client_proofs import ClientRefused, NoProof, find_proved_client
from idp.core.clients import Client
from idp.core.families import LiveRefresh, find_live_refresh
from idp.core.refresh_tokens import read_refresh_token
from idp.core.work import UnitOfWork
from idp.http.visit import current_visit
from idp.oidc.client_auth import read_client_proof
from idp.oidc.errors import InvalidClientError, InvalidRequestError, json_answer
from idp.oidc.token import body_parameters

_SHOWN = (
    *("iss", "sub", "aud", "client_id", "scope", "iat", "exp", "jti"),
    *("auth_time", "acr", "amr", "sid"),
)
_INACTIVE: dict[str, Any] = {"active": False}


def introspect() -> Response:
    """Answer `POST /introspect`; a client that may not ask hears that nothing is active."""
    params = body_parameters()
    proof = read_client_proof(params, "introspect")
    raw = params.get("token")
    if raw is None:
        raise InvalidRequestError("token is missing.")
    if isinstance(proof, NoProof):
        raise InvalidClientError
    with current_visit().work() as uow:
        client = find_proved_client(uow, proof)
        answer = _INACTIVE
        if isinstance(client, Client) and client.may_introspect:
            answer = _describe(uow, client, raw)
    if isinstance(client, ClientRefused):
        raise InvalidClientError
    return json_answer(answer)


def _describe(uow: UnitOfWork, asking: Client, raw: str) -> dict[str, Any]:
    refresh_token = read_refresh_token(uow.runtime.box, uow.realm, raw)
    if refresh_token is not None:
        return _describe_refresh(uow, find_live_refresh(uow, asking, refresh_token))
    token = find_access_token(uow, raw, audience=None)
    if token is None:
        return _INACTIVE
    shown = {name: token.claims[name] for name in _SHOWN if name in token.claims}
    return {"active": True, "token_type": "Bearer", **shown}


def _describe_refresh(uow: UnitOfWork, found: LiveRefresh | None) -> dict[str, Any]:
    if found is None:
        return _INACTIVE
    return {
        "active": True,
        "iss": uow.runtime.config.issuer(uow.realm),
        "sub": found.subject,
        "client_id": found.client_id,
        "scope": found.scope,
        "iat": epoch_seconds(found.issued_at),
        "exp": epoch_seconds(found.expires_at),
        "auth_time": epoch_seconds(found.auth_time),
    }
