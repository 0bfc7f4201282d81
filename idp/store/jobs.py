"""Long work and outgoing messages: rows with leases, polled by the workers."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from idp.store.base import ID, Base, InRealm, JsonDocument


class JobRow(InRealm, Base):
    """A resumable job; `state` is one of `queued running paused done failed cancelled`.

    `cursor` is where the next batch begins, written in the same transaction as the batch.
    """

    __tablename__ = "jobs"
    __table_args__ = (Index("ix_jobs_state_available_at", "state", "available_at"),)

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    params: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(16), default="queued")
    cursor: Mapped[str | None] = mapped_column(String(256))
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    errors: Mapped[list[Any]] = mapped_column(JsonDocument, default=list)
    attempts: Mapped[int] = mapped_column(default=0)
    lease_owner: Mapped[str | None] = mapped_column(String(64))
    lease_until: Mapped[datetime | None]
    available_at: Mapped[datetime]
    requested: Mapped[str | None] = mapped_column(String(16))
    author_id: Mapped[str | None] = mapped_column(ID)
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class OutboxRow(InRealm, Base):
    """A message that must leave the house at least once; `payload` is encrypted (DECISIONS 18)."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_done_at_available_at", "done_at", "available_at"),)

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    payload: Mapped[bytes]
    attempts: Mapped[int] = mapped_column(default=0)
    lease_owner: Mapped[str | None] = mapped_column(String(64))
    lease_until: Mapped[datetime | None]
    available_at: Mapped[datetime]
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(512))
