"""Which logins are spoken for, whoever an entry is."""

from collections.abc import Sequence

import sqlalchemy as sa

from idp.core.work import UnitOfWork
from idp.store.users import UserRow


def taken_logins(uow: UnitOfWork, keys: Sequence[str]) -> set[str]:
    """Return those of the logins that somebody new in a directory cannot have.

    Somebody has them, or a local account has them as its e-mail address.
    """
    query = sa.select(UserRow.username_key).where(UserRow.username_key.in_(keys))
    return {*uow.db.scalars(query), *local_emails(uow, keys)}


def local_emails(uow: UnitOfWork, keys: Sequence[str]) -> set[str]:
    """Return those of the logins that are e-mail addresses of local accounts.

    People may sign in with their address, so whoever had it as a login would be asked instead.
    """
    query = sa.select(UserRow.email_key).where(
        UserRow.connector.is_(None), UserRow.email_key.in_(keys)
    )
    return {key for key in uow.db.scalars(query) if key is not None}
