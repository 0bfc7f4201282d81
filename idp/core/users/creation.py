"""New users: checked, the password judged and hashed, then written in one short transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from idp.core.events import Event, EventCode
from idp.core.groups import set_groups
from idp.core.judging import Person
from idp.core.passwords import (
    PreparedPassword,
    SetBy,
    Setting,
    prepare_password,
    store_first_password,
)
from idp.core.profiles import KEEP, Problems, Profile, check_profile
from idp.core.roles import AdminRole, grant_role
from idp.core.runtime import Runtime
from idp.core.users.changes import flush_user, refuse_directory_logins
from idp.core.users.passwords import TEMPORARY
from idp.core.users.views import UserStatus, UserView, get_user
from idp.core.work import NO_TRACE, Actor, Trace, UnitOfWork
from idp.errors import Conflict
from idp.ids import RealmName, UserId, new_subject
from idp.store.users import UNUSABLE, CredentialRow, UserRow

NAMED_BY_EMAIL = RealmName("portal")
"""The realm whose users sign in with their e-mail unless they get a login name."""
_NAMING = ("username", "email")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """Somebody who is to get an account.

    Attributes:
        profile: who it is; in the portal the login name defaults to the e-mail.
        password: None for an account that gets one later (by a link).
        must_change: the password is temporary: to be changed at the first sign-in, within P3D.
        roles: administrator roles; in the staff realm only.
        source: who chose the password.
    """

    profile: Profile
    password: str | None = field(default=None, repr=False)
    must_change: bool = False
    status: UserStatus = UserStatus.ACTIVE
    roles: tuple[AdminRole, ...] = ()
    source: SetBy = SetBy.ADMIN


@dataclass(frozen=True, slots=True)
class PreparedUser:
    """Somebody new, checked, with the password judged and hashed; `write_user` writes it."""

    new: NewUser
    columns: Mapping[str, Any]
    password: PreparedPassword | None = field(repr=False)


def create_user(
    runtime: Runtime, realm: RealmName, new: NewUser, actor: Actor, trace: Trace = NO_TRACE
) -> UserView:
    """Make an account; its password must meet the realm's policy, whatever its enforcement.

    Raises:
        InvalidInput: `user.invalid`, with every problem.
        NotFound: `group.not_found`.
        PasswordRejected: the policy does not accept the password.
        Conflict: `user.username_taken`, `user.external_id_taken`, `user.email_is_login`,
            `admin.other_realm`.
    """
    prepared = prepare_user(runtime, realm, new)
    with runtime.begin(realm, actor=actor, trace=trace) as uow:
        return get_user(uow, write_user(uow, prepared))


def prepare_user(runtime: Runtime, realm: RealmName, new: NewUser) -> PreparedUser:
    """Check somebody new, judge and hash the password; holds no transaction meanwhile.

    Raises:
        InvalidInput, PasswordRejected, Conflict: as `create_user`.
    """
    columns = _check_new(realm, new.profile)
    with runtime.begin(realm, write=False) as uow:
        _require_free_name(uow, columns)
    password = None
    if new.password is not None:
        person = person_in(columns)
        groups = () if new.profile.groups is KEEP else new.profile.groups
        password = prepare_password(runtime, realm, person, new.password, groups)
    return PreparedUser(new, columns, password)


def write_user(uow: UnitOfWork, prepared: PreparedUser) -> UserId:
    """Write somebody new in this unit of work.

    Raises:
        NotFound, Conflict: as `create_user`.
    """
    new = prepared.new
    refuse_directory_logins(uow, {prepared.columns.get("email_key")})
    user_id = add_user(uow, prepared.columns, status=new.status)
    flush_user(uow)
    until = uow.now + TEMPORARY if new.must_change else None
    setting = Setting(source=new.source, must_change=new.must_change, temporary_until=until)
    give_first_password(uow, user_id, prepared.password, setting)
    if new.profile.groups is not KEEP:
        set_groups(uow, user_id, new.profile.groups)
    for role in new.roles:
        grant_role(uow, user_id, role)
    return user_id


def _check_new(realm: RealmName, profile: Profile) -> dict[str, Any]:
    problems = Problems()
    is_named = isinstance(profile.username, str) and profile.username.strip()
    columns = check_profile(profile if is_named else replace(profile, username=KEEP), problems)
    add_default_name(realm, columns, problems)
    problems.refuse()
    return columns


def add_default_name(realm: RealmName, columns: dict[str, Any], problems: Problems) -> None:
    """Add the login name of somebody new whose checked columns have none."""
    if "username" in columns or any(p["field"] in _NAMING for p in problems.found):
        return
    if realm != NAMED_BY_EMAIL:
        problems.add("username", "is missing")
    elif columns.get("email") is None:
        problems.add("username", "is missing, and so is the e-mail that would stand for it")
    else:
        columns |= check_profile(Profile(username=str(columns["email"])), problems)


def person_in(columns: Mapping[str, Any]) -> Person:
    """Return the words that the password of somebody new must not be."""
    names = (columns.get("given_name"), columns.get("family_name"), columns.get("name"))
    return Person(
        username=columns["username"],
        email=columns.get("email"),
        names=tuple(filter(None, names)),
    )


def add_user(uow: UnitOfWork, columns: Mapping[str, Any], *, status: UserStatus) -> UserId:
    """Add a new account, still without a credential, and record it; `flush_user` writes it.

    Whether it may have its address is for the caller to ask, of `refuse_directory_logins`.
    """
    user_id = UserId(uow.new_id())
    is_removed = status is UserStatus.INACTIVE
    uow.db.add(
        UserRow(
            id=user_id,
            sub=new_subject(),
            status=(UserStatus.INACTIVE if is_removed else UserStatus.ACTIVE).value,
            locked_at=uow.now if status is UserStatus.LOCKED else None,
            created_at=uow.now,
            updated_at=uow.now,
            **columns,
        )
    )
    uow.record(
        Event(
            code=EventCode.USER_CREATED,
            subject_id=user_id,
            params={"username": columns["username"], "status": status.value},
        )
    )
    return user_id


def give_first_password(
    uow: UnitOfWork, user_id: UserId, prepared: PreparedPassword | None, setting: Setting
) -> None:
    """Store the credential of a new account; without a password, one that none opens.

    So that every account has a credential, and a bulk reset reaches all of them alike.
    """
    if prepared is not None:
        store_first_password(uow, user_id, prepared, setting)
        return
    uow.db.add(
        CredentialRow(
            user_id=user_id,
            hash=UNUSABLE,
            set_at=uow.now,
            set_by=setting.source.value,
            must_change=setting.must_change,
        )
    )


def _require_free_name(uow: UnitOfWork, columns: Mapping[str, Any]) -> None:
    """Refuse a taken name before the work of a hash; what is written decides in the end."""
    refuse_directory_logins(uow, {columns.get("email_key")})
    key = UserRow.username_key == columns["username_key"]
    if uow.db.scalar(sa.select(UserRow.id).where(key)) is not None:
        raise Conflict("user.username_taken")
