"""A user as administrators see one: everything that may be shown, and no secret."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from idp.core.accounts import find_by_login
from idp.core.groups import group_names
from idp.core.names import find_key
from idp.core.roles import roles_by_user
from idp.core.work import UnitOfWork
from idp.errors import NotFound
from idp.ids import UserId
from idp.store.directories import DirectoryLinkRow
from idp.store.users import UNUSABLE, CredentialRow, UserRow


class UserStatus(StrEnum):
    """Whether an account may be used; a removed one is inactive, whether locked or not."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordView:
    """Where a user's password stands.

    `set_by` is one of `self recovery admin bulk import`; `is_shared` says that it still is the
    one that a bulk reset gave to everybody.
    """

    set_at: datetime
    set_by: str
    must_change: bool
    temporary_until: datetime | None
    is_shared: bool
    used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryView:
    """Which entry of which directory a user is, and how it stood at `checked_at`.

    Attributes:
        stable_id: what the directory knows the entry by, whatever its name is.
        is_removed: an administrator here deactivated the account, whatever the directory says.
        gone_since: when the directory was first seen to have it no more.
    """

    connector: str
    stable_id: str
    login: str
    is_disabled: bool
    is_removed: bool
    must_change: bool
    gone_since: datetime | None
    checked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UserView:
    """A user. The members named like an import column hold what that column holds.

    Attributes:
        version: grows with each edit (ETag).
        password: None for an account that cannot sign in with one of ours, or not yet.
        directory: None for an account of our own.
    """

    id: UserId
    sub: str
    username: str
    email: str | None
    email_verified: bool
    given_name: str | None
    family_name: str | None
    name: str | None
    phone_number: str | None
    locale: str | None
    zoneinfo: str | None
    status: UserStatus
    locked_at: datetime | None
    groups: tuple[str, ...]
    roles: tuple[str, ...]
    external_id: str | None
    claims: Mapping[str, Any]
    password: PasswordView | None
    directory: DirectoryView | None
    last_sign_in_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime


USERS = sa.select(UserRow, CredentialRow).outerjoin(
    CredentialRow,
    sa.and_(CredentialRow.realm == UserRow.realm, CredentialRow.user_id == UserRow.id),
)
"""Selects what `views_of` reads."""


def get_user(uow: UnitOfWork, user_id: str) -> UserView:
    """Return a user by id.

    Raises:
        NotFound: `user.not_found`.
    """
    key = find_key(user_id) or ""
    found = uow.db.execute(USERS.where(UserRow.id == key)).one_or_none()
    if found is None:
        raise NotFound("user.not_found")
    return views_of(uow, [(found[0], found[1])])[0]


def find_user(uow: UnitOfWork, named: str) -> UserView | None:
    """Return the user that an administrator names: by id, login name or unique e-mail."""
    key = find_key(named)
    if key is not None and uow.db.get(UserRow, (uow.realm, key)) is not None:
        return get_user(uow, key)
    account = find_by_login(uow, named)
    return None if account is None else get_user(uow, account.user_id)


def get_row_to_write(uow: UnitOfWork, user_id: str) -> UserRow:
    """Return a user's row as it is now, and keep others from changing it until this unit ends.

    Raises:
        NotFound: `user.not_found`.
    """
    row = uow.db.get(
        UserRow,
        (uow.realm, find_key(user_id) or ""),
        with_for_update={"key_share": True},
        populate_existing=True,
    )
    if row is None:
        raise NotFound("user.not_found")
    return row


def views_of(
    uow: UnitOfWork, rows: Sequence[tuple[UserRow, CredentialRow | None]]
) -> list[UserView]:
    """Return users with their groups and roles; two SELECTs, however many they are.

    One more if some are of a directory.
    """
    ids = [user.id for user, _ in rows]
    groups, roles = group_names(uow, ids), roles_by_user(uow, ids)
    links = _links(uow, [user.id for user, _ in rows if user.connector is not None])
    return [
        _view(
            user,
            credential,
            groups=groups.get(user.id, ()),
            roles=roles.get(user.id, ()),
            directory=_directory(links.get(user.id), credential),
        )
        for user, credential in rows
    ]


def status_of(user: UserRow) -> UserStatus:
    """Return whether an account may be used."""
    if user.status != UserStatus.ACTIVE.value:
        return UserStatus.INACTIVE
    return UserStatus.ACTIVE if user.locked_at is None else UserStatus.LOCKED


def _view(
    user: UserRow,
    credential: CredentialRow | None,
    *,
    groups: tuple[str, ...],
    roles: tuple[str, ...],
    directory: DirectoryView | None,
) -> UserView:
    return UserView(
        id=UserId(user.id),
        sub=user.sub,
        username=user.username,
        email=user.email,
        email_verified=user.email_verified,
        given_name=user.given_name,
        family_name=user.family_name,
        name=user.name,
        phone_number=user.phone_number,
        locale=user.locale,
        zoneinfo=user.zoneinfo,
        status=status_of(user),
        locked_at=user.locked_at,
        groups=groups,
        roles=roles,
        external_id=user.external_id,
        claims=user.claims,
        password=_password(credential),
        directory=directory,
        last_sign_in_at=user.last_sign_in_at,
        version=user.version,
        created_at=user.created_at,
        updated_at=user.updated_at,
    )


def _links(uow: UnitOfWork, user_ids: Sequence[str]) -> Mapping[str, DirectoryLinkRow]:
    if not user_ids:
        return {}
    query = sa.select(DirectoryLinkRow).where(DirectoryLinkRow.user_id.in_(user_ids))
    return {link.user_id: link for link in uow.db.scalars(query)}


def _directory(
    link: DirectoryLinkRow | None, credential: CredentialRow | None
) -> DirectoryView | None:
    if link is None:
        return None
    return DirectoryView(
        connector=link.connector,
        stable_id=link.stable_id,
        login=link.login,
        is_disabled=link.is_disabled,
        is_removed=link.is_removed,
        must_change=credential is not None and credential.must_change,
        gone_since=link.gone_since,
        checked_at=link.checked_at,
    )


def _password(row: CredentialRow | None) -> PasswordView | None:
    if row is None or row.hash == UNUSABLE:
        return None
    return PasswordView(
        set_at=row.set_at,
        set_by=row.set_by,
        must_change=row.must_change,
        temporary_until=row.temporary_until,
        is_shared=row.campaign_id is not None,
        used_at=row.used_at,
    )
