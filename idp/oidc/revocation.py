"""Token revocation: a client gives up what it was given.

Spec: RFC 7009 2.
"""

from flask import Response

from idp.core.access_tokens import find_access_token, revoke_access_token
from idp.core.client_proofs import ClientRefused, find_proved_client
from idp.core.clients import Client
from idp.core.families import revoke_refresh
from idp.core.refresh_tokens import read_refresh_token
from idp.core.work import UnitOfWork
from idp.http.visit import current_visit
from idp.oidc.client_auth import read_client_proof
from idp.oidc.cors import allow_origin
from idp.oidc.errors import InvalidClientError, InvalidRequestError, json_answer
from idp.oidc.token import body_parameters


def revoke() -> Response:
    """Answer `POST /revoke`: 200 whatever the token was; the hint is not needed."""
    params = body_parameters()
    proof = read_client_proof(params, "revoke")
    raw = params.get("token")
    if raw is None:
        raise InvalidRequestError("token is missing.")
    with current_visit().work() as uow:
        client = find_proved_client(uow, proof)
        if isinstance(client, Client):
            _revoke(uow, client, raw)
    if isinstance(client, ClientRefused):
        raise InvalidClientError
    return allow_origin(json_answer({}), client)


def _revoke(uow: UnitOfWork, client: Client, raw: str) -> None:
    refresh_token = read_refresh_token(uow.runtime.box, uow.realm, raw)
    if refresh_token is not None:
        revoke_refresh(uow, client, refresh_token)
        return
    access_token = find_access_token(uow, raw, audience=None)
    if access_token is not None and access_token.client.id == client.id:
        revoke_access_token(uow, access_token)
