"""Administrator roles: who holds them, and that at least one owner can always act.

A role is granted to an account, or given by a group to its members (`idp.core.group_roles`).
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa

from idp.core.accounts import find_account_to_write
from idp.core.epochs import EpochCause, move_epoch
from idp.core.events import Event, EventCode
from idp.core.work import Actor, UnitOfWork
from idp.errors import Conflict, NotFound, SignInTooOld
from idp.ids import RealmName, UserId
from idp.store.realms import RealmRow
from idp.store.roles import held_roles
from idp.store.users import RoleGrantRow, UserRow

ADMIN_REALM = RealmName("staff")
"""The one realm whose users can be administrators (CONTRACT 5)."""
_RECENT = timedelta(minutes=15)


class AdminRole(StrEnum):
    """What an administrator may do: everything, or look at everything."""

    OWNER = "owner"
    AUDITOR = "auditor"


def require_recent_sign_in(actor: Actor, now: datetime) -> None:
    """Return when a person typed the password lately, for what many would have to live with.

    Refreshing an access token does not make the sign-in a later one.

    Raises:
        SignInTooOld: `token.sign_in_too_old`, with `max_age` in seconds.
    """
    if actor.signed_in_at is not None and now - actor.signed_in_at > _RECENT:
        raise SignInTooOld(max_age=int(_RECENT.total_seconds()))


def roles_by_user(uow: UnitOfWork, user_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the roles of each of these users that has any; one SELECT."""
    held = held_roles(uow.realm, list(user_ids))
    query = sa.select(held.c.user_id, held.c.role).distinct().order_by(held.c.role)
    found: dict[str, tuple[str, ...]] = {}
    for user_id, role in uow.db.execute(query):
        found[user_id] = (*found.get(user_id, ()), role)
    return found


def holds_role(uow: UnitOfWork, user_id: UserId, role: AdminRole) -> bool:
    """Tell whether a user holds a role, however it came."""
    return role in roles_by_user(uow, [user_id]).get(user_id, ())


def acting_owners(uow: UnitOfWork) -> sa.Select[str]:
    """Return the query for the ids of owners who can act: active and not locked."""
    held = held_roles(uow.realm)
    owners = sa.select(held.c.user_id).where(held.c.role == AdminRole.OWNER.value)
    return sa.select(UserRow.id).where(
        UserRow.id.in_(owners), UserRow.status == "active", UserRow.locked_at.is_(None)
    )


def has_owner(uow: UnitOfWork, *, besides: UserId | None = None) -> bool:
    """Tell whether the realm has an owner who can act."""
    query = acting_owners(uow)
    if besides is not None:
        query = query.where(UserRow.id != besides)
    return uow.db.scalar(query.limit(1)) is not None


def require_other_owner(uow: UnitOfWork, user_id: UserId) -> None:
    """Return when the realm can spare this user: no owner, or not the last one who can act.

    Owners who lose their role, or are locked or deactivated, wait for each other here; so two
    of them cannot go at the same moment.

    Raises:
        Conflict: `admin.last_owner`.
    """
    if not holds_role(uow, user_id, AdminRole.OWNER):
        return
    hold_owners(uow)
    if not has_owner(uow, besides=user_id):
        raise Conflict("admin.last_owner")


def require_owner(uow: UnitOfWork) -> None:
    """Return when somebody is still an owner who can act, after a role was taken away.

    Raises:
        Conflict: `admin.last_owner`.
    """
    hold_owners(uow)
    if not has_owner(uow):
        raise Conflict("admin.last_owner")


def hold_owners(uow: UnitOfWork) -> None:
    """Wait until nobody else makes owners fewer, and have others wait.

    Whoever is to lose the role is locked before, in the order in which sign-ins lock.
    """
    uow.db.get(
        RealmRow,
        uow.realm,
        with_for_update={"key_share": True},
        populate_existing=True,
    )


def grant_role(uow: UnitOfWork, user_id: UserId, role: AdminRole) -> bool:
    """Grant a user a role; tell whether it was not granted yet. A group may give it besides.

    Raises:
        NotFound: `user.not_found`.
        Conflict: `admin.other_realm`: only users of the staff realm can be administrators.
    """
    if uow.realm != ADMIN_REALM:
        raise Conflict("admin.other_realm", realm=ADMIN_REALM)
    _hold_user(uow, user_id)
    if _is_granted(uow, user_id, role):
        return False
    uow.db.add(RoleGrantRow(user_id=user_id, role=role.value, granted_at=uow.now))
    uow.db.flush()
    uow.record(Event(code=EventCode.ADMIN_GRANTED, subject_id=user_id, params={"role": role.value}))
    return True


def revoke_role(uow: UnitOfWork, user_id: UserId, role: AdminRole) -> bool:
    """Take a granted role away; tell whether it was granted. Whatever was given under it ends.

    Who holds the role through a group as well keeps it, and loses nothing.

    Raises:
        NotFound: `user.not_found`.
        Conflict: `admin.last_owner`.
    """
    _hold_user(uow, user_id)
    if not _is_granted(uow, user_id, role):
        return False
    uow.db.execute(
        sa.delete(RoleGrantRow).where(
            RoleGrantRow.user_id == user_id, RoleGrantRow.role == role.value
        )
    )
    if not holds_role(uow, user_id, role):
        if role is AdminRole.OWNER:
            require_owner(uow)
        move_epoch(uow, user_id, EpochCause.ROLE_LOST)
    uow.record(Event(code=EventCode.ADMIN_REVOKED, subject_id=user_id, params={"role": role.value}))
    return True


def _is_granted(uow: UnitOfWork, user_id: UserId, role: AdminRole) -> bool:
    return uow.db.get(RoleGrantRow, (uow.realm, user_id, role.value)) is not None


def _hold_user(uow: UnitOfWork, user_id: UserId) -> None:
    if find_account_to_write(uow, user_id) is None:
        raise NotFound("user.not_found")
