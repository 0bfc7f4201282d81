"""What the groups of a user decide, as columns of the statements of the hot paths.

Their statements select from the tables of realms and users, and bind the realm themselves.
"""

from typing import Any

import sqlalchemy as sa

from idp.store.base import table_of
from idp.store.clients import ClientGroupRow, ClientRow
from idp.store.groups import GroupRow, MembershipRow
from idp.store.realms import RealmRow
from idp.store.users import UserRow

SEPARATOR = "\n"

_realm = table_of(RealmRow)
_user = table_of(UserRow)
_group = table_of(GroupRow)
_membership = table_of(MembershipRow)
_limited = table_of(ClientRow).alias("limited")
_allowed = table_of(ClientGroupRow)

# As a parameter the separator would have the statement's text made anew at each execution.
_separator: Any = sa.literal_column(f"'{SEPARATOR}'")
_keys = (
    sa.select(sa.func.aggregate_strings(_group.c.name_key, _separator))
    .select_from(
        _membership.join(
            _group,
            sa.and_(_group.c.realm == _membership.c.realm, _group.c.id == _membership.c.group_id),
        )
    )
    .where(_membership.c.realm == _user.c.realm, _membership.c.user_id == _user.c.id)
    .correlate(_user)
    .scalar_subquery()
)
GROUP_KEYS = sa.case((_realm.c.policy_by_group, _keys)).label("group_keys")
"""The folded names of a user's groups, one a line; None for a user who is in none.

Looked up only while the policy in force asks for them.
"""


def is_kept_out(client_id: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Return whether a client is limited to groups, and the user is in none of them."""
    lets_in = (
        sa.exists()
        .where(
            _allowed.c.realm == _limited.c.realm,
            _allowed.c.client_id == _limited.c.client_id,
            _membership.c.realm == _allowed.c.realm,
            _membership.c.group_id == _allowed.c.group_id,
            _membership.c.user_id == _user.c.id,
        )
        .correlate(_limited, _user)
    )
    return (
        sa.exists()
        .where(
            _limited.c.realm == _user.c.realm,
            _limited.c.client_id == client_id,
            _limited.c.is_limited,
            ~lets_in,
        )
        .label("is_kept_out")
    )
