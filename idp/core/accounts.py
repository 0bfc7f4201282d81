"""Accounts as a sign-in or a recovery needs them: found by what somebody typed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Row

from idp.core.names import find_key
from idp.core.work import UnitOfWork
from idp.errors import Conflict, Unavailable
from idp.ids import RawToken, RealmName, UserId, hash_token
from idp.store import hot_accounts
from idp.store.users import UserRow

DIRECTORY_OWNED = "user.directory_owned"
"""The code of what cannot be done here, because a directory owns the account."""
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


@dataclass(frozen=True, slots=True)
class EntryOf:
    """Which entry of which directory an account is."""

    connector: str
    stable_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPassword:
    """A password credential as it is stored."""

    hash: str
    set_at: datetime
    set_by: str
    judged_under: int
    judged_groups: str
    refused_under: int | None
    must_change: bool
    temporary_until: datetime | None
    campaign_id: str | None
    used_at: datetime | None
    blocked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account with its counters and its password, at one moment.

    Attributes:
        entry: the directory that owns the account, and its password, if one does.
    """

    realm: RealmName
    owner: Owner
    is_active: bool
    is_locked: bool
    epoch: int
    generation: int
    password: StoredPassword | None
    entry: EntryOf | None = None

    @property
    def user_id(self) -> UserId:
        """Give the id of the account's user."""
        return self.owner.user_id

    @property
    def is_open(self) -> bool:
        """Tell whether the account may be used at all: active, and not locked."""
        return self.is_active and not self.is_locked


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedUp:
    """What a typed name leads to, and what a sign-in needs to know besides.

    Attributes:
        policy_version: of the realm. group_keys: the folded names of the account's groups, one a
            line, where the policy asks for them.
        is_device_known: the user signed in with this device under the present password.
    """

    account: Account | None
    policy_version: int
    group_keys: str | None
    is_device_known: bool


def look_up(uow: UnitOfWork, typed: str, device: RawToken | None) -> LookedUp:
    """Return what a sign-in needs to know of `typed`; one SELECT, whether there is one or not.

    A login name comes first; an e-mail names an account only if no other one of the realm has it
    (DECISIONS 17).

    Raises:
        Unavailable: the realm is not in the database.
    """
    key = find_key(typed) or _NOBODY
    rows = hot_accounts.accounts_by_login(
        uow.db, uow.realm, key=key, device_hash=hash_token(device or ""), at=uow.now
    )
    if not rows:
        raise Unavailable("realm.missing", detail=uow.realm)
    row = rows[0]
    is_meant = row.id is not None and (row.username_key == key or len(rows) == 1)
    return LookedUp(
        account=_account(row) if is_meant else None,
        policy_version=row.policy_version,
        group_keys=row.group_keys if is_meant else None,
        is_device_known=is_meant and row.device_generation == row.credential_generation,
    )


def find_by_login(uow: UnitOfWork, typed: str) -> Account | None:
    """Return the account that `typed` names, as `look_up` does."""
    return look_up(uow, typed, None).account


def list_by_email(uow: UnitOfWork, typed: str, *, limit: int) -> list[Account]:
    """Return the accounts that have this e-mail, by login name; one SELECT."""
    key = find_key(typed) or _NOBODY
    return [
        _account(row)
        for row in hot_accounts.accounts_by_email(uow.db, uow.realm, key=key, most=limit)
    ]


def find_account_to_write(uow: UnitOfWork, user_id: UserId | None) -> Account | None:
    """Return an account as it is now and keep others from changing it until this unit ends."""
    return _by_id(uow, user_id or _NOBODY, to_write=True)


def find_account_by_id(uow: UnitOfWork, user_id: UserId) -> Account | None:
    """Return an account as it is in this unit."""
    return _by_id(uow, user_id, to_write=False)


def require_own_password(account: Account) -> None:
    """Return when the password of an account is kept here.

    Raises:
        Conflict: `user.directory_owned`: a directory keeps it.
    """
    if account.entry is not None:
        raise Conflict(DIRECTORY_OWNED)


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


def _by_id(uow: UnitOfWork, user_id: str, *, to_write: bool) -> Account | None:
    found = hot_accounts.account_by_id(uow.db, uow.realm, user_id, to_write=to_write)
    return None if found is None else _account(found)


def _account(row: Row[*tuple[Any, ...]]) -> Account:
    return Account(
        realm=RealmName(row.realm),
        owner=owner_of(row),
        is_active=row.status == "active",
        is_locked=row.locked_at is not None,
        epoch=row.epoch,
        generation=row.credential_generation,
        password=None if row.hash is None else _password(row),
        entry=None if row.connector is None else _entry(row),
    )


def _entry(row: Row[*tuple[Any, ...]]) -> EntryOf:
    return EntryOf(row.connector, row.stable_id or _NOBODY)


def _password(row: Row[*tuple[Any, ...]]) -> StoredPassword:
    return StoredPassword(
        hash=row.hash,
        set_at=row.set_at,
        set_by=row.set_by,
        judged_under=row.judged_under,
        judged_groups=row.judged_groups,
        refused_under=row.refused_under,
        must_change=row.must_change,
        temporary_until=row.temporary_until,
        campaign_id=row.campaign_id,
        used_at=row.used_at,
        blocked_at=row.blocked_at,
    )
