"""Access tokens presented to us: believed only with a right signature and a live cause.

A token dies at once with its family, session, client or epoch, with the account, and when the
gate's refusal is immediate; one that is merely stale by policy lives to its own end (DECISIONS 8).

Spec: RFC 9068 4; RFC 7009 2.1.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.engine import Row

from idp.clock import from_epoch_seconds
from idp.core.clients import CLIENT_ID_FORM, Client, client_at
from idp.core.events import Event, EventCode
from idp.core.gate import AccountFacts, Refused, account_of, clear
from idp.core.jose import Claims, peek, verify
from idp.core.key_ring import key_ring
from idp.core.work import UnitOfWork
from idp.ids import TokenHash, hash_token
from idp.store import hot, hot_writes

TYPE = "at+jwt"
ALGORITHM = "ES256"
EPOCH_CLAIM = "idp_epoch"
"""The epoch of the account that the token was born under."""
FAMILY_CLAIM = "idp_family"
"""The family (everything that one code gave) that the token belongs to."""

_SKEW = timedelta(seconds=5)
"""By how much the clocks of two nodes may differ; what an earlier client of the id got is older."""
_ID = re.compile(r"[0-9a-f-]{36}", re.ASCII)
_JTI = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """A live access token. `account` is None when a client speaks for itself."""

    client: Client
    account: AccountFacts | None
    subject: str
    scopes: frozenset[str]
    claims: Claims
    jti_hash: TokenHash
    expires_at: datetime
    claims_request: dict[str, Any] | None


def administration_audience(uow: UnitOfWork) -> str:
    """Return the audience of tokens for the administration API (DECISIONS 24)."""
    return f"{uow.runtime.config.server.public_url}/admin/api"


def find_access_token(uow: UnitOfWork, raw: str, *, audience: str | None) -> AccessToken | None:
    """Return what a live access token of this realm says, or None; one SELECT.

    Args:
        audience: the one that the token must be for; None takes any of this realm's.
    """
    claimed = peek(raw)
    if claimed is None or not _is_well_formed(claimed):
        return None
    jti_hash = hash_token(f"access\0{claimed['jti']}")
    row = hot.access_token_facts(
        uow.db,
        uow.realm,
        client_id=claimed["client_id"],
        family_id=claimed.get(FAMILY_CLAIM),
        jti_hash=jti_hash,
    )
    if row is None:
        return None
    ring = key_ring(uow, row.keys_version)
    claims = verify(
        raw,
        lambda choice: ring.find_key(choice.kid, choice.alg, uow.now),
        typ=TYPE,
        algorithms=(ALGORITHM,),
    )
    if claims is None or not _is_ours(uow, claims, audience) or row.revoked_jti_hash is not None:
        return None
    return _living(uow, row, claims, jti_hash)


def revoke_access_token(uow: UnitOfWork, token: AccessToken) -> None:
    """Make one access token worthless before its end.

    Spec: RFC 7009 2.1.
    """
    if hot_writes.spend_jwt_id(
        uow.db, uow.realm, jti_hash=token.jti_hash, expires_at=token.expires_at
    ):
        uow.record(
            Event(
                code=EventCode.TOKEN_REVOKED,
                subject_id=token.account.user_id if token.account else None,
                client_id=token.client.id,
                params={"jti": token.claims["jti"]},
            )
        )


def _is_well_formed(claims: Claims) -> bool:
    family_id = claims.get(FAMILY_CLAIM)
    return (
        _has_form(claims.get("client_id"), CLIENT_ID_FORM)
        and _has_form(claims.get("jti"), _JTI)
        and (family_id is None or _has_form(family_id, _ID))
        and type(claims.get("exp")) is int
    )


def _has_form(value: object, form: re.Pattern[str]) -> bool:
    return isinstance(value, str) and form.fullmatch(value) is not None


def _is_ours(uow: UnitOfWork, claims: Claims, audience: str | None) -> bool:
    issuer = uow.runtime.config.issuer(uow.realm)
    if claims.get("iss") != issuer or claims["exp"] <= uow.now.timestamp():
        return False
    own = (issuer, administration_audience(uow)) if audience is None else (audience,)
    return claims.get("aud") in own


def _living(
    uow: UnitOfWork, row: Row[Any], claims: Claims, jti_hash: TokenHash
) -> AccessToken | None:
    client = client_at(uow, claims["client_id"], row.client_version)
    if not client.is_active or from_epoch_seconds(claims["iat"]) < client.created_at - _SKEW:
        return None
    account = None
    if FAMILY_CLAIM in claims:
        account = _cleared_account(uow, row, claims)
        if account is None:
            return None
    return AccessToken(
        client=client,
        account=account,
        subject=claims["sub"],
        scopes=frozenset(claims["scope"].split()),
        claims=claims,
        jti_hash=jti_hash,
        expires_at=from_epoch_seconds(claims["exp"]),
        claims_request=row.claims_request,
    )


def _cleared_account(uow: UnitOfWork, row: Row[Any], claims: Claims) -> AccountFacts | None:
    if row.family_id is None or row.revoked_at is not None:
        return None
    account = account_of(uow, row, is_kept_out=row.is_kept_out)
    gate = clear(
        account,
        birth_epoch=claims[EPOCH_CLAIM],
        session_ended=row.session_ended_at is not None,
        now=uow.now,
    )
    return None if isinstance(gate, Refused) and gate.immediate else account
