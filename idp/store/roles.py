"""Who holds which administrator role: one granted to the account, or one that a group gives.

What a group gives is worked out at each look and copied nowhere, so a sync neither adds nor takes
a grant. These are Core statements over tables, so each binds the realm itself.
"""

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from idp.store.base import table_of
from idp.store.groups import GroupRoleRow, MembershipRow
from idp.store.users import RoleGrantRow

_grant = table_of(RoleGrantRow)
_membership = table_of(MembershipRow)
_group_role = table_of(GroupRoleRow)

_GIVES = sa.and_(
    _group_role.c.realm == _membership.c.realm, _group_role.c.group_id == _membership.c.group_id
)


def held_roles(realm: str, user_ids: Collection[str] | None = None) -> sa.Subquery:
    """Return `user_id`, `role`, `granted_at` and the `group_id` that gives it, NULL for a grant.

    A role that is held in several ways comes as often.
    """
    granted = sa.select(
        _grant.c.user_id,
        _grant.c.role,
        _grant.c.granted_at,
        sa.cast(sa.null(), _membership.c.group_id.type).label("group_id"),
    ).where(_grant.c.realm == realm)
    given = (
        sa.select(
            _membership.c.user_id,
            _group_role.c.role,
            _group_role.c.granted_at,
            _membership.c.group_id,
        )
        .join(_group_role, _GIVES)
        .where(_membership.c.realm == realm)
    )
    if user_ids is not None:
        granted = granted.where(_grant.c.user_id.in_(user_ids))
        given = given.where(_membership.c.user_id.in_(user_ids))
    return sa.union_all(granted, given).subquery("held_roles")


def has_role(realm: Any, user_id: Any) -> sa.ColumnElement[bool]:  # noqa: ANN401 - columns of a table
    """Return the condition that a user holds any role."""
    granted = sa.exists().where(_grant.c.realm == realm, _grant.c.user_id == user_id)
    given = sa.exists().where(
        _GIVES, _membership.c.realm == realm, _membership.c.user_id == user_id
    )
    return sa.or_(granted, given)
