"""What users allowed clients: read by the dispatcher, added to by the consent screen."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from idp.core.accounts import find_account_to_write
from idp.core.clients import Client
from idp.core.codes import drop_codes
from idp.core.events import Event, EventCode
from idp.core.work import UnitOfWork
from idp.errors import NotFound
from idp.ids import ClientId, UserId
from idp.store.clients import ClientRow, ConsentRow
from idp.store.tokens import TokenFamilyRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What a user allowed one client."""

    client_id: ClientId
    client_name: str
    scopes: tuple[str, ...]
    granted_at: datetime


def missing_scopes(
    uow: UnitOfWork, client: Client, user_id: UserId, scopes: Iterable[str]
) -> tuple[str, ...]:
    """Return which of `scopes` the user has yet to allow; none for a client that never asks."""
    if not client.is_consent_required:
        return ()
    row = uow.db.get(ConsentRow, (uow.realm, user_id, client.id))
    allowed = set(row.scopes) if row is not None else set()
    return tuple(scope for scope in scopes if scope not in allowed)


def grant_consent(
    uow: UnitOfWork, user_id: UserId, client_id: ClientId, scopes: Iterable[str]
) -> None:
    """Add to what a user allowed a client."""
    find_account_to_write(uow, user_id)  # one at a time
    row = uow.db.get(ConsentRow, (uow.realm, user_id, client_id))
    if row is None:
        row = ConsentRow(user_id=user_id, client_id=client_id, scopes=[], granted_at=uow.now)
        uow.db.add(row)
    row.scopes = list(dict.fromkeys([*row.scopes, *scopes]))
    row.granted_at = uow.now
    uow.record(
        Event(
            code=EventCode.CONSENT_GRANTED,
            subject_id=user_id,
            client_id=client_id,
            params={"scope": " ".join(scopes)},
        )
    )


def list_consents(uow: UnitOfWork, user_id: UserId) -> list[Consent]:
    """Return what a user allowed, by the clients' names."""
    query = (
        sa.select(ConsentRow, ClientRow.client_name)
        .join(
            ClientRow,
            sa.and_(
                ClientRow.realm == ConsentRow.realm, ClientRow.client_id == ConsentRow.client_id
            ),
        )
        .where(ConsentRow.user_id == user_id)
        .order_by(ClientRow.client_name)
    )
    return [
        Consent(
            client_id=ClientId(row.client_id),
            client_name=name,
            scopes=tuple(row.scopes),
            granted_at=row.granted_at,
        )
        for row, name in uow.db.execute(query)
    ]


def revoke_consent(uow: UnitOfWork, user_id: UserId, client_id: ClientId) -> None:
    """Take back what a user allowed a client; what the client was given dies with it.

    Raises:
        NotFound: nothing was allowed.
    """
    find_account_to_write(uow, user_id)  # one at a time
    row = uow.db.get(ConsentRow, (uow.realm, user_id, client_id))
    if row is None:
        raise NotFound("consent.not_found")
    uow.db.delete(row)
    drop_codes(uow, client_id, user_id)
    uow.db.execute(
        sa.update(TokenFamilyRow)
        .where(
            TokenFamilyRow.user_id == user_id,
            TokenFamilyRow.client_id == client_id,
            TokenFamilyRow.revoked_at.is_(None),
        )
        .values(revoked_at=uow.now, revoked_reason="consent_revoked")
    )
    uow.record(Event(code=EventCode.CONSENT_REVOKED, subject_id=user_id, client_id=client_id))
