"""Who is in the groups that a directory owns: their members' members too, worked out here.

Directories list direct members only, by address; groups may contain each other in circles.
"""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from idp.core.group_roles import (
    end_lost_roles,
    hold_leaving,
    keep_last_owners,
    note_joining,
    roles_by_group,
)
from idp.core.work import UnitOfWork
from idp.store import directory_members
from idp.store.directories import DirectoryGroupRow
from idp.store.directory_members import Children, read_children
from idp.store.groups import MembershipRow

_GROUPS_AT_ONCE = 50
_MEMBERS_AT_ONCE = 5000


def affected_groups(
    uow: UnitOfWork, connector: str, run_id: str, changed: Iterable[str]
) -> list[str]:
    """Return the ids of the groups whose members may be others after a run, sorted.

    Args:
        changed: groups that the run made or changed.
    """
    connection = uow.db.connection()
    children = read_children(connection, uow.realm, connector)
    of_people = directory_members.groups_of_changed(connection, uow.realm, connector, run_id)
    start = {*changed, *of_people}
    return sorted(group for group in children if not start.isdisjoint(_below(children, group)))


def all_groups(uow: UnitOfWork, connector: str) -> list[str]:
    """Return the ids of all groups of a directory, sorted."""
    return sorted(read_children(uow.db.connection(), uow.realm, connector))


def settle_some(uow: UnitOfWork, connector: str, waiting: Sequence[str]) -> str:
    """Settle as many of the waiting groups as one transaction should; return the last of them."""
    children = read_children(uow.db.connection(), uow.realm, connector)
    settled = 0
    for group_id in waiting[:_GROUPS_AT_ONCE]:
        _settle(uow, connector, group_id, sorted(_below(children, group_id)))
        settled += directory_members.count_members(uow.db.connection(), uow.realm, group_id)
        if settled >= _MEMBERS_AT_ONCE:
            break
    return group_id


def join_group(uow: UnitOfWork, group_id: str, user_id: str) -> None:
    """Have somebody new be in a group, whoever else is."""
    note_joining(uow, group_id, [user_id])
    uow.db.append(MembershipRow, group_id=group_id, user_id=user_id)
    uow.db.flush()


def _settle(uow: UnitOfWork, connector: str, group_id: str, inside: Sequence[str]) -> None:
    """Bring who is in a group up to what the directory lists.

    Who leaves one that gives a role loses it, but for the last owners: they stay until there is
    another one, and each run that reads all groups tries again.
    """
    connection = uow.db.connection()
    place = (uow.realm, connector, group_id, inside)
    if not roles_by_group(uow, [group_id]):
        directory_members.settle_members(connection, *place)
        return
    leaving = hold_leaving(uow, group_id, directory_members.leaving(*place))
    note_joining(uow, group_id, uow.db.scalars(directory_members.joining(*place)).all())
    uow.db.flush()
    directory_members.settle_members(connection, *place)
    if keep_last_owners(uow, leaving):
        _look_anew(uow, group_id)
    end_lost_roles(uow, leaving)


def _look_anew(uow: UnitOfWork, group_id: str) -> None:
    uow.db.execute(
        sa.update(DirectoryGroupRow)
        .where(DirectoryGroupRow.group_id == group_id)
        .values(digest=""),
        execution_options={"synchronize_session": False},
    )


def _below(children: Children, group: str) -> set[str]:
    """Return a group and all groups inside of it; circles end where they began."""
    seen, waiting = {group}, [group]
    while waiting:
        new = children.get(waiting.pop(), frozenset()) - seen
        seen |= new
        waiting += new
    return seen
