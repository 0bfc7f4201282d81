"""Recovery requests and the other one-time links that reach people by mail or app."""

from datetime import datetime

from sqlalchemy import ForeignKeyConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from idp.store.base import HASH, ID, NAME, Base, InRealm


class RecoveryRequestRow(InRealm, Base):
    """A request for a new password: a link, and (from the sign-in page) a typed code.

    Both are stored hashed; `generation` is the credential generation they were made for, so any
    change since then kills them. `campaign_id` is set when a bulk reset sent the link.
    """

    __tablename__ = "recovery_requests"
    __table_args__ = (
        ForeignKeyConstraint(["realm", "user_id"], ["users.realm", "users.id"]),
        Index("ix_recovery_requests_realm_link_hash", "realm", "link_hash", unique=True),
        Index("ix_recovery_requests_realm_user_id", "realm", "user_id"),
        Index("ix_recovery_requests_realm_browser_hash", "realm", "browser_hash"),
        Index("ix_recovery_requests_expires_at", "expires_at"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    user_id: Mapped[str] = mapped_column(ID)
    link_hash: Mapped[str] = mapped_column(HASH)
    code_mac: Mapped[str | None] = mapped_column(HASH)
    browser_hash: Mapped[str | None] = mapped_column(HASH)
    code_tries: Mapped[int] = mapped_column(default=0)
    generation: Mapped[int]
    campaign_id: Mapped[str | None] = mapped_column(ID)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class OneTimeLinkRow(InRealm, Base):
    """A link for one purpose: `setup` (first administrator), `action` (`idp_action_uri`), `not_me`.

    `family_id` and `client_id` belong to `action`; one live address per family.
    """

    __tablename__ = "one_time_links"
    __table_args__ = (Index("ix_one_time_links_expires_at", "expires_at"),)

    token_hash: Mapped[str] = mapped_column(HASH, primary_key=True)
    purpose: Mapped[str] = mapped_column(String(16))
    user_id: Mapped[str | None] = mapped_column(ID)
    client_id: Mapped[str | None] = mapped_column(NAME)
    family_id: Mapped[str | None] = mapped_column(ID, index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
