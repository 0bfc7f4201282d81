"""Administrators: users of the staff realm who hold a role, and how the first one comes to be."""

from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from idp.core.events import Event, EventCode
from idp.core.links import find_setup, redeem_setup
from idp.core.passwords import SetBy
from idp.core.roles import ADMIN_REALM, AdminRole
from idp.core.runtime import Runtime
from idp.core.users.creation import NewUser, prepare_user, write_user
from idp.core.users.views import UserStatus, UserView, get_user, status_of
from idp.core.work import NO_TRACE, Actor, Trace, UnitOfWork
from idp.errors import NotFound
from idp.ids import RawToken, UserId
from idp.store.groups import GroupRow
from idp.store.roles import held_roles
from idp.store.users import UserRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Admin:
    """A user, one role that the user holds, and one way in which it came.

    `group` is the name of the group that gives it; None when it was granted to the account.
    """

    user_id: UserId
    username: str
    role: AdminRole
    group: str | None
    status: UserStatus
    granted_at: datetime


def list_admins(uow: UnitOfWork) -> list[Admin]:
    """Return every holder of a role, by role and login name; once for each way it is held."""
    held = held_roles(uow.realm)
    query = (
        sa.select(held.c.role, held.c.granted_at, UserRow, GroupRow.name)
        .join(UserRow, UserRow.id == held.c.user_id)
        .outerjoin(GroupRow, GroupRow.id == held.c.group_id)
        .order_by(held.c.role.desc(), UserRow.username_key, GroupRow.name_key.nulls_first())
    )
    return [
        Admin(
            user_id=UserId(user.id),
            username=user.username,
            role=AdminRole(role),
            group=group,
            status=status_of(user),
            granted_at=granted_at,
        )
        for role, granted_at, user, group in uow.db.execute(query)
    ]


def complete_setup(
    runtime: Runtime, link: RawToken, first: NewUser, trace: Trace = NO_TRACE
) -> UserView:
    """Make the first owner with a set-up link; the link is spent with it, or not at all.

    Raises:
        NotFound: `setup.link_invalid`: unknown, used, over, or there is an owner already.
        InvalidInput, PasswordRejected, Conflict: as `create_user`; the link stays good.
    """
    with runtime.begin(ADMIN_REALM, write=False, trace=trace) as uow:
        if first.password is None or not find_setup(uow, link):
            raise NotFound("setup.link_invalid")
    owner = replace(first, roles=(AdminRole.OWNER,), source=SetBy.SELF)
    prepared = prepare_user(runtime, ADMIN_REALM, owner)
    with runtime.begin(ADMIN_REALM, trace=trace) as uow:
        if not redeem_setup(uow, link):
            raise NotFound("setup.link_invalid")
        user_id = write_user(uow, prepared)
        uow.act_as(Actor("user", user_id))
        uow.record(Event(code=EventCode.ADMIN_SETUP_COMPLETED, subject_id=user_id))
        return get_user(uow, user_id)
