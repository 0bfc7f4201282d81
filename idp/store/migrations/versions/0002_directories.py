"""Directories that own accounts: their links, groups, runs and what a run would change.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

from idp.store.base import JsonDocument, UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this revision."""
    op.create_table(
        "directories",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("scope_digest", sa.String(length=64), nullable=True),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("full_at", UtcDateTime(), nullable=True),
        sa.Column("swept_at", UtcDateTime(), nullable=True),
        sa.Column("changes_at", UtcDateTime(), nullable=True),
        sa.Column("held_run_id", sa.String(length=36), nullable=True),
        sa.Column("reader", sa.String(length=36), nullable=True),
        sa.Column("reads_until", UtcDateTime(), nullable=True),
        sa.Column("unsettled", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_directories_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("realm", "name", name=op.f("pk_directories")),
    )
    op.create_table(
        "directory_runs",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("connector", sa.String(length=64), nullable=False),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("scope_digest", sa.String(length=64), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("counts", JsonDocument, nullable=False),
        sa.Column("held_because", JsonDocument, nullable=False),
        sa.Column("error", sa.String(length=1024), nullable=True),
        sa.Column("plan_id", sa.String(length=36), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_directory_runs_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("realm", "id", name=op.f("pk_directory_runs")),
    )
    op.create_index(
        "ix_directory_runs_realm_connector_id",
        "directory_runs",
        ["realm", "connector", "id"],
        unique=False,
    )
    op.create_table(
        "directory_changes",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("op", sa.String(length=16), nullable=False),
        sa.Column("stable_id", sa.String(length=256), nullable=False),
        sa.Column("subject_id", sa.String(length=36), nullable=True),
        sa.Column("address_hash", sa.String(length=64), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("digest_before", sa.String(length=64), nullable=True),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("before", JsonDocument, nullable=False),
        sa.Column("after", JsonDocument, nullable=False),
        sa.Column("reason", sa.String(length=256), nullable=True),
        sa.Column("outcome", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["realm", "run_id"],
            ["directory_runs.realm", "directory_runs.id"],
            name=op.f("fk_directory_changes_realm_run_id"),
        ),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_directory_changes_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("realm", "run_id", "position", name=op.f("pk_directory_changes")),
    )
    op.create_table(
        "directory_groups",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("group_id", sa.String(length=36), nullable=False),
        sa.Column("connector", sa.String(length=64), nullable=False),
        sa.Column("stable_id", sa.String(length=256), nullable=False),
        sa.Column("address_hash", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["realm", "group_id"],
            ["groups.realm", "groups.id"],
            name=op.f("fk_directory_groups_realm_group_id"),
        ),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_directory_groups_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("realm", "group_id", name=op.f("pk_directory_groups")),
        sa.UniqueConstraint(
            "realm",
            "connector",
            "stable_id",
            name=op.f("uq_directory_groups_realm_connector_stable_id"),
        ),
    )
    op.create_table(
        "directory_links",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("connector", sa.String(length=64), nullable=False),
        sa.Column("stable_id", sa.String(length=256), nullable=False),
        sa.Column("login", sa.String(length=256), nullable=False),
        sa.Column("address_hash", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("is_disabled", sa.Boolean(), nullable=False),
        sa.Column("is_removed", sa.Boolean(), nullable=False),
        sa.Column("gone_since", UtcDateTime(), nullable=True),
        sa.Column("erased_at", UtcDateTime(), nullable=True),
        sa.Column("checked_at", UtcDateTime(), nullable=False),
        sa.Column("run_id", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(
            ["realm", "user_id"],
            ["users.realm", "users.id"],
            name=op.f("fk_directory_links_realm_user_id"),
        ),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_directory_links_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("realm", "user_id", name=op.f("pk_directory_links")),
        sa.UniqueConstraint(
            "realm",
            "connector",
            "stable_id",
            name=op.f("uq_directory_links_realm_connector_stable_id"),
        ),
    )
    op.create_index(
        "ix_directory_links_realm_connector_address",
        "directory_links",
        ["realm", "connector", "address_hash"],
        unique=False,
    )
    op.create_table(
        "directory_members",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("group_id", sa.String(length=36), nullable=False),
        sa.Column("address_hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["realm", "group_id"],
            ["groups.realm", "groups.id"],
            name=op.f("fk_directory_members_realm_group_id"),
        ),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_directory_members_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint(
            "realm", "group_id", "address_hash", name=op.f("pk_directory_members")
        ),
    )
    op.create_index(
        "ix_directory_members_realm_address",
        "directory_members",
        ["realm", "address_hash"],
        unique=False,
    )
    op.create_table(
        "directory_stage",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("stable_id", sa.String(length=256), nullable=False),
        sa.Column("address_hash", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("login_key", sa.String(length=256), nullable=True),
        sa.Column("document", JsonDocument, nullable=False),
        sa.ForeignKeyConstraint(
            ["realm", "run_id"],
            ["directory_runs.realm", "directory_runs.id"],
            name=op.f("fk_directory_stage_realm_run_id"),
        ),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_directory_stage_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint(
            "realm", "run_id", "kind", "stable_id", name=op.f("pk_directory_stage")
        ),
    )
    op.create_index(
        "ix_directory_stage_realm_run_id_address",
        "directory_stage",
        ["realm", "run_id", "address_hash"],
        unique=False,
    )
    op.create_table(
        "directory_stage_members",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("stable_id", sa.String(length=256), nullable=False),
        sa.Column("address_hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["realm", "run_id"],
            ["directory_runs.realm", "directory_runs.id"],
            name=op.f("fk_directory_stage_members_realm_run_id"),
        ),
        sa.ForeignKeyConstraint(
            ["realm"],
            ["realms.name"],
            name=op.f("fk_directory_stage_members_realm"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint(
            "realm", "run_id", "stable_id", "address_hash", name=op.f("pk_directory_stage_members")
        ),
    )
    op.add_column("users", sa.Column("connector", sa.String(length=64), nullable=True))
    # ### end Alembic commands ###
