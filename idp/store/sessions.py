"""SSO sessions: one browser that a user signed in with."""

from datetime import datetime

from sqlalchemy import ForeignKeyConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from idp.store.base import HASH, ID, Base, InRealm


class SessionRow(InRealm, Base):
    """A session; `id` is the public `sid`, the cookie's secret is stored hashed."""

    __tablename__ = "sso_sessions"
    __table_args__ = (
        UniqueConstraint("realm", "secret_hash"),
        ForeignKeyConstraint(["realm", "user_id"], ["users.realm", "users.id"]),
        Index("ix_sso_sessions_realm_user_id", "realm", "user_id"),
        Index("ix_sso_sessions_expires_at", "expires_at"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    secret_hash: Mapped[str] = mapped_column(HASH)
    user_id: Mapped[str] = mapped_column(ID)
    epoch: Mapped[int]
    auth_time: Mapped[datetime]
    amr: Mapped[list[str]] = mapped_column(default=list)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    address: Mapped[str | None] = mapped_column(String(64))
    user_agent: Mapped[str | None] = mapped_column(String(512))
