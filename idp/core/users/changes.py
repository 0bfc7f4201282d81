"""Changes to a user: who somebody is, and which groups somebody is in."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from idp.core.accounts import DIRECTORY_OWNED, owner_of
from idp.core.events import Event, EventCode
from idp.core.groups import set_groups
from idp.core.mails import mail_email_changed
from idp.core.names import mailbox_of
from idp.core.profiles import KEEP, Problems, Profile, check_profile
from idp.core.recovery_requests import kill_recovery
from idp.core.users.views import UserView, get_row_to_write, get_user
from idp.core.work import UnitOfWork
from idp.errors import Conflict, PreconditionFailed
from idp.ids import UserId
from idp.store.users import UserRow

_OF_DIRECTORY = frozenset(
    {"username", "email", "email_verified", "given_name", "family_name", "name", "phone_number"}
)
"""What a directory says about its accounts; a change here would not outlive the next sync."""
_USERNAME_TAKEN = "user.username_taken"
_EXTERNAL_ID_TAKEN = "user.external_id_taken"


def update_user(
    uow: UnitOfWork, user_id: UserId, profile: Profile, *, version: int | None = None
) -> UserView:
    """Change what is known about a user; members of `profile` that are `KEEP` stay.

    Another e-mail address ends every open reset link, counts as not verified unless `profile`
    says otherwise, and the old address is told. A change to the same values changes nothing.

    Args:
        version: the version that the caller has seen; None overwrites whatever there is.

    Raises:
        NotFound: `user.not_found`, `group.not_found`.
        PreconditionFailed: `user.changed_meanwhile`.
        InvalidInput: `user.invalid`, with every problem.
        Conflict: `user.username_taken`, `user.external_id_taken`, `user.email_is_login`;
            `user.directory_owned`, with the `fields` that only the directory changes;
            `group.directory_owned`.
    """
    row = get_row_to_write(uow, user_id)
    require_version(row, version)
    problems = Problems()
    columns = check_profile(profile, problems)
    problems.refuse()
    require_own_columns(row, columns)
    email_key = columns.get("email_key")
    if email_key != row.email_key:
        refuse_directory_logins(uow, {email_key})
    changed = change_columns(uow, row, columns)
    if profile.groups is not KEEP and set_groups(uow, user_id, profile.groups):
        changed.append("groups")
    note_changed(uow, row, changed)
    return get_user(uow, user_id)


def require_own_columns(row: UserRow, columns: Mapping[str, Any]) -> None:
    """Return when nothing would change that a directory owns of this user.

    Raises:
        Conflict: `user.directory_owned`.
    """
    if row.connector is None:
        return
    fields = sorted(n for n in _OF_DIRECTORY & columns.keys() if getattr(row, n) != columns[n])
    if fields:
        raise Conflict(DIRECTORY_OWNED, fields=fields)


def note_changed(uow: UnitOfWork, row: UserRow, changed: list[str]) -> None:
    """Give a changed user a new version, and record which members are different."""
    if not changed:
        return
    row.version += 1
    row.updated_at = uow.now
    uow.record(
        Event(code=EventCode.USER_CHANGED, subject_id=row.id, params={"fields": sorted(changed)})
    )


def require_version(row: UserRow, version: int | None) -> None:
    """Return when the row is still the one that the caller has seen.

    Raises:
        PreconditionFailed: `user.changed_meanwhile`.
    """
    if version is not None and row.version != version:
        raise PreconditionFailed("user.changed_meanwhile", version=row.version)


def change_columns(uow: UnitOfWork, row: UserRow, columns: Mapping[str, Any]) -> list[str]:
    """Write checked columns and return the names of those that were different.

    Whether an address may be taken is for the caller to ask, of `refuse_directory_logins`.

    Raises:
        Conflict: `user.username_taken`, `user.external_id_taken`.
    """
    before = owner_of(row)
    changed = [name for name, value in columns.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, columns[name])
    if mailbox_of(before.email or "") != mailbox_of(row.email or ""):
        if "email_verified" not in columns and row.email_verified:
            row.email_verified = False
            changed.append("email_verified")
        kill_recovery(uow, UserId(row.id))
        mail_email_changed(uow, replace(before, username=row.username))
    if changed:
        flush_user(uow)
    return [name for name in changed if not name.endswith("_key")]


def refuse_directory_logins(uow: UnitOfWork, email_keys: Collection[object]) -> None:
    """Return when no account of a directory has one of the addresses as its login.

    Whoever signs in with the address would be taken for that account, and the directory asked.

    Args:
        email_keys: those of accounts that are not of a directory; None is no address.

    Raises:
        Conflict: `user.email_is_login`.
    """
    keys = {*email_keys} - {None}
    if not keys or not uow.runtime.config.connectors_of(uow.realm):
        return
    query = sa.select(UserRow.id).where(
        UserRow.username_key.in_(keys), UserRow.connector.is_not(None)
    )
    if uow.db.scalar(query.limit(1)) is not None:
        raise Conflict("user.email_is_login")


def flush_user(uow: UnitOfWork) -> None:
    """Write what is pending; of several who take one name at once, one is let through.

    Raises:
        Conflict: `user.username_taken`, `user.external_id_taken`.
    """
    try:
        uow.db.flush()
    except IntegrityError as error:
        text = str(error.orig)
        taken = _EXTERNAL_ID_TAKEN if "external_id" in text else _USERNAME_TAKEN
        raise Conflict(taken, detail=text) from error
