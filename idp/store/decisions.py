"""What the gate decided that was not a plain pass, and how a realm stood from day to day."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from idp.store.base import HASH, ID, NAME, Base, InRealm, JsonDocument


class DecisionRow(InRealm, Base):
    """One decision, with everything that it rests on; repeats on the same day are counted.

    `outcome` is `refused` or `withheld` (something would have been asked, and was not yet).
    `key_hash` is the same for the same answer about the same credential to the same app on the
    same day. `facts` is what `idp.core.decision_records` reads and writes.
    """

    __tablename__ = "decisions"
    __table_args__ = (
        ForeignKeyConstraint(["realm", "user_id"], ["users.realm", "users.id"]),
        Index("ix_decisions_realm_key_hash", "realm", "key_hash", unique=True),
        Index("ix_decisions_realm_user_id", "realm", "user_id", "id"),
        Index("ix_decisions_realm_policy_version", "realm", "policy_version", "outcome"),
        Index("ix_decisions_last_at", "last_at"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    key_hash: Mapped[str] = mapped_column(HASH)
    user_id: Mapped[str] = mapped_column(ID)
    client_id: Mapped[str | None] = mapped_column(NAME)
    outcome: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(32))
    withheld_by: Mapped[str | None] = mapped_column(String(16))
    action: Mapped[str | None] = mapped_column(String(32))
    policy_version: Mapped[int]
    generation: Mapped[int]
    findings: Mapped[list[Any]] = mapped_column(JsonDocument)
    facts: Mapped[dict[str, Any]]
    at: Mapped[datetime]
    last_at: Mapped[datetime]
    count: Mapped[int] = mapped_column(default=1)


class PolicySnapshotRow(InRealm, Base):
    """How many users still had to change at one moment; `counts` adds up to the active users."""

    __tablename__ = "policy_snapshots"
    __table_args__ = (Index("ix_policy_snapshots_at", "at"),)

    at: Mapped[datetime] = mapped_column(primary_key=True)
    policy_version: Mapped[int]
    active_users: Mapped[int]
    have_to_change: Mapped[int]
    on_shared_password: Mapped[int]
    counts: Mapped[dict[str, Any]]
