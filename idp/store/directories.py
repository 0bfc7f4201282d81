"""Directories: where each stands, whom it owns, what a run read, and what it would change.

A user whose `users.connector` is set has one link. What a run read lies in the stage until the run
is over; what it would do lies beside it, and is what gets applied.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from idp.store.base import HASH, ID, NAME, Base, InRealm
from idp.store.groups import MembershipRow
from idp.store.users import CredentialRow, UserRow

CONNECTOR = String(64)
STABLE_ID = String(256)
KIND = String(16)
VANISHED = "vanished"
"""The digest of a group that its directory has no more: a policy, an app or a role names it."""


class DirectoryRow(InRealm, Base):
    """How far a directory was read.

    `scope_digest` is of the settings (base, filter, mapping) under which a plan was applied last;
    None until the first one was. `cursor` is where the next incremental run goes on, `seen` how
    many accounts the last full run found. `unsettled` is the first run that changed something
    since who is in which group was last worked out to the end. `reader` is the run that reads it
    now, until `reads_until`.
    """

    __tablename__ = "directories"

    name: Mapped[str] = mapped_column(CONNECTOR, primary_key=True)
    scope_digest: Mapped[str | None] = mapped_column(HASH)
    cursor: Mapped[str | None] = mapped_column(Text)
    seen: Mapped[int] = mapped_column(default=0)
    full_at: Mapped[datetime | None]
    swept_at: Mapped[datetime | None]
    changes_at: Mapped[datetime | None]
    held_run_id: Mapped[str | None] = mapped_column(ID)
    reader: Mapped[str | None] = mapped_column(ID)
    reads_until: Mapped[datetime | None]
    unsettled: Mapped[str | None] = mapped_column(ID)


class DirectoryLinkRow(InRealm, Base):
    """Which entry of which directory a user is.

    `digest` is of everything that was taken from the entry, `address_hash` of where it lay.
    `is_disabled` is the directory's word and `is_removed` an administrator's; `users.status` is
    inactive while either says so. `checked_at` is when the directory was last seen to have it,
    `run_id` the last run that made, moved, took away or brought back the account: after any other
    change it is in the same groups.
    """

    __tablename__ = "directory_links"
    __table_args__ = (
        ForeignKeyConstraint(["realm", "user_id"], ["users.realm", "users.id"]),
        UniqueConstraint("realm", "connector", "stable_id"),
        Index("ix_directory_links_realm_connector_address", "realm", "connector", "address_hash"),
    )

    user_id: Mapped[str] = mapped_column(ID, primary_key=True)
    connector: Mapped[str] = mapped_column(CONNECTOR)
    stable_id: Mapped[str] = mapped_column(STABLE_ID)
    login: Mapped[str] = mapped_column(NAME)
    address_hash: Mapped[str] = mapped_column(HASH)
    digest: Mapped[str] = mapped_column(HASH)
    is_disabled: Mapped[bool] = mapped_column(default=False)
    is_removed: Mapped[bool] = mapped_column(default=False)
    gone_since: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]
    checked_at: Mapped[datetime]
    run_id: Mapped[str | None] = mapped_column(ID)


class DirectoryGroupRow(InRealm, Base):
    """Which group of which directory a group is; its members come from there alone.

    `digest` is of what was read of it; empty, or `VANISHED`, where its members are not as read.
    """

    __tablename__ = "directory_groups"
    __table_args__ = (
        ForeignKeyConstraint(["realm", "group_id"], ["groups.realm", "groups.id"]),
        UniqueConstraint("realm", "connector", "stable_id"),
    )

    group_id: Mapped[str] = mapped_column(ID, primary_key=True)
    connector: Mapped[str] = mapped_column(CONNECTOR)
    stable_id: Mapped[str] = mapped_column(STABLE_ID)
    address_hash: Mapped[str] = mapped_column(HASH)
    digest: Mapped[str] = mapped_column(HASH)


class DirectoryRunRow(InRealm, Base):
    """One run over a directory.

    `mode` is one of `full incremental sweep`; `state` one of `reading planned held applying
    applied failed discarded`. A `cursor` is stored with the directory when the run is applied.
    """

    __tablename__ = "directory_runs"
    __table_args__ = (Index("ix_directory_runs_realm_connector_id", "realm", "connector", "id"),)

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    connector: Mapped[str] = mapped_column(CONNECTOR)
    mode: Mapped[str] = mapped_column(KIND)
    state: Mapped[str] = mapped_column(KIND)
    scope_digest: Mapped[str] = mapped_column(HASH)
    cursor: Mapped[str | None] = mapped_column(Text)
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    held_because: Mapped[list[str]] = mapped_column(default=list)
    error: Mapped[str | None] = mapped_column(String(1024))
    plan_id: Mapped[str | None] = mapped_column(ID)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class DirectoryStageRow(InRealm, Base):
    """One thing that a run read.

    `kind` is one of `user group seen seen_group rejected gone gone_group`: `seen` are accounts that
    a sweep or an incremental listing only named, `seen_group` such groups. `document` is what would
    be stored of an account or a group.
    """

    __tablename__ = "directory_stage"
    __table_args__ = (
        ForeignKeyConstraint(["realm", "run_id"], ["directory_runs.realm", "directory_runs.id"]),
        Index("ix_directory_stage_realm_run_id_address", "realm", "run_id", "address_hash"),
    )

    run_id: Mapped[str] = mapped_column(ID, primary_key=True)
    kind: Mapped[str] = mapped_column(KIND, primary_key=True)
    stable_id: Mapped[str] = mapped_column(STABLE_ID, primary_key=True)
    address_hash: Mapped[str] = mapped_column(HASH)
    digest: Mapped[str] = mapped_column(HASH)
    login_key: Mapped[str | None] = mapped_column(NAME)
    document: Mapped[dict[str, Any]]


class DirectoryStageMemberRow(InRealm, Base):
    """One direct member of a group that a run read."""

    __tablename__ = "directory_stage_members"
    __table_args__ = (
        ForeignKeyConstraint(["realm", "run_id"], ["directory_runs.realm", "directory_runs.id"]),
    )

    run_id: Mapped[str] = mapped_column(ID, primary_key=True)
    stable_id: Mapped[str] = mapped_column(STABLE_ID, primary_key=True)
    address_hash: Mapped[str] = mapped_column(HASH, primary_key=True)


class DirectoryMemberRow(InRealm, Base):
    """One direct member of a group, as the directory lists it; may be a group, or nobody."""

    __tablename__ = "directory_members"
    __table_args__ = (
        ForeignKeyConstraint(["realm", "group_id"], ["groups.realm", "groups.id"]),
        Index("ix_directory_members_realm_address", "realm", "address_hash"),
    )

    group_id: Mapped[str] = mapped_column(ID, primary_key=True)
    address_hash: Mapped[str] = mapped_column(HASH, primary_key=True)


class DirectoryChangeRow(InRealm, Base):
    """One thing that a run would do, in the order of `position`.

    `op` is one of `create update disable enable gone conflict rejected group_create group_update
    group_gone`; `before` and `after` hold what differs. `subject_id` is the account, or the group,
    once there is one.
    `digest_before` is what the link has to have for the change to be the one that was reviewed.
    `outcome` is None until it was applied, then `done` or `skipped:REASON`.
    """

    __tablename__ = "directory_changes"
    __table_args__ = (
        ForeignKeyConstraint(["realm", "run_id"], ["directory_runs.realm", "directory_runs.id"]),
    )

    run_id: Mapped[str] = mapped_column(ID, primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    op: Mapped[str] = mapped_column(KIND)
    stable_id: Mapped[str] = mapped_column(STABLE_ID)
    subject_id: Mapped[str | None] = mapped_column(ID)
    address_hash: Mapped[str | None] = mapped_column(HASH)
    digest: Mapped[str | None] = mapped_column(HASH)
    digest_before: Mapped[str | None] = mapped_column(HASH)
    name: Mapped[str] = mapped_column(NAME)
    before: Mapped[dict[str, Any]] = mapped_column(default=dict)
    after: Mapped[dict[str, Any]] = mapped_column(default=dict)
    reason: Mapped[str | None] = mapped_column(String(256))
    outcome: Mapped[str | None] = mapped_column(String(64))


READ_TABLES = (DirectoryStageRow, DirectoryStageMemberRow)
APPLIED_TABLES = (
    *(DirectoryChangeRow, DirectoryLinkRow, DirectoryMemberRow),
    *(UserRow, CredentialRow, MembershipRow),
)
"""What a run fills while it reads, and while it is applied."""
