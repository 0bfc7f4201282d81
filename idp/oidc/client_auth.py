"""Reads what a client brings to prove itself; one method at a time.

Spec: RFC 6749 2.3.1, 3.2.1; RFC 7521 4.2; OIDC Core 9.
"""

import base64
import re
from urllib.parse import unquote_plus

import flask

from idp.core.client_proofs import AssertionProof, ClientProof, NoProof, SecretProof
from idp.core.clients import CLIENT_ID_FORM
from idp.core.jose import peek
from idp.http.visit import current_visit
from idp.oidc.errors import InvalidClientError, InvalidRequestError
from idp.oidc.params import Parameters

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_BASIC = re.compile(r"basic +([A-Za-z0-9+/]{2,4096}={0,2})", re.IGNORECASE | re.ASCII)
_MAX_SECRET = 1024


def read_client_proof(params: Parameters, endpoint: str) -> ClientProof:
    """Return what the client of the present request proves itself with.

    Args:
        endpoint: the endpoint's path under the issuer; a signed assertion may be made out to it.

    Raises:
        InvalidRequestError: it uses two methods at once.
        InvalidClientError: what it brings cannot be read, or names two clients.
    """
    header = flask.request.headers.get("Authorization")
    secret = params.get("client_secret")
    is_asserted = "client_assertion" in params.names or "client_assertion_type" in params.names
    if sum((header is not None, secret is not None, is_asserted)) > 1:
        raise InvalidRequestError("Use one way of client authentication, not two.")
    named = params.get("client_id")
    proof = _proof(params, header, endpoint)
    if named is not None and named != proof.client_id:
        raise InvalidClientError
    if not CLIENT_ID_FORM.fullmatch(proof.client_id):
        raise InvalidClientError
    return proof


def _proof(params: Parameters, header: str | None, endpoint: str) -> ClientProof:
    named = params.get("client_id") or ""
    if header is not None:
        return _basic(header)
    secret = params.get("client_secret")
    if secret is not None:
        return _secret(named, secret, "client_secret_post")
    if "client_assertion" in params.names or "client_assertion_type" in params.names:
        return _assertion(params, endpoint)
    return NoProof(named)


def _basic(header: str) -> SecretProof:
    found = _BASIC.fullmatch(header)
    try:
        decoded = base64.b64decode(found[1], validate=True).decode("utf-8") if found else ""
        client_id, colon, secret = decoded.partition(":")
        client_id = unquote_plus(client_id, errors="strict")
        secret = unquote_plus(secret, errors="strict")
    except ValueError as error:
        raise InvalidClientError from error
    if not colon:
        raise InvalidClientError
    return _secret(client_id, secret, "client_secret_basic")


def _secret(client_id: str, secret: str, method: str) -> SecretProof:
    if not 0 < len(secret) <= _MAX_SECRET:
        raise InvalidClientError
    return SecretProof(client_id, secret, method)


def _assertion(params: Parameters, endpoint: str) -> AssertionProof:
    assertion = params.get("client_assertion") or ""
    claims = peek(assertion)
    subject = claims.get("sub") if claims is not None else None
    if params.get("client_assertion_type") != ASSERTION_TYPE or not isinstance(subject, str):
        raise InvalidClientError
    visit = current_visit()
    audiences = {visit.url(), visit.url("/token"), visit.url(f"/{endpoint}")}
    return AssertionProof(subject, assertion, frozenset(audiences))
