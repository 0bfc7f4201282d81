"""Administrator roles that a group gives: whoever is in it holds them, for as long.

A group of a directory is known by the directory's id, so a renamed one keeps its roles, and one
that vanished gives them again when it is back. Who loses a role by leaving loses what was given
under it, as with any other loss of a role.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from idp.core.epochs import EpochCause, move_epochs
from idp.core.events import Event, EventCode
from idp.core.roles import (
    ADMIN_REALM,
    AdminRole,
    has_owner,
    hold_owners,
    require_owner,
    require_recent_sign_in,
    roles_by_user,
)
from idp.core.work import UnitOfWork
from idp.errors import Conflict, Forbidden
from idp.store.groups import GroupRoleRow, GroupRow, MembershipRow
from idp.store.users import UserRow

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Leaving:
    """Who is about to lose roles that a group gives; nobody, when it gives none."""

    group_id: str
    roles: tuple[str, ...] = ()
    user_ids: Sequence[str] = ()


def roles_by_group(uow: UnitOfWork, group_ids: Iterable[str] | None) -> dict[str, tuple[str, ...]]:
    """Return the roles that each of these groups gives, or of all; one SELECT."""
    query = sa.select(GroupRoleRow.group_id, GroupRoleRow.role).order_by(GroupRoleRow.role)
    if group_ids is not None:
        query = query.where(GroupRoleRow.group_id.in_(list(group_ids)))
    found: dict[str, tuple[str, ...]] = {}
    for group_id, role in uow.db.execute(query):
        found[group_id] = (*found.get(group_id, ()), role)
    return found


def require_right_to_roles(uow: UnitOfWork, group_ids: Iterable[str]) -> None:
    """Return when the actor may give roles, or none of these groups gives any.

    Raises:
        Forbidden: `admin.group_gives_role`.
        SignInTooOld: a person who may typed the password too long ago.
    """
    if roles_by_group(uow, group_ids):
        _require_right(uow)


def grant_group_role(uow: UnitOfWork, group_id: str, role: AdminRole) -> bool:
    """Have every member of a group hold a role; tell whether the group did not give it yet.

    Raises:
        Forbidden, SignInTooOld: see `require_right_to_roles`.
        Conflict: `admin.other_realm`: only users of the staff realm can be administrators;
            `group.changed_meanwhile`, when the group is removed at this moment.
    """
    if uow.realm != ADMIN_REALM:
        raise Conflict("admin.other_realm", realm=ADMIN_REALM)
    _require_right(uow)
    group = _hold_group(uow, group_id)
    if role in roles_by_group(uow, [group_id]).get(group_id, ()):
        return False
    _record_gained(uow, group, (role,), uow.db.scalars(_members(group_id)).all())
    uow.db.add(GroupRoleRow(group_id=group_id, role=role.value, granted_at=uow.now))
    uow.db.flush()
    _record(uow, EventCode.GROUP_ROLE_GRANTED, group, role)
    return True


def revoke_group_role(uow: UnitOfWork, group_id: str, role: AdminRole) -> bool:
    """Take a role from a group and its members; tell whether the group gave it.

    Raises:
        Forbidden: `admin.group_gives_role`.
        Conflict: `admin.last_owner`; `group.changed_meanwhile`, as for giving.
    """
    require_right_to_roles(uow, [group_id])
    group = _hold_group(uow, group_id)
    if role not in roles_by_group(uow, [group_id]).get(group_id, ()):
        return False
    leaving = Leaving(group_id, (role,), _hold_users(uow, _members(group_id)))
    forget_roles(uow, group, (role,))
    end_lost_roles(uow, leaving)
    return True


def set_group_roles(uow: UnitOfWork, group_id: str, roles: Iterable[AdminRole]) -> None:
    """Make these the roles that a group gives; raises as giving and taking do."""
    wanted = set(roles)
    for role in AdminRole:
        if role in wanted:
            grant_group_role(uow, group_id, role)
        else:
            revoke_group_role(uow, group_id, role)


def forget_roles(uow: UnitOfWork, group: GroupRow, roles: Iterable[str]) -> None:
    """Have a group give these roles no more."""
    for role in roles:
        uow.db.execute(
            sa.delete(GroupRoleRow).where(
                GroupRoleRow.group_id == group.id, GroupRoleRow.role == role
            )
        )
        _record(uow, EventCode.GROUP_ROLE_REVOKED, group, role)


def note_joining(uow: UnitOfWork, group_id: str, user_ids: Collection[str]) -> None:
    """Record who is about to get a role with a place in a group.

    Raises:
        Forbidden: `admin.group_gives_role`: the actor may not make administrators.
    """
    require_right_to_roles(uow, [group_id])
    roles = roles_by_group(uow, [group_id]).get(group_id)
    if roles:
        _record_gained(uow, uow.db.get_one(GroupRow, (uow.realm, group_id)), roles, user_ids)


def hold_leaving(uow: UnitOfWork, group_id: str, leaving: sa.Select[str]) -> Leaving:
    """Note who is about to leave a group that gives roles, and keep them from changing meanwhile.

    Raises:
        Forbidden: `admin.group_gives_role`.
    """
    require_right_to_roles(uow, [group_id])
    roles = roles_by_group(uow, [group_id]).get(group_id)
    return Leaving(group_id, roles, _hold_users(uow, leaving)) if roles else Leaving(group_id)


def end_lost_roles(uow: UnitOfWork, leaving: Leaving) -> None:
    """End what was given to those who, now that they left, hold a role no more.

    Raises:
        Conflict: `admin.last_owner`.
    """
    if not leaving.user_ids:
        return
    group = uow.db.get_one(GroupRow, (uow.realm, leaving.group_id))
    lost = _lost(uow, leaving)
    if _acting(uow, [user_id for user_id, roles in lost.items() if AdminRole.OWNER in roles]):
        require_owner(uow)
    for part in _parts(list(lost)):
        move_epochs(uow, part, EpochCause.ROLE_LOST)
    for user_id, roles in lost.items():
        for role in roles:
            _record_about(uow, EventCode.ADMIN_REVOKED, user_id, group, role)


def keep_last_owners(uow: UnitOfWork, leaving: Leaving) -> bool:
    """Put back whoever left if no owner were left who can act; tell whether that was so.

    For what a directory says: people who are refused instead can do something about it.
    """
    if AdminRole.OWNER not in leaving.roles:
        return False
    uow.db.flush()
    hold_owners(uow)
    if has_owner(uow):
        return False
    kept = _acting(uow, leaving.user_ids)
    for user_id in kept:
        uow.db.append(MembershipRow, group_id=leaving.group_id, user_id=user_id)
    uow.db.flush()
    return bool(kept)


def _require_right(uow: UnitOfWork) -> None:
    if not uow.actor.may_give_roles:
        raise Forbidden("admin.group_gives_role")
    require_recent_sign_in(uow.actor, uow.now)


def _hold_group(uow: UnitOfWork, group_id: str) -> GroupRow:
    key = (uow.realm, group_id)
    group = uow.db.get(GroupRow, key, with_for_update={"key_share": True})
    if group is None:  # removed since it was looked up
        raise Conflict("group.changed_meanwhile", id=group_id)
    return group


def _members(group_id: str) -> sa.Select[str]:
    return sa.select(MembershipRow.user_id).where(MembershipRow.group_id == group_id)


def _hold_users(uow: UnitOfWork, wanted: sa.Select[str]) -> Sequence[str]:
    query = (
        sa.select(UserRow.id)
        .where(UserRow.id.in_(wanted))
        .order_by(UserRow.id)
        .with_for_update(key_share=True)
    )
    return uow.db.scalars(query).all()


def _lost(uow: UnitOfWork, leaving: Leaving) -> Mapping[str, list[str]]:
    uow.db.flush()
    lost: dict[str, list[str]] = {}
    for part in _parts(leaving.user_ids):
        held = roles_by_user(uow, part)
        for user_id in part:
            roles = [role for role in leaving.roles if role not in held.get(user_id, ())]
            if roles:
                lost[user_id] = roles
    return lost


def _acting(uow: UnitOfWork, user_ids: Sequence[str]) -> list[str]:
    return [
        user_id
        for part in _parts(user_ids)
        for user_id in uow.db.scalars(
            sa.select(UserRow.id).where(
                UserRow.id.in_(part), UserRow.status == "active", UserRow.locked_at.is_(None)
            )
        )
    ]


def _record_gained(
    uow: UnitOfWork, group: GroupRow, roles: Sequence[str], user_ids: Collection[str]
) -> None:
    for part in _parts(list(user_ids)):
        held = roles_by_user(uow, part)
        for user_id in part:
            for role in set(roles).difference(held.get(user_id, ())):
                _record_about(uow, EventCode.ADMIN_GRANTED, user_id, group, role)


def _parts(user_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(user_ids), _AT_ONCE):
        yield user_ids[start : start + _AT_ONCE]


def _record_about(
    uow: UnitOfWork, code: EventCode, user_id: str, group: GroupRow, role: str
) -> None:
    uow.record(
        Event(code=code, subject_id=user_id, params={"role": str(role), "group": group.name})
    )


def _record(uow: UnitOfWork, code: EventCode, group: GroupRow, role: str) -> None:
    uow.record(
        Event(code=code, subject_id=group.id, params={"name": group.name, "role": str(role)})
    )
