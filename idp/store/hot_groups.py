"""Which groups a user is in, as a column of the statements of the hot paths.

Looked up only while the policy in force asks for it. Its statement selects from the tables of
realms and users, and binds the realm itself.
"""

from typing import Any

import sqlalchemy as sa

from idp.store.base import table_of
from idp.store.groups import GroupRow, MembershipRow
from idp.store.realms import RealmRow
from idp.store.users import UserRow

SEPARATOR = "\n"

_realm = table_of(RealmRow)
_user = table_of(UserRow)
_group = table_of(GroupRow)
_membership = table_of(MembershipRow)

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
"""The folded names of a user's groups, one a line; None for a user who is in none."""
