"""Each realm with its latest snapshot and how many users are on a shared password now.

Beside them, how the accounts of directories stand there.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from idp.store.base import table_of
from idp.store.decisions import PolicySnapshotRow
from idp.store.directories import DirectoryLinkRow
from idp.store.realms import RealmRow
from idp.store.session import Database
from idp.store.users import UNUSABLE, CredentialRow, UserRow

_realm = table_of(RealmRow)
_user = table_of(UserRow)
_credential = table_of(CredentialRow)
_snapshot = table_of(PolicySnapshotRow)
_link = table_of(DirectoryLinkRow)

_on_shared_password = (
    sa.select(sa.func.count())
    .select_from(
        _credential.join(
            _user,
            sa.and_(_user.c.realm == _credential.c.realm, _user.c.id == _credential.c.user_id),
        )
    )
    .where(
        _credential.c.realm == _realm.c.name,
        _credential.c.campaign_id.is_not(None),
        _credential.c.hash != UNUSABLE,
        _user.c.status == "active",
    )
    .correlate(_realm)
    .scalar_subquery()
)
_latest = (
    sa.select(sa.func.max(_snapshot.c.at))
    .where(_snapshot.c.realm == _realm.c.name)
    .correlate(_realm)
    .scalar_subquery()
)
_REALMS: sa.Select[Any] = (
    sa.select(
        _realm.c.name.label("realm"),
        _on_shared_password.label("on_shared_password"),
        _snapshot.c.at,
        _snapshot.c.have_to_change,
        _snapshot.c.counts,
    )
    .outerjoin_from(
        _realm, _snapshot, sa.and_(_snapshot.c.realm == _realm.c.name, _snapshot.c.at == _latest)
    )
    .order_by(_realm.c.name)
)


def realms(database: Database) -> Sequence[Row[Any]]:
    """Read every realm; what comes from a snapshot is None before the first one."""
    with database.connection(write=False) as connection:
        return connection.execute(_REALMS).all()


_DIRECTORY_ACCOUNTS: sa.Select[Any] = (
    sa.select(
        _link.c.realm,
        _link.c.connector,
        _link.c.gone_since.is_not(None).label("is_gone"),
        _link.c.is_disabled,
        sa.func.count().label("accounts"),
    )
    .where(_link.c.erased_at.is_(None))
    .group_by(_link.c.realm, _link.c.connector, sa.literal_column("is_gone"), _link.c.is_disabled)
    .order_by(_link.c.realm, _link.c.connector)
)


def directory_accounts(database: Database) -> Sequence[Row[Any]]:
    """Count the accounts of each directory by what it says of them."""
    with database.connection(write=False) as connection:
        return connection.execute(_DIRECTORY_ACCOUNTS).all()
