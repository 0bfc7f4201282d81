"""Who is in the groups that a directory owns: their members' members too, worked out here.

Directories list direct members only, by address; groups may contain each other in circles.
"""

from collections.abc import Iterable

from idp.core.work import UnitOfWork
from idp.store import directory_members
from idp.store.directory_members import Children, read_children


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


def settle_members(uow: UnitOfWork, connector: str, group_id: str) -> None:
    """Bring who is in a group up to what the directory lists."""
    connection = uow.db.connection()
    inside = _below(read_children(connection, uow.realm, connector), group_id)
    directory_members.settle_members(connection, uow.realm, connector, group_id, sorted(inside))


def _below(children: Children, group: str) -> set[str]:
    """Return a group and all groups inside of it; circles end where they began."""
    seen, waiting = {group}, [group]
    while waiting:
        new = children.get(waiting.pop(), frozenset()) - seen
        seen |= new
        waiting += new
    return seen
