"""Groups: a plain list on users, and the administrator roles that come with them."""

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


class GroupRoleRow(InRealm, Base):
    """An administrator role that every member of a group holds: `owner` or `auditor`."""

    __tablename__ = "group_roles"
    __table_args__ = (ForeignKeyConstraint(["realm", "group_id"], ["groups.realm", "groups.id"]),)

    group_id: Mapped[str] = mapped_column(ID, primary_key=True)
    role: Mapped[str] = mapped_column(String(32), primary_key=True)
    granted_at: Mapped[datetime]
