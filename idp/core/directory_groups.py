"""Groups that a directory owns: their name and their members come from there alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from idp.core.work import UnitOfWork
from idp.errors import Conflict
from idp.store.directories import VANISHED, DirectoryGroupRow
from idp.store.groups import GroupRow


@dataclass(frozen=True, slots=True)
class GroupDirectory:
    """Which directory owns a group, and whether it has it no more."""

    connector: str
    is_missing: bool


def group_directories(uow: UnitOfWork, only: str | None = None) -> Mapping[str, GroupDirectory]:
    """Return of each group that a directory owns which one does, or of one such group."""
    known = DirectoryGroupRow
    query = sa.select(known.group_id, known.connector, known.digest == VANISHED)
    if only is not None:
        query = query.where(known.group_id == only)
    return {group: GroupDirectory(name, gone) for group, name, gone in uow.db.execute(query)}


def refuse_directory_groups(uow: UnitOfWork, group_ids: Iterable[str]) -> None:
    """Return when none of these groups is a directory's.

    Raises:
        Conflict: `group.directory_owned`, with the `names`.
    """
    owned = directory_groups(uow, group_ids)
    if owned:
        names = uow.db.scalars(sa.select(GroupRow.name).where(GroupRow.id.in_(owned)))
        raise Conflict("group.directory_owned", names=sorted(names))


def directory_groups(uow: UnitOfWork, group_ids: Iterable[str]) -> set[str]:
    """Return the ids of those of these groups that a directory owns."""
    ids = set(group_ids)
    query = sa.select(DirectoryGroupRow.group_id).where(DirectoryGroupRow.group_id.in_(ids))
    return set(uow.db.scalars(query)) if ids else set()
