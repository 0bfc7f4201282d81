"""The audit trail, written in the transaction of what it tells."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from idp.store.base import ID, NAME, Base, InRealm


class AuditEventRow(InRealm, Base):
    """One event; codes are `subject.verb` in the past (CONTRACT 6)."""

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("ix_audit_events_realm_at", "realm", "at"),
        Index("ix_audit_events_realm_subject_id", "realm", "subject_id"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    code: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    actor_kind: Mapped[str] = mapped_column(String(16))
    actor_id: Mapped[str | None] = mapped_column(NAME)
    subject_id: Mapped[str | None] = mapped_column(NAME)
    client_id: Mapped[str | None] = mapped_column(NAME)
    address: Mapped[str | None] = mapped_column(String(64))
    request_id: Mapped[str | None] = mapped_column(String(64))
    params: Mapped[dict[str, Any]] = mapped_column(default=dict)
