"""Groups found by their names, in any spelling."""

from collections.abc import Iterable

import sqlalchemy as sa

from idp.core.names import name_key
from idp.core.work import UnitOfWork
from idp.store.groups import GroupRow


def find_group_ids(uow: UnitOfWork, names: Iterable[str]) -> dict[str, str]:
    """Return the ids of the groups that exist among `names`, by name key."""
    keys = {name_key(name) for name in names}
    query = sa.select(GroupRow.name_key, GroupRow.id).where(GroupRow.name_key.in_(keys))
    return {row.name_key: row.id for row in uow.db.execute(query)}
