"""Groups that give their members administrator roles.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

from idp.store.base import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this revision."""
    op.create_table(
        "group_roles",
        sa.Column("realm", sa.String(length=64), nullable=False),
        sa.Column("group_id", sa.String(length=36), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("granted_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["realm", "group_id"],
            ["groups.realm", "groups.id"],
            name=op.f("fk_group_roles_realm_group_id"),
        ),
        sa.ForeignKeyConstraint(
            ["realm"], ["realms.name"], name=op.f("fk_group_roles_realm"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("realm", "group_id", "role", name=op.f("pk_group_roles")),
    )
    # ### end Alembic commands ###
