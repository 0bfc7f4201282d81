"""From what was asked for to whom it means: the selection and the exclusions of a bulk reset."""

from collections import Counter
from collections.abc import Iterable

import sqlalchemy as sa

from idp.core.admins import list_admins
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
from idp.errors import Forbidden, InvalidInput
from idp.ids import RealmName
from idp.store.campaigns import Criteria, Exclusion, Plan, find_administrators, find_known_users
from idp.store.groups import GroupRow


def plan_of(realm: RealmName, plan_id: str, order: ResetOrder, acting_id: str | None) -> Plan:
    """Return a plan with what its order leaves out (DECISIONS 13, 14).

    Args:
        acting_id: the acting administrator, unless included.
    """
    is_unasked = order.mode is ResetMode.SHARED and not isinstance(order.select, TheseUsers)
    exclusion = Exclusion(
        acting_id=acting_id,
        administrators=order.exclude_administrators or is_unasked,
        without_email=order.mode is ResetMode.LINK,
        without_password=order.mode is ResetMode.REQUIRE_CHANGE,
    )
    return Plan(realm, plan_id, exclusion)


def check_named(uow: UnitOfWork, order: ResetOrder) -> None:
    """Return unless an order that must not reach administrators names one.

    Raises:
        Forbidden: `admin.subject_is_administrator`, with their ids.
    """
    if order.exclude_administrators and isinstance(order.select, TheseUsers):
        refuse_administrators(set(order.select.ids) & {admin.user_id for admin in list_admins(uow)})


def refuse_administrators(user_ids: Iterable[str]) -> None:
    """Return when there are none.

    Raises:
        Forbidden: `admin.subject_is_administrator`, with their ids.
    """
    found = sorted(user_ids)
    if found:
        raise Forbidden("admin.subject_is_administrator", user_ids=found)


def list_administrators(uow: UnitOfWork, plan_id: str) -> list[str]:
    """Return the ids of those whom a plan would reset and who hold an administrator role now."""
    return find_administrators(uow.db.connection(), uow.realm, plan_id)


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
