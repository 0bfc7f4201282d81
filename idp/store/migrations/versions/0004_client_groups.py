"""Clients that are for members of groups only.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this revision."""
    op.create_table(
        "client_groups",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("client_id", sa.String(length=256), nullable=False),
        sa.Column("group_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ["realm", "client_id"],
            ["clients.realm", "clients.client_id"],
            name=op.f("fk_client_groups_realm_client_id"),
        ),
        sa.ForeignKeyConstraint(
            ["realm", "group_id"],
            ["groups.realm", "groups.id"],
            name=op.f("fk_client_groups_realm_group_id"),
        ),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_client_groups_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("realm", "client_id", "group_id", name=op.f("pk_client_groups")),
    )
    op.create_index("ix_client_groups_realm_group_id", "client_groups", ["realm", "group_id"])
    op.add_column(
        "clients",
        sa.Column("is_limited", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    # ### end Alembic commands ###
