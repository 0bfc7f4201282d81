"""Authorization codes: issued for a live session, spent exactly once."""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from idp.core.client_proofs import ClientProof, ClientRefused, authenticate_client
from idp.core.clients import Client
from idp.core.events import Event, EventCode
from idp.core.gate import Cleared
from idp.core.key_ring import key_ring
from idp.core.refresh_tokens import RefreshToken, write_refresh_token
from idp.core.sessions import Session
from idp.core.tokens import (
    ACR,
    Authorization,
    GrantRefused,
    ask_gate,
    end_family,
    id_claims_of,
    not_registered,
    refuse,
    still_registered,
)
from idp.core.work import UnitOfWork
from idp.ids import (
    ClientId,
    FamilyId,
    RawToken,
    SessionId,
    UserId,
    hash_token,
    new_raw_token,
)
from idp.store import hot, hot_writes
from idp.store.tokens import AuthorizationCodeRow

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeGrant:
    """What a code will stand for; `claims` is the stored form of the `claims` parameter."""

    client_id: ClientId
    redirect_uri: str
    scopes: tuple[str, ...]
    nonce: str | None
    code_challenge: str | None
    claims: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeAttempt:
    """What came with a code to the token endpoint."""

    code: RawToken = field(repr=False)
    redirect_uri: str | None
    verifier: str | None = field(repr=False)


def issue_code(uow: UnitOfWork, cleared: Cleared, session: Session, grant: CodeGrant) -> RawToken:
    """Store a single-use code under the user's session and return it.

    Spec: RFC 6749 4.1.2; RFC 7636 4.4.
    """
    code = new_raw_token()
    lifetimes = uow.runtime.config.realm(uow.realm).lifetimes
    uow.record(
        Event(
            code=EventCode.CODE_ISSUED,
            subject_id=session.user_id,
            client_id=grant.client_id,
            params={"scope": " ".join(grant.scopes), "session_id": session.id},
        )
    )
    hot_writes.add_code(
        uow.db,
        uow.realm,
        code_hash=hash_token(code),
        client_id=grant.client_id,
        user_id=cleared.account.user_id,
        session_id=session.id,
        family_id=uow.new_id(),
        epoch=cleared.birth_epoch,
        redirect_uri=grant.redirect_uri,
        scope=" ".join(grant.scopes),
        nonce=grant.nonce,
        code_challenge=grant.code_challenge,
        auth_time=session.auth_time,
        amr=list(session.amr),
        acr=ACR,
        claims_request=grant.claims,
        issued_at=uow.now,
        expires_at=uow.now + lifetimes.code,
    )
    return code


def redeem_code(
    uow: UnitOfWork, proof: ClientProof, attempt: CodeAttempt
) -> Authorization | ClientRefused | GrantRefused:
    """Spend a code and begin the family of what it gives.

    A refusal spends nothing. A replay of a spent code by the right client revokes the family; a
    wrong client, redirect URI or verifier revokes nothing.

    Spec: RFC 6749 4.1.3; RFC 7636 4.6; OIDC Core 3.1.3.2; RFC 9700 2.1.1.
    """
    row = hot.redeem_facts(uow.db, uow.realm, proof.client_id, hash_token(attempt.code))
    client = authenticate_client(uow, proof, None if row is None else row.client_version)
    if row is None or isinstance(client, ClientRefused):
        return ClientRefused()
    gate = _check(uow, client, row, attempt)
    if isinstance(gate, GrantRefused):
        return gate
    if not hot_writes.spend_code(uow.db, uow.realm, code_hash=row.code_hash, at=uow.now):
        return _replayed(uow, client, row)
    return _begin_family(uow, client, row, gate)


def drop_codes(uow: UnitOfWork, client_id: ClientId, user_id: UserId | None = None) -> None:
    """Take a client's unspent codes away, those of one user or of all.

    To be done before the families are revoked: one who is spending a code right now is waited for,
    so the family that begins with it is there to be found.
    """
    gone = sa.delete(AuthorizationCodeRow).where(
        AuthorizationCodeRow.client_id == client_id, AuthorizationCodeRow.spent_at.is_(None)
    )
    if user_id is not None:
        gone = gone.where(AuthorizationCodeRow.user_id == user_id)
    uow.db.execute(gone)


