"""Accounts as sign-in, recovery and password changes read them: found by name, e-mail or id.

They are Core statements over tables, so each binds the realm itself (ring one is here by hand).
What an account costs to read does not tell that there is one.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from idp.store.base import run, table_of
from idp.store.directories import DirectoryLinkRow
from idp.store.hot_groups import GROUP_KEYS
from idp.store.realms import RealmRow
from idp.store.users import CredentialRow, KnownDeviceRow, UserRow

_realm = table_of(RealmRow)
_user = table_of(UserRow)
_credential = table_of(CredentialRow)
_device = table_of(KnownDeviceRow)
_link = table_of(DirectoryLinkRow)

_COLUMNS = (
    _user.c.realm,
    _user.c.id,
    _user.c.username,
    _user.c.username_key,
    _user.c.email,
    _user.c.email_key,
    _user.c.given_name,
    _user.c.family_name,
    _user.c.name,
    _user.c.zoneinfo,
    _user.c.status,
    _user.c.locked_at,
    _user.c.epoch,
    _user.c.credential_generation,
    _user.c.connector,
    _link.c.stable_id,
    _credential.c.hash,
    _credential.c.set_at,
    _credential.c.set_by,
    _credential.c.judged_under,
    _credential.c.judged_groups,
    _credential.c.refused_under,
    _credential.c.must_change,
    _credential.c.temporary_until,
    _credential.c.campaign_id,
    _credential.c.used_at,
    _credential.c.blocked_at,
)
_OF_REALM = _user.c.realm == sa.bindparam("realm")
_KEY = sa.bindparam("key", type_=sa.String())

_ACCOUNTS = (
    sa.select(*_COLUMNS)
    .outerjoin_from(
        _user,
        _credential,
        sa.and_(_credential.c.realm == _user.c.realm, _credential.c.user_id == _user.c.id),
    )
    .outerjoin(_link, sa.and_(_link.c.realm == _user.c.realm, _link.c.user_id == _user.c.id))
    .where(_OF_REALM)
)
_BY_ID = _ACCOUNTS.where(_user.c.id == sa.bindparam("user_id"))
_BY_ID_TO_WRITE = _BY_ID.with_for_update(of=_user, key_share=True)
_BY_EMAIL = (
    _ACCOUNTS.where(_user.c.email_key == _KEY)
    .order_by(_user.c.username_key)
    .limit(sa.bindparam("most"))
)


def _named() -> sa.Subquery:
    """Select who has a key: the login name first, then e-mails; two are enough to be in doubt.

    Two statements, because SQLite reads a whole realm to find either of two columns.
    """
    found = (_user.c.realm, _user.c.id)
    by_login = sa.select(*found, sa.literal(0).label("place")).where(
        _OF_REALM, _user.c.username_key == _KEY
    )
    by_email = sa.select(*found, sa.literal(1).label("place")).where(
        _OF_REALM, _user.c.email_key == _KEY, _user.c.username_key != _KEY
    )
    return sa.union_all(by_login, by_email).order_by("place").limit(2).subquery("named")


def _by_login() -> sa.Select[Any]:
    named = _named()
    device_matches = sa.and_(
        _device.c.realm == sa.bindparam("realm"),
        _device.c.token_hash == sa.bindparam("device_hash"),
        _device.c.user_id == named.c.id,
        _device.c.expires_at > sa.bindparam("at"),
    )
    credential_matches = sa.and_(
        _credential.c.realm == sa.bindparam("realm"), _credential.c.user_id == named.c.id
    )
    link_matches = sa.and_(_link.c.realm == sa.bindparam("realm"), _link.c.user_id == named.c.id)
    return (
        sa.select(
            _realm.c.policy_version,
            GROUP_KEYS,
            _device.c.generation.label("device_generation"),
            *_COLUMNS,
        )
        .select_from(
            _realm.outerjoin(named, named.c.realm == _realm.c.name)
            .outerjoin(_user, sa.and_(_OF_REALM, _user.c.id == named.c.id))
            .outerjoin(_credential, credential_matches)
            .outerjoin(_link, link_matches)
            .outerjoin(_device, device_matches)
        )
        .where(_realm.c.name == sa.bindparam("realm"))
        .order_by(named.c.place)
    )


_BY_LOGIN = _by_login()


def accounts_by_login(
    db: Session, realm: str, *, key: str, device_hash: str, at: datetime
) -> Sequence[Row[Any]]:
    """Read who may be meant by a login name or e-mail, at most two, with the realm's facts.

    One SELECT and at least one row for every key: without an account its columns are None.
    `device_generation` is that of the device of this hash, if the user signed in there before.
    """
    params = {"realm": realm, "key": key, "device_hash": device_hash, "at": at}
    return _rows(db, _BY_LOGIN, params)


def accounts_by_email(db: Session, realm: str, *, key: str, most: int) -> Sequence[Row[Any]]:
    """Read the accounts with an e-mail, by login name."""
    return _rows(db, _BY_EMAIL, {"realm": realm, "key": key, "most": most})


def account_by_id(db: Session, realm: str, user_id: str, *, to_write: bool) -> Row[Any] | None:
    """Read an account; `to_write` keeps others from changing it until the transaction ends."""
    statement = _BY_ID_TO_WRITE if to_write else _BY_ID
    found = _rows(db, statement, {"realm": realm, "user_id": user_id})
    return found[0] if found else None


def _rows(db: Session, statement: sa.Executable, params: Mapping[str, Any]) -> Sequence[Row[Any]]:
    return run(db, statement, params).all()
