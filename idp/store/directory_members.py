"""Who is in the groups of a directory, and the clearing of what a run read, as whole statements.

They are Core statements over tables, so each binds the realm itself.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from idp.store.base import table_of
from idp.store.directories import (
    DirectoryGroupRow,
    DirectoryLinkRow,
    DirectoryMemberRow,
    DirectoryStageMemberRow,
    DirectoryStageRow,
)
from idp.store.groups import MembershipRow
from idp.store.users import CredentialRow

_group = table_of(DirectoryGroupRow)
_link = table_of(DirectoryLinkRow)
_member = table_of(DirectoryMemberRow)
_membership = table_of(MembershipRow)
_credential = table_of(CredentialRow)
_stage = table_of(DirectoryStageRow)
_stage_member = table_of(DirectoryStageMemberRow)

Children = Mapping[str, frozenset[str]]
"""Each group of a directory with the groups that it lists as members."""

_IS_MEMBER = sa.and_(
    _link.c.realm == _member.c.realm, _link.c.address_hash == _member.c.address_hash
)


def read_children(connection: Connection, realm: str, connector: str) -> Children:
    """Return which groups of a directory list which others."""
    own = sa.and_(_group.c.realm == realm, _group.c.connector == connector)
    places = connection.execute(sa.select(_group.c.group_id, _group.c.address_hash).where(own))
    at: defaultdict[str, list[str]] = defaultdict(list)
    found: dict[str, set[str]] = {}
    for group, address in places:
        at[address].append(group)
        found[group] = set()
    listing = sa.select(_member.c.group_id, _member.c.address_hash).where(
        _member.c.realm == realm,
        _member.c.address_hash.in_(sa.select(_group.c.address_hash).where(own)),
    )
    for parent, address in connection.execute(listing):
        if parent in found:
            found[parent].update(at[address])
    return {group: frozenset(children) for group, children in found.items()}


def groups_of_changed(connection: Connection, realm: str, connector: str, run_id: str) -> set[str]:
    """Return the groups that list somebody whom a run changed, or in which somebody such is."""
    changed = sa.and_(
        _link.c.realm == realm, _link.c.connector == connector, _link.c.run_id == run_id
    )
    listing = sa.select(_member.c.group_id).join(_link, _IS_MEMBER).where(changed)
    holding = sa.select(_membership.c.group_id).where(
        _membership.c.realm == realm,
        _membership.c.user_id.in_(sa.select(_link.c.user_id).where(changed)),
    )
    # Two statements, because SQLite compares everybody with everybody to unite them.
    return {group for query in (listing, holding) for group in connection.scalars(query.distinct())}


def leaving(realm: str, connector: str, group_id: str, inside: Collection[str]) -> sa.Select[str]:
    """Return the query for the members of a group whom none of the groups `inside` of it lists."""
    return _present(realm, group_id).where(_is_unlisted(realm, connector, inside))


def joining(realm: str, connector: str, group_id: str, inside: Collection[str]) -> sa.Select[str]:
    """Return the query for those whom a group `inside` of a group lists, who are not in it yet."""
    present = _present(realm, group_id).where(_membership.c.user_id == _link.c.user_id)
    # Not "not in": PostgreSQL would go through everybody rather than ask that of each member.
    return _wanted(realm, connector, inside).where(~present.correlate(_link).exists())


def settle_members(
    connection: Connection, realm: str, connector: str, group_id: str, inside: Collection[str]
) -> None:
    """Make a group's members those whom any of the groups `inside` of it lists.

    What a password was refused for by the rules of a group is judged anew once it is left.
    """
    place = (realm, connector, group_id, inside)
    connection.execute(
        sa.update(_credential)
        .where(
            _credential.c.realm == realm,
            _credential.c.user_id.in_(leaving(*place)),
            _credential.c.refused_under.is_not(None),
        )
        .values(refused_under=None)
    )
    connection.execute(
        sa.delete(_membership).where(
            _membership.c.realm == realm,
            _membership.c.group_id == group_id,
            _is_unlisted(realm, connector, inside),
        )
    )
    new = joining(*place).add_columns(_literal(realm), _literal(group_id))
    names = ("user_id", "realm", "group_id")
    connection.execute(sa.insert(_membership).from_select(names, new))


def _wanted(realm: str, connector: str, inside: Collection[str]) -> sa.Select[str]:
    # No join: SQLite would go from everybody to the members instead of the other way round.
    listed = sa.select(_member.c.address_hash).where(
        _member.c.realm == realm, _member.c.group_id.in_(inside)
    )
    return sa.select(_link.c.user_id).where(
        _link.c.realm == realm,
        _link.c.connector == connector,
        _link.c.gone_since.is_(None),
        _link.c.address_hash.in_(listed),
    )


def _is_unlisted(realm: str, connector: str, inside: Collection[str]) -> sa.ColumnElement[bool]:
    """Return the condition that none of the groups `inside` lists the user of a membership."""
    own = _wanted(realm, connector, inside).where(_link.c.user_id == _membership.c.user_id)
    # Not "not in": PostgreSQL would compare each of many members with everybody who is listed.
    return ~own.correlate(_membership).exists()


def _present(realm: str, group_id: str) -> sa.Select[str]:
    return sa.select(_membership.c.user_id).where(
        _membership.c.realm == realm, _membership.c.group_id == group_id
    )


def count_members(connection: Connection, realm: str, group_id: str) -> int:
    """Return how many are in a group."""
    present = _present(realm, group_id).subquery()
    return connection.execute(sa.select(sa.func.count()).select_from(present)).scalar_one()


def take_members(
    connection: Connection, realm: str, run_id: str, stable_id: str, group_id: str
) -> None:
    """Make the direct members of a group those that a run read."""
    connection.execute(
        sa.delete(_member).where(_member.c.realm == realm, _member.c.group_id == group_id)
    )
    listed = sa.select(_literal(realm), _literal(group_id), _stage_member.c.address_hash).where(
        _stage_member.c.realm == realm,
        _stage_member.c.run_id == run_id,
        _stage_member.c.stable_id == stable_id,
    )
    names = ("realm", "group_id", "address_hash")
    connection.execute(sa.insert(_member).from_select(names, listed))


def forget_stage(connection: Connection, realm: str, run_id: str, *, limit: int) -> int:
    """Delete up to `limit` rows of what a run read; return how many there were."""
    deleted = 0
    for table in (_stage_member, _stage):
        if deleted < limit:
            deleted += _delete_some(connection, table, realm, run_id, limit - deleted)
    return deleted


def _delete_some(
    connection: Connection, table: sa.Table, realm: str, run_id: str, limit: int
) -> int:
    key = list(table.primary_key.columns)
    some = sa.select(*key).where(table.c.realm == realm, table.c.run_id == run_id).limit(limit)
    gone = connection.execute(
        sa.delete(table).where(table.c.realm == realm, sa.tuple_(*key).in_(some))
    )
    return gone.rowcount


def _literal(value: str) -> sa.BindParameter[Any]:
    return sa.literal(str(value), sa.String)
