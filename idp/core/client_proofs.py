"""How a client proves who it is: a secret, a signed assertion, or (public clients) nothing.

The proof arrives first, the client is read together with the other facts of the request, then the
two meet here. A refusal is a value: its event must be committed.
"""

import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, assert_never

from idp.clock import from_epoch_seconds
from idp.core.client_secrets import secret_macs
from idp.core.clients import CLIENT_ID_FORM, Client, client_at
from idp.core.events import Event, EventCode
from idp.core.jose import Claims, Key, KeyChoice, verify
from idp.core.work import Actor, UnitOfWork
from idp.ids import ClientId, hash_token
from idp.store import hot, hot_writes

ASSERTION_ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
_ASSERTION_HEADERS = frozenset({"x5t", "x5t#S256"})
_MAX_ASSERTION_LIFE = timedelta(hours=1)
_LEEWAY = timedelta(minutes=1)
_MAX_NUMERIC_DATE = 2**37  # the year 6325; a calendar ends at 9999


@dataclass(frozen=True, slots=True)
class SecretProof:
    """A client's secret; `method` is `client_secret_basic` or `client_secret_post`."""

    client_id: str
    secret: str = field(repr=False)
    method: str


@dataclass(frozen=True, slots=True)
class AssertionProof:
    """A JWT that the client signed; `audiences` are the names this endpoint goes by."""

    client_id: str
    assertion: str = field(repr=False)
    audiences: frozenset[str]


@dataclass(frozen=True, slots=True)
class NoProof:
    """Only a name: enough for a public client."""

    client_id: str


ClientProof = SecretProof | AssertionProof | NoProof


@dataclass(frozen=True, slots=True)
class ClientRefused:
    """The client is not who it says; the answer tells nobody why."""


def authenticate_client(
    uow: UnitOfWork, proof: ClientProof, version: int | None
) -> Client | ClientRefused:
    """Return the client whose proof holds, and name it as the unit's actor.

    Args:
        version: the client's version, read with the facts of the request; None: no such client.

    Spec: RFC 6749 2.3, 3.2.1; RFC 7523 3; OIDC Core 9.
    """
    if version is None:
        return _refused(uow, proof, "unknown")
    client = client_at(uow, proof.client_id, version)
    if not client.is_active:
        return _refused(uow, proof, "inactive")
    reason = _wrong(uow, client, proof)
    if reason is not None:
        return _refused(uow, proof, reason)
    uow.act_as(Actor("client", client.id))
    return client


def find_proved_client(uow: UnitOfWork, proof: ClientProof) -> Client | ClientRefused:
    """Return the client behind `proof` where nothing else is read about the request."""
    row = hot.client_facts(uow.db, uow.realm, proof.client_id)
    return authenticate_client(uow, proof, None if row is None else row.client_version)


def _wrong(uow: UnitOfWork, client: Client, proof: ClientProof) -> str | None:
    match proof:
        case SecretProof():
            if client.auth_method != proof.method:
                return "method"
            return None if _is_secret(uow, client, proof.secret) else "secret"
        case AssertionProof():
            if client.auth_method != "private_key_jwt":
                return "method"
            return _wrong_assertion(uow, client, proof)
        case NoProof():
            return None if client.is_public else "method"
        case _:
            assert_never(proof)


def _is_secret(uow: UnitOfWork, client: Client, secret: str) -> bool:
    stored = client.secret_mac or ""
    return any(
        hmac.compare_digest(stored, mac)
        for mac in secret_macs(uow.runtime.box, uow.realm, client.id, secret)
    )


def _wrong_assertion(uow: UnitOfWork, client: Client, proof: AssertionProof) -> str | None:
    claims = _verified(client, proof.assertion)
    if claims is None:
        return "signature"
    if claims.get("iss") != client.id or claims.get("sub") != client.id:
        return "subject"
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    if len(named) != 1 or not isinstance(named[0], str) or named[0] not in proof.audiences:
        return "audience"
    expires_at = _moment(claims.get("exp"))
    if expires_at is None or not _is_fresh(uow.now, claims, expires_at):
        return "time"
    return None if _spend_assertion(uow, client.id, claims.get("jti"), expires_at) else "replay"


def _verified(client: Client, assertion: str) -> Claims | None:
    for _, key in client.keys:
        claims = verify(
            assertion,
            _only(client, key),
            typ=None,
            algorithms=ASSERTION_ALGORITHMS,
            extra_headers=_ASSERTION_HEADERS,
        )
        if claims is not None:
            return claims
    return None


def _only(client: Client, key: Key) -> Any:  # noqa: ANN401 - a closure that mypy knows by its use
    def find(choice: KeyChoice) -> Key | None:
        return key if key in client.find_keys(choice.kid) else None

    return find


def _moment(value: object) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return from_epoch_seconds(int(value)) if 0 < value < _MAX_NUMERIC_DATE else None


def _is_fresh(now: datetime, claims: Claims, expires_at: datetime) -> bool:
    for name in ("nbf", "iat"):
        if name in claims:
            moment = _moment(claims[name])
            if moment is None or moment > now + _LEEWAY:
                return False
    return now - _LEEWAY < expires_at <= now + _MAX_ASSERTION_LIFE


def _spend_assertion(
    uow: UnitOfWork, client_id: ClientId, jti: object, expires_at: datetime
) -> bool:
    """Note that an assertion was used; tell whether this was the first time."""
    if not isinstance(jti, str) or not jti:
        return False
    return hot_writes.spend_jwt_id(
        uow.db,
        uow.realm,
        jti_hash=hash_token(f"assertion\0{client_id}\0{jti}"),
        expires_at=expires_at + _LEEWAY,
    )


def _refused(uow: UnitOfWork, proof: ClientProof, reason: str) -> ClientRefused:
    named = proof.client_id if CLIENT_ID_FORM.fullmatch(proof.client_id) else None
    uow.record(Event(code=EventCode.CLIENT_REFUSED, client_id=named, params={"reason": reason}))
    return ClientRefused()
