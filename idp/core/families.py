"""Refresh families: rotated in place, exactly once under any race, dead on reuse (DECISIONS 3)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any

from sqlalchemy.engine import Row

from idp.core.client_proofs import ClientProof, ClientRefused, authenticate_client
from idp.core.clients import Client
from idp.core.directory_recheck import Looked, is_unchecked
from idp.core.events import Event, EventCode
from idp.core.gate import Cleared, account_of, clear
from idp.core.key_ring import key_ring
from idp.core.last_looks import last_look_of
from idp.core.refresh_tokens import RefreshToken, write_refresh_token
from idp.core.tokens import (
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
from idp.ids import ClientId, FamilyId, SessionId
from idp.store import hot, hot_writes

GRACE = timedelta(seconds=10)
"""How long after a rotation the same client gets the same successor again."""


class _Place(Enum):
    """Where a refresh token stands in its family."""

    CURRENT = auto()
    REPEATED = auto()
    REUSED = auto()
    NOT_YET = auto()


def rotate_refresh(
    uow: UnitOfWork,
    proof: ClientProof,
    token: RefreshToken,
    scopes: tuple[str, ...] | None,
    *,
    looked: Looked = Looked.NOT_YET,
) -> Authorization | ClientRefused | GrantRefused:
    """Move a family on and return what its next token stands for; two statements.

    Within `GRACE` after a rotation, and until the successor is used, the same client gets the
    identical successor; after that the old token is reuse and ends the family. Any other refusal
    leaves the family as it was. A rotation writes no event. When another request rotated first,
    the family is read again.

    Args:
        token: genuine (its MAC was right). scopes: None for all that was granted.
        looked: whether the directory that owns the account was asked for this request.

    Raises:
        RecheckDue: it has to be asked first.

    Spec: RFC 6749 6; RFC 9700 4.14.2.
    """
    row = hot.refresh_facts(uow.db, uow.realm, proof.client_id, token.family_id)
    client = authenticate_client(uow, proof, None if row is None else row.client_version)
    if isinstance(client, ClientRefused):
        return client
    while row is not None:
        checked = _check(uow, client, row, token, scopes, looked=looked)
        if isinstance(checked, GrantRefused):
            return checked
        if _place(uow, row, token) is _Place.REPEATED or hot_writes.rotate_family(
            uow.db,
            uow.realm,
            family_id=token.family_id,
            expected_counter=token.counter,
            at=uow.now,
        ):
            return _authorization(uow, client, row, checked, token, scopes)
        row = hot.refresh_facts(uow.db, uow.realm, client.id, token.family_id)
    return ClientRefused()


def revoke_refresh(uow: UnitOfWork, client: Client, token: RefreshToken) -> None:
    """End a family at its own client's wish; a family of another client is left alone.

    Spec: RFC 7009 2.1.
    """
    row = hot.refresh_facts(uow.db, uow.realm, client.id, token.family_id)
    if row is None or row.family_client_id != client.id:
        return
    if hot_writes.revoke_family(
        uow.db, uow.realm, family_id=token.family_id, at=uow.now, reason="revoked"
    ):
        uow.record(
            Event(
                code=EventCode.TOKEN_REVOKED,
                subject_id=row.user_id,
                client_id=client.id,
                params={"family_id": token.family_id},
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRefresh:
    """What may be told of a refresh token that would be taken now."""

    client_id: ClientId
    subject: str
    scope: str
    auth_time: datetime
    issued_at: datetime
    expires_at: datetime


def find_live_refresh(uow: UnitOfWork, asking: Client, token: RefreshToken) -> LiveRefresh | None:
    """Return what a refresh token stands for if it would be taken now; nothing is changed."""
    row = hot.refresh_facts(uow.db, uow.realm, asking.id, token.family_id)
    if row is None or row.family_id is None or row.revoked_at is not None:
        return None
    if not is_alive(uow, row) or _place(uow, row, token) is not _Place.CURRENT:
        return None
    account = account_of(uow, row, is_kept_out=row.is_kept_out)
    ended = row.session_ended_at is not None
    gate = clear(account, birth_epoch=row.family_epoch, session_ended=ended, now=uow.now)
    if not isinstance(gate, Cleared):
        return None
    return LiveRefresh(
        client_id=ClientId(row.family_client_id),
        subject=account.sub,
        scope=row.scope,
        auth_time=row.auth_time,
        issued_at=row.used_at,
        expires_at=row.expires_at,
    )


def _check(
    uow: UnitOfWork,
    client: Client,
    row: Row[Any],
    token: RefreshToken,
    scopes: tuple[str, ...] | None,
    *,
    looked: Looked,
) -> Cleared | GrantRefused:
    reason = _dead(uow, client, row)
    if reason is not None:
        return refuse(uow, client, reason, user_id=row.user_id)
    if "refresh_token" not in client.grant_types:
        return not_registered(uow, client, "refresh_token")
    place = _place(uow, row, token)
    if place is _Place.REUSED:
        return end_family(uow, client, row, EventCode.TOKEN_REUSE_DETECTED, reason="reused")
    if place is _Place.NOT_YET:
        return refuse(uow, client, "ahead of its family", user_id=row.user_id)
    if not set(row.scope.split()).issuperset(scopes or ()):
        return refuse(uow, client, "scope", error="invalid_scope", user_id=row.user_id)
    is_open = row.status == "active"
    return ask_gate(
        uow,
        client,
        row,
        birth_epoch=row.family_epoch,
        family_id=row.family_id,
        is_unchecked=is_open and is_unchecked(uow, last_look_of(row), looked=looked),
    )


def _dead(uow: UnitOfWork, client: Client, row: Row[Any]) -> str | None:
    if row.family_id is None:
        return "unknown"
    if row.family_client_id != client.id:
        return "client"
    if row.revoked_at is not None:
        return "revoked"
    return None if is_alive(uow, row) else "expired"


def is_alive(uow: UnitOfWork, row: Row[Any]) -> bool:
    """Tell whether a family is refreshable and neither idle nor at its absolute end."""
    idle = uow.runtime.config.realm(uow.realm).lifetimes.refresh_token_idle
    return bool(row.refreshable) and uow.now < row.expires_at and uow.now - row.used_at <= idle


def _place(uow: UnitOfWork, row: Row[Any], token: RefreshToken) -> _Place:
    if token.counter == row.counter:
        return _Place.CURRENT
    if token.counter > row.counter:
        return _Place.NOT_YET
    is_last = token.counter == row.counter - 1 and row.rotated_at is not None
    return _Place.REPEATED if is_last and uow.now - row.rotated_at <= GRACE else _Place.REUSED


def _authorization(
    uow: UnitOfWork,
    client: Client,
    row: Row[Any],
    cleared: Cleared,
    token: RefreshToken,
    scopes: tuple[str, ...] | None,
) -> Authorization:
    granted = still_registered(client, row.scope)
    id_claims, facts = id_claims_of(uow, cleared.account.user_id, row.claims_request)
    successor = RefreshToken(token.family_id, token.counter + 1)
    return Authorization(
        cleared=cleared,
        client=client,
        ring=key_ring(uow, row.keys_version),
        now=uow.now,
        family_id=FamilyId(row.family_id),
        session_id=SessionId(row.family_session_id),
        scopes=tuple(scope for scope in granted if scopes is None or scope in scopes),
        auth_time=row.auth_time,
        amr=tuple(row.amr),
        acr=row.acr,
        nonce=None,
        refresh_token=write_refresh_token(uow.runtime.box, uow.realm, successor),
        id_claims=id_claims,
        facts=facts,
    )
