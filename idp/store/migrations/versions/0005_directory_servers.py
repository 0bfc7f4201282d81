"""Servers of directories that failed of late.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

from idp.store.base import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this revision."""
    op.create_table(
        "directory_servers",
        sa.Column("connector", sa.String(length=64), nullable=False),
        sa.Column("server", sa.String(length=300), nullable=False),
        sa.Column("failed_at", UtcDateTime(), nullable=False),
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_directory_servers_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("realm", "connector", "server", name=op.f("pk_directory_servers")),
    )
