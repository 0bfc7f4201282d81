"""Which user each row of a file means: by the id elsewhere, by login name, or by a lone e-mail."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from idp.core.import_rows import ImportRow
from idp.core.passwords import SetBy
from idp.core.work import UnitOfWork
from idp.store.users import UNUSABLE, CredentialRow, UserRow


@dataclass(frozen=True, slots=True)
class Known:
    """A user that a row means.

    `is_waiting` says that the account never had a password, so a file may bring its first one.
    """

    user: UserRow
    is_waiting: bool
    has_password: bool


Match = Known | None | str
"""The user that a row means, None for somebody new, or why that cannot be told."""

_SEVERAL = "email: several users have it; say which one by username"
_OTHER_ID = "username: belongs to a user with another external_id"
_TWO_USERS = "username: belongs to another user than external_id"


@dataclass(slots=True)
class _Index:
    by_id: dict[str, Known] = field(default_factory=dict)
    by_name: dict[str, Known] = field(default_factory=dict)
    by_email: dict[str, list[Known]] = field(default_factory=dict)

    def add(self, known: Known) -> None:
        self.by_name[known.user.username_key] = known
        if known.user.external_id is not None:
            self.by_id[known.user.external_id] = known
        if known.user.email_key is not None:
            self.by_email.setdefault(known.user.email_key, []).append(known)

    def match(self, row: ImportRow) -> Match:
        by_id = self.by_id.get(row.external_id or "")
        named = self.by_name.get(row.username_key or row.email_key or "")
        if by_id is not None:
            return by_id if named in (None, by_id) else _TWO_USERS
        if named is None and row.username_key is None:
            same_email = self.by_email.get(row.email_key or "", [])
            if len(same_email) > 1:
                return _SEVERAL
            named = next(iter(same_email), None)
        if named is not None and row.external_id and named.user.external_id:
            return _OTHER_ID
        return named


def match_rows(uow: UnitOfWork, rows: Sequence[ImportRow], *, to_write: bool) -> list[Match]:
    """Return what each row means; a handful of SELECTs for all.

    Args:
        to_write: keep others from changing those users until this unit ends.
    """
    query = (
        sa.select(UserRow, CredentialRow)
        .outerjoin(
            CredentialRow,
            sa.and_(CredentialRow.realm == UserRow.realm, CredentialRow.user_id == UserRow.id),
        )
        .where(UserRow.id.in_(_find_ids(uow, rows)))
        .order_by(UserRow.id)
    )
    if to_write:
        query = query.with_for_update(of=UserRow, key_share=True)
    index = _Index()
    for user, credential in uow.db.execute(query):
        index.add(_known(user, credential))
    return [index.match(row) for row in rows]


def _find_ids(uow: UnitOfWork, rows: Sequence[ImportRow]) -> set[str]:
    """Return whom the rows may mean; one key in each SELECT, so that each uses its index."""
    names = {row.username_key or row.email_key for row in rows} - {None}
    ids = {row.external_id for row in rows} - {None}
    emails = {row.email_key for row in rows if row.username_key is None} - {None}
    asked = ((UserRow.username_key, names), (UserRow.external_id, ids), (UserRow.email_key, emails))
    return {
        user_id
        for column, values in asked
        if values
        for user_id in uow.db.scalars(sa.select(UserRow.id).where(column.in_(values)))
    }


def _known(user: UserRow, credential: CredentialRow | None) -> Known:
    if credential is None:
        return Known(user, is_waiting=True, has_password=False)
    has_password = credential.hash != UNUSABLE
    return Known(
        user,
        is_waiting=not has_password and credential.set_by in _NEVER_RESET,
        has_password=has_password,
    )


# A bulk reset takes passwords away on purpose: a file must not bring old ones back.
_NEVER_RESET = (SetBy.ADMIN.value, SetBy.IMPORT.value)
