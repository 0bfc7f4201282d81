"""Groups: a plain list on users."""

from datetime import datetime

from sqlalchemy import ForeignKeyConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from idp.store.base import ID, NAME, Base, InRealm


class GroupRow(InRealm, Base):
    """A named set of users."""

    __tablename__ = "groups"
    __table_args__ = (UniqueConstraint("realm", "name_key"),)

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    name: Mapped[str] = mapped_column(NAME)
    name_key: Mapped[str] = mapped_column(NAME)
    description: Mapped[str | None] = mapped_column(String(1024))
    created_at: Mapped[datetime]


class MembershipRow(InRealm, Base):
    """A user's place in a group."""

    __tablename__ = "memberships"
    __table_args__ = (
        ForeignKeyConstraint(["realm", "group_id"], ["groups.realm", "groups.id"]),
        ForeignKeyConstraint(["realm", "user_id"], ["users.realm", "users.id"]),
        # With the group in it: SQLite else reads all memberships of the realm for one user's.
        Index("ix_memberships_realm_user_id", "realm", "user_id", "group_id"),
    )

    group_id: Mapped[str] = mapped_column(ID, primary_key=True)
    user_id: Mapped[str] = mapped_column(ID, primary_key=True)
