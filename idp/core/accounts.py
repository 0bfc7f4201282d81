"""Accounts as a sign-in or a recovery needs them: found by what somebody typed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from idp.core.names import find_key
from idp.core.work import UnitOfWork
from idp.ids import UserId
from idp.store.users import CredentialRow, UserRow

_NOBODY = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who an account belongs to: what mails and rules about names need."""

    user_id: UserId
    username: str
    username_key: str
    email: str | None
    email_key: str | None
    given_name: str | None
    family_name: str | None
    name: str | None
    zoneinfo: str | None

    @property
    def names(self) -> tuple[str, ...]:
        """Give the names that a password must not be."""
        return tuple(filter(None, (self.given_name, self.family_name, self.name)))


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPassword:
    """A password credential as it is stored."""

    hash: str
    set_at: datetime
    set_by: str
    judged_under: int
    refused_under: int | None
    must_change: bool
    temporary_until: datetime | None
    campaign_id: str | None
    used_at: datetime | None
    blocked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account with its counters and its password, at one moment."""

    owner: Owner
    is_active: bool
    is_locked: bool
    epoch: int
    generation: int
    password: StoredPassword | None

    @property
    def user_id(self) -> UserId:
        """Give the id of the account's user."""
        return self.owner.user_id

    @property
    def is_open(self) -> bool:
        """Tell whether the account may be used at all: active, and not locked."""
        return self.is_active and not self.is_locked


_ACCOUNTS = sa.select(
    # Columns, not entities: what an account costs to read must not tell that there is one.
    UserRow.id,
    UserRow.username,
    UserRow.username_key,
    UserRow.email,
    UserRow.email_key,
    UserRow.given_name,
    UserRow.family_name,
    UserRow.name,
    UserRow.zoneinfo,
    UserRow.status,
    UserRow.locked_at,
    UserRow.epoch,
    UserRow.credential_generation,
    CredentialRow.hash,
    CredentialRow.set_at,
    CredentialRow.set_by,
    CredentialRow.judged_under,
    CredentialRow.refused_under,
    CredentialRow.must_change,
    CredentialRow.temporary_until,
    CredentialRow.campaign_id,
    CredentialRow.used_at,
    CredentialRow.blocked_at,
).outerjoin_from(
    UserRow,
    CredentialRow,
    sa.and_(CredentialRow.realm == UserRow.realm, CredentialRow.user_id == UserRow.id),
)


def find_by_login(uow: UnitOfWork, typed: str) -> Account | None:
    """Return the account that `typed` names; one SELECT, whether there is one or not.

    A login name comes first; an e-mail names an account only if no other one of the realm has it
    (DECISIONS 17).
    """
    key = find_key(typed) or _NOBODY
    is_login = UserRow.username_key == key
    query = (
        _ACCOUNTS.where(sa.or_(is_login, UserRow.email_key == key))
        .order_by(sa.case((is_login, 0), else_=1))
        .limit(2)
    )
    found = uow.db.execute(query).all()
    if found and (found[0].username_key == key or len(found) == 1):
        return _account(found[0])
    return None


def list_by_email(uow: UnitOfWork, typed: str, *, limit: int) -> list[Account]:
    """Return the accounts that have this e-mail, by login name; one SELECT."""
    key = find_key(typed) or _NOBODY
    query = _ACCOUNTS.where(UserRow.email_key == key).order_by(UserRow.username_key).limit(limit)
    return [_account(row) for row in uow.db.execute(query)]


def find_account_to_write(uow: UnitOfWork, user_id: UserId | None) -> Account | None:
    """Return an account as it is now and keep others from changing it until this unit ends."""
    query = _ACCOUNTS.where(UserRow.id == (user_id or _NOBODY)).with_for_update(
        of=UserRow, key_share=True
    )
    found = uow.db.execute(query).one_or_none()
    return None if found is None else _account(found)


def find_account_by_id(uow: UnitOfWork, user_id: UserId) -> Account | None:
    """Return an account as it is in this unit."""
    found = uow.db.execute(_ACCOUNTS.where(UserRow.id == user_id)).one_or_none()
    return None if found is None else _account(found)


def owner_of(user: UserRow | Row[*tuple[Any, ...]]) -> Owner:
    """Return who a row with the columns of a user belongs to."""
    return Owner(
        user_id=UserId(user.id),
        username=user.username,
        username_key=user.username_key,
        email=user.email,
        email_key=user.email_key,
        given_name=user.given_name,
        family_name=user.family_name,
        name=user.name,
        zoneinfo=user.zoneinfo,
    )


def _account(row: Row[*tuple[Any, ...]]) -> Account:
    return Account(
        owner=owner_of(row),
        is_active=row.status == "active",
        is_locked=row.locked_at is not None,
        epoch=row.epoch,
        generation=row.credential_generation,
        password=None if row.hash is None else _password(row),
    )


def _password(row: Row[*tuple[Any, ...]]) -> StoredPassword:
    return StoredPassword(
        hash=row.hash,
        set_at=row.set_at,
        set_by=row.set_by,
        judged_under=row.judged_under,
        refused_under=row.refused_under,
        must_change=row.must_change,
        temporary_until=row.temporary_until,
        campaign_id=row.campaign_id,
        used_at=row.used_at,
        blocked_at=row.blocked_at,
    )