def _check(
    uow: UnitOfWork, client: Client, row: Row[Any], attempt: CodeAttempt
) -> Cleared | GrantRefused:
    if "authorization_code" not in client.grant_types:
        return not_registered(uow, client, "authorization_code")
    reason = _wrong(row, client, attempt)
    if reason is None and row.spent_at is not None:
        return _replayed(uow, client, row)
    if reason is None and uow.now >= row.expires_at:
        reason = "expired"
    if reason is not None:
        return refuse(uow, client, reason, user_id=row.user_id, code=EventCode.CODE_REFUSED)
    return ask_gate(uow, client, row, birth_epoch=row.code_epoch, family_id=row.family_id)


def _wrong(row: Row[Any], client: Client, attempt: CodeAttempt) -> str | None:
    if row.code_hash is None:
        return "unknown"
    if row.code_client_id != client.id:
        return "client"
    if row.redirect_uri != attempt.redirect_uri:
        return "redirect_uri"
    return None if _is_verified(row.code_challenge, attempt.verifier) else "verifier"


def _is_verified(challenge: str | None, verifier: str | None) -> bool:
    if challenge is None:
        return verifier is None
    if verifier is None or not _VERIFIER.fullmatch(verifier):
        return False
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
    return hmac.compare_digest(digest.rstrip(b"=").decode(), challenge)


def _replayed(uow: UnitOfWork, client: Client, row: Row[Any]) -> GrantRefused:
    return end_family(uow, client, row, EventCode.CODE_REPLAYED, reason="code_replayed")


def _begin_family(
    uow: UnitOfWork, client: Client, row: Row[Any], cleared: Cleared
) -> Authorization:
    scopes = still_registered(client, row.scope)
    is_refreshable = "refresh_token" in client.grant_types
    family_id = FamilyId(row.family_id)
    hot_writes.add_family(
        uow.db,
        uow.realm,
        id=family_id,
        client_id=client.id,
        user_id=row.user_id,
        session_id=row.code_session_id,
        scope=" ".join(scopes),
        epoch=row.code_epoch,
        auth_time=row.auth_time,
        amr=row.amr,
        acr=row.acr,
        claims_request=row.claims_request,
        refreshable=is_refreshable,
        counter=0,
        created_at=uow.now,
        used_at=uow.now,
        expires_at=_family_ends_at(uow, row.auth_time, is_refreshable=is_refreshable),
    )
    uow.record(
        Event(
            code=EventCode.TOKEN_ISSUED,
            subject_id=row.user_id,
            client_id=client.id,
            params={"family_id": family_id, "session_id": row.code_session_id},
        )
    )
    id_claims, facts = id_claims_of(uow, cleared.account.user_id, row.claims_request)
    token = RefreshToken(family_id, 0)
    return Authorization(
        cleared=cleared,
        client=client,
        ring=key_ring(uow, row.keys_version),
        now=uow.now,
        family_id=family_id,
        session_id=SessionId(row.code_session_id),
        scopes=scopes,
        auth_time=row.auth_time,
        amr=tuple(row.amr),
        acr=row.acr,
        nonce=row.nonce,
        refresh_token=(
            write_refresh_token(uow.runtime.box, uow.realm, token) if is_refreshable else None
        ),
        id_claims=id_claims,
        facts=facts,
    )


def _family_ends_at(uow: UnitOfWork, auth_time: datetime, *, is_refreshable: bool) -> datetime:
    """Return the absolute end: counted from the sign-in, but not before the access token's."""
    lifetimes = uow.runtime.config.realm(uow.realm).lifetimes
    first = uow.now + lifetimes.access_token
    return max(first, auth_time + lifetimes.refresh_token_max) if is_refreshable else first
