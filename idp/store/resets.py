"""Bulk resets that were applied, what each user had before, and past shared secrets."""

from datetime import datetime

from sqlalchemy import ForeignKeyConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from idp.store.base import HASH, ID, Base, InRealm


class ResetCampaignRow(InRealm, Base):
    """One applied `password.reset` plan; `mode` is `shared`, `link` or `require_change`."""

    __tablename__ = "reset_campaigns"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    plan_id: Mapped[str] = mapped_column(ID)
    mode: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(1024))
    author_id: Mapped[str | None] = mapped_column(ID)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    undo_until: Mapped[datetime]


class ResetMemberRow(InRealm, Base):
    """What a campaign replaced, kept (for undo) until its undo window closes, then erased."""

    __tablename__ = "reset_members"
    __table_args__ = (
        ForeignKeyConstraint(
            ["realm", "campaign_id"], ["reset_campaigns.realm", "reset_campaigns.id"]
        ),
        ForeignKeyConstraint(["realm", "user_id"], ["users.realm", "users.id"]),
    )

    campaign_id: Mapped[str] = mapped_column(ID, primary_key=True)
    user_id: Mapped[str] = mapped_column(ID, primary_key=True)
    generation: Mapped[int]
    previous_hash: Mapped[str | None] = mapped_column(String(1024))
    previous_set_at: Mapped[datetime | None]
    previous_set_by: Mapped[str | None] = mapped_column(String(16))
    previous_judged_under: Mapped[int | None]
    previous_judged_groups: Mapped[str | None] = mapped_column(Text)
    previous_must_change: Mapped[bool | None]
    previous_temporary_until: Mapped[datetime | None]
    previous_campaign_id: Mapped[str | None] = mapped_column(ID)
    previous_blocked_at: Mapped[datetime | None]
    restored_at: Mapped[datetime | None]


class BulkSecretRow(InRealm, Base):
    """A keyed HMAC of a past shared secret; no user can ever choose it (DECISIONS 15)."""

    __tablename__ = "bulk_secrets"
    __table_args__ = (Index("ix_bulk_secrets_realm_created_at", "realm", "created_at"),)

    mac: Mapped[str] = mapped_column(HASH, primary_key=True)
    campaign_id: Mapped[str] = mapped_column(ID)
    created_at: Mapped[datetime]
