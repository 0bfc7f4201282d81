"""Plans of dangerous acts: computed, stored, reviewed, applied by a job."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from idp.store.base import HASH, ID, Base, InRealm


class PlanRow(InRealm, Base):
    """A plan; `secret` holds what must not be readable (a shared password's hash), encrypted.

    `state` is one of `planned applying applied cancelled undoing undone`.
    """

    __tablename__ = "plans"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    params: Mapped[dict[str, Any]]
    secret: Mapped[bytes | None]
    fingerprint: Mapped[str] = mapped_column(HASH)
    summary: Mapped[str] = mapped_column(String(1024))
    counts: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(16), default="planned")
    job_id: Mapped[str | None] = mapped_column(ID)
    author_id: Mapped[str | None] = mapped_column(ID)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    applied_at: Mapped[datetime | None]


class PlanTargetRow(InRealm, Base):
    """One user that a plan names: a target (`excluded` is None) or one left out, and why.

    `outcome` is None until the job came by, then `done`, `skipped:REASON` or, later, `undone`.
    """

    __tablename__ = "plan_targets"
    __table_args__ = (
        ForeignKeyConstraint(["realm", "plan_id"], ["plans.realm", "plans.id"]),
        Index("ix_plan_targets_realm_plan_id_outcome", "realm", "plan_id", "outcome"),
    )

    plan_id: Mapped[str] = mapped_column(ID, primary_key=True)
    user_id: Mapped[str] = mapped_column(ID, primary_key=True)
    excluded: Mapped[str | None] = mapped_column(String(64))
    warning: Mapped[str | None] = mapped_column(String(64))
    outcome: Mapped[str | None] = mapped_column(String(64))
