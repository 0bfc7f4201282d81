"""Where accounts and groups of a directory lie: each address is one's, whoever moves in a run.

Groups list their members by address. What a run read of a group is what the directory says of it
now. A group that it did not read says who lay there when it was read last: it follows them, and is
taken as new the next time it is read. So whoever is known to lie where somebody else arrives steps
aside first, to an address that nobody else can have, and stays in those groups there until this
run, or a later one, tells where they are. Each transaction leaves it like that, so moves can come
in any order, and a run can end anywhere.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import sqlalchemy as sa

from idp.core.work import UnitOfWork
from idp.store.directory_addresses import follow_moves, list_places, put_places
from idp.store.users import UserRow

_ASIDE = "aside "


@dataclass(frozen=True, slots=True)
class Applying:
    """Which run of which directory is applied; `run_id` is empty for somebody new who signed in."""

    connector: str
    run_id: str


def make_room(uow: UnitOfWork, applying: Applying, wanted: Collection[str]) -> Mapping[str, str]:
    """Have whoever is known to lie at these addresses step aside.

    Returns:
        The addresses that somebody left, each with the one where they lie now.
    """
    if not wanted:
        return {}
    uow.db.flush()
    connection = uow.db.connection()
    places = list_places(connection, uow.realm, applying.connector, applying.run_id, wanted)
    if not places:
        return {}
    _hold_users(uow, [place.id for place in places if not place.is_group])
    moves = {place.address: aside(place.id) for place in places}
    follow(uow, applying, moves)
    put_places(connection, uow.realm, [replace(p, address=aside(p.id)) for p in places])
    return moves


def follow(uow: UnitOfWork, applying: Applying, moves: Mapping[str, str]) -> None:
    """Have groups that the run did not read list others where they lie now.

    Args:
        moves: old addresses with new ones, at which there is room.
    """
    changed = {old: new for old, new in moves.items() if old != new}
    if changed:
        uow.db.flush()
        follow_moves(uow.db.connection(), uow.realm, applying.connector, applying.run_id, changed)


def arrive(uow: UnitOfWork, applying: Applying, old: str, new: str) -> None:
    """Have somebody lie at a new address, as far as others and the groups are concerned."""
    if old != new:
        make_room(uow, applying, [new])
        follow(uow, applying, {old: new})


def aside(subject_id: str) -> str:
    """Return the address of an account or a group of which it is not known where it lies."""
    return f"{_ASIDE}{subject_id}"


def _hold_users(uow: UnitOfWork, user_ids: Collection[str]) -> None:
    """Lock users as a sign-in does it: before their links."""
    query = sa.select(UserRow.id).where(UserRow.id.in_(user_ids)).order_by(UserRow.id)
    uow.db.execute(query.with_for_update(key_share=True)).all()
