"""Answers kept for a repeat of the same request (`Idempotency-Key`)."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from idp.store.base import HASH, NAME, Base, InRealm, connection_of, table_of


class IdempotencyRow(InRealm, Base):
    """The first answer to a keyed request of one actor.

    `status` is 0 while the request is being answered; `expires_at` then ends the claim.
    """

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_expires_at", "expires_at"),)

    actor_id: Mapped[str] = mapped_column(NAME, primary_key=True)
    key_hash: Mapped[str] = mapped_column(HASH, primary_key=True)
    request_digest: Mapped[str] = mapped_column(HASH)
    status: Mapped[int]
    body: Mapped[dict[str, Any] | None]
    expires_at: Mapped[datetime]


_INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def add_claim(db: Session, realm: str, **columns: object) -> bool:
    """Store a claim unless its key is claimed already; tell whether this call stored it."""
    connection, table = connection_of(db), table_of(IdempotencyRow)
    insert = _INSERT[connection.dialect.name](table).on_conflict_do_nothing()
    # PostgreSQL's driver counts no inserted rows; what comes back is counted instead.
    stored = connection.execute(insert.returning(table.c.key_hash), {"realm": realm, **columns})
    return stored.first() is not None
