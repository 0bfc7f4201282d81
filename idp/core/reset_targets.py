"""From what was asked for to whom it means: the selection and the exclusions of a bulk reset."""

from collections import Counter

import sqlalchemy as sa

from idp.core.names import name_key
from idp.core.reset_orders import (
    Everyone,
    InGroups,
    JudgedBelow,
    PasswordSetBefore,
    ResetMode,
    ResetOrder,
    Selection,
    TheseUsers,
)
from idp.core.work import UnitOfWork
from idp.errors import InvalidInput
from idp.ids import RealmName
from idp.store.campaigns import Criteria, Exclusion, Plan, find_known_users
from idp.store.groups import GroupRow


def plan_of(realm: RealmName, plan_id: str, order: ResetOrder, acting_id: str | None) -> Plan:
    """Return a plan with what its order leaves out (DECISIONS 13, 14).

    Args:
        acting_id: the acting administrator, unless included.
    """
    is_shared = order.mode is ResetMode.SHARED
    exclusion = Exclusion(
        acting_id=acting_id,
        administrators=is_shared and not isinstance(order.select, TheseUsers),
        without_email=order.mode is ResetMode.LINK,
        without_password=order.mode is ResetMode.REQUIRE_CHANGE,
    )
    return Plan(realm, plan_id, exclusion)


def criteria_of(uow: UnitOfWork, select: Selection) -> Criteria:
    """Return whom a selection means in this realm.

    Raises:
        InvalidInput: groups or users that the realm does not have, or users named twice; all of
            them are listed.
    """
    match select:
        case Everyone():
            return Criteria()
        case InGroups(names):
            return Criteria(group_ids=_find_groups(uow, names))
        case TheseUsers(ids):
            _check_users(uow, ids)
            return Criteria(user_ids=ids)
        case PasswordSetBefore(at):
            return Criteria(set_before=at)
        case JudgedBelow(version):
            return Criteria(judged_below=version)


def _find_groups(uow: UnitOfWork, names: tuple[str, ...]) -> tuple[str, ...]:
    keys = {name_key(name): name for name in names}
    query = sa.select(GroupRow).where(GroupRow.name_key.in_(keys))
    found = {group.name_key: group.id for group in uow.db.scalars(query)}
    unknown = sorted(name for key, name in keys.items() if key not in found)
    if unknown:
        raise InvalidInput("reset.groups_unknown", unknown=unknown)
    return tuple(sorted(found.values()))


def _check_users(uow: UnitOfWork, ids: tuple[str, ...]) -> None:
    twice = sorted(user_id for user_id, count in Counter(ids).items() if count > 1)
    known = find_known_users(uow.db.connection(), uow.realm, ids)
    unknown = sorted(set(ids) - known)
    if twice or unknown:
        raise InvalidInput("reset.users_refused", unknown=unknown, duplicate=twice)
