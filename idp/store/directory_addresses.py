"""Who lies where in a directory, and the lists of groups that follow them, as whole statements.

They are Core statements over tables, so each binds the realm itself.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from idp.store.base import table_of
from idp.store.directories import (
    DirectoryGroupRow,
    DirectoryLinkRow,
    DirectoryMemberRow,
    DirectoryStageRow,
)

_group = table_of(DirectoryGroupRow)
_link = table_of(DirectoryLinkRow)
_member = table_of(DirectoryMemberRow)
_stage = table_of(DirectoryStageRow)

_GROUP_KINDS = ("group",)
_USER_KINDS = ("user", "seen")


@dataclass(frozen=True, slots=True)
class Place:
    """An account or a group of a directory, and the address where it is known to lie."""

    id: str
    address: str
    is_group: bool


def list_places(
    connection: Connection, realm: str, connector: str, run_id: str, addresses: Collection[str]
) -> list[Place]:
    """Return who is known to lie at some addresses, but for those whom the run saw just there.

    Who is gone comes first.
    """
    people = (
        sa.select(_link.c.user_id, _link.c.address_hash)
        .where(_of(_link, realm, connector), _link.c.address_hash.in_(addresses))
        .where(sa.not_(_is_seen_there(_link, run_id, _USER_KINDS)))
        .order_by(_link.c.gone_since.is_(None))
    )
    groups = sa.select(_group.c.group_id, _group.c.address_hash).where(
        _of(_group, realm, connector),
        _group.c.address_hash.in_(addresses),
        sa.not_(_is_seen_there(_group, run_id, _GROUP_KINDS)),
    )
    return [
        *(Place(*row, is_group=False) for row in connection.execute(people)),
        *(Place(*row, is_group=True) for row in connection.execute(groups)),
    ]


def put_places(connection: Connection, realm: str, places: Iterable[Place]) -> None:
    """Note where accounts and groups lie now."""
    moved = list(places)
    for table, key, is_group in (
        (_link, _link.c.user_id, False),
        (_group, _group.c.group_id, True),
    ):
        rows = [{"own": p.id, "new": p.address} for p in moved if p.is_group is is_group]
        if rows:
            connection.execute(
                sa.update(table)
                .where(table.c.realm == realm, key == _text("own"))
                .values(address_hash=_text("new")),
                rows,
            )


def follow_moves(
    connection: Connection, realm: str, connector: str, run_id: str, moves: Mapping[str, str]
) -> None:
    """Have the groups that a run did not read list others where they lie now, all at once.

    Each that does is as if it had never been read, so the next run that reads it takes its list.

    Args:
        moves: old addresses with new ones, none of which is an old one too.
    """
    listed = _list_unread(connection, realm, connector, run_id, {*moves, *moves.values()})
    found = [each for each in listed if each[1] in moves]
    if not found:
        return
    new = {(group, moves[at]) for group, at in found} - listed
    own, old = _text("own"), _text("old")
    connection.execute(
        sa.delete(_member).where(
            _member.c.realm == realm, _member.c.group_id == own, _member.c.address_hash == old
        ),
        [{"own": group, "old": at} for group, at in found],
    )
    if new:
        connection.execute(
            sa.insert(_member),
            [{"realm": realm, "group_id": group, "address_hash": at} for group, at in sorted(new)],
        )
    connection.execute(
        sa.update(_group)
        .where(_group.c.realm == realm, _group.c.group_id == own)
        .values(digest=""),
        [{"own": group} for group in sorted({group for group, _ in found})],
    )


def _list_unread(
    connection: Connection, realm: str, connector: str, run_id: str, addresses: Collection[str]
) -> set[tuple[str, str]]:
    """Return which groups list which of some addresses, that a run did not read or may not take.

    It does not take one whose list was changed since it was read.
    """
    rows = connection.execute(
        sa.select(_member.c.group_id, _member.c.address_hash).where(
            _member.c.realm == realm, _member.c.address_hash.in_(addresses)
        )
    ).all()
    groups = {row.group_id for row in rows}
    unread = set(
        connection.scalars(
            sa.select(_group.c.group_id).where(
                _of(_group, realm, connector),
                _group.c.group_id.in_(groups),
                sa.or_(_group.c.digest == "", sa.not_(_is_staged(_group, run_id, _GROUP_KINDS))),
            )
        )
    )
    return {(row.group_id, row.address_hash) for row in rows if row.group_id in unread}


def _text(name: str) -> sa.BindParameter[str]:
    return sa.bindparam(name, type_=sa.String())


def _of(table: sa.Table, realm: str, connector: str) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.realm == realm, table.c.connector == connector)


def _is_staged(table: sa.Table, run_id: str, kinds: Collection[str]) -> sa.Exists:
    return sa.exists().where(
        _stage.c.realm == table.c.realm,
        _stage.c.run_id == run_id,
        _stage.c.kind.in_(kinds),
        _stage.c.stable_id == table.c.stable_id,
    )


def _is_seen_there(table: sa.Table, run_id: str, kinds: Collection[str]) -> sa.Exists:
    return _is_staged(table, run_id, kinds).where(_stage.c.address_hash == table.c.address_hash)
