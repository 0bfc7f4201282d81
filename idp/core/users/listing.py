"""Lists of users: searched, filtered, and cut into pages that stay put while others write."""

import base64
import binascii
from dataclasses import dataclass
from typing import assert_never

import sqlalchemy as sa

from idp.core.groups import get_group
from idp.core.names import find_key
from idp.core.users.views import USERS, UserStatus, UserView, views_of
from idp.core.work import UnitOfWork
from idp.errors import InvalidInput
from idp.store.groups import MembershipRow
from idp.store.users import UserRow

MOST_PER_PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class UserQuery:
    """Which users to list.

    Attributes:
        search: part of a login name, e-mail, external id or name; case does not count.
        group: a group's name.
        cursor: the `next_cursor` of the page before.
    """

    search: str | None = None
    group: str | None = None
    status: UserStatus | None = None
    limit: int = 50
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class UserPage:
    """Users by login name; `next_cursor` is None on the last page."""

    users: tuple[UserView, ...]
    next_cursor: str | None


def list_users(uow: UnitOfWork, query: UserQuery) -> UserPage:
    """Return one page of the users that fit.

    Raises:
        InvalidInput: `list.bad_cursor`, `list.bad_limit`.
        NotFound: `group.not_found`.
    """
    if not 1 <= query.limit <= MOST_PER_PAGE:
        raise InvalidInput("list.bad_limit", most=MOST_PER_PAGE)
    select = USERS.where(*_conditions(uow, query))
    if query.cursor is not None:
        select = select.where(UserRow.username_key > _read_cursor(query.cursor))
    found = uow.db.execute(select.order_by(UserRow.username_key).limit(query.limit + 1)).all()
    rows = [(user, credential) for user, credential in found[: query.limit]]
    more = len(found) > query.limit
    return UserPage(
        tuple(views_of(uow, rows)), _write_cursor(rows[-1][0].username_key) if more else None
    )


def _conditions(uow: UnitOfWork, query: UserQuery) -> list[sa.ColumnElement[bool]]:
    conditions = []
    if query.search:
        conditions.append(_matches(query.search))
    if query.group is not None:
        is_member = sa.exists().where(
            MembershipRow.realm == UserRow.realm,
            MembershipRow.group_id == get_group(uow, query.group).id,
            MembershipRow.user_id == UserRow.id,
        )
        conditions.append(is_member)
    if query.status is not None:
        conditions.append(_stands(query.status))
    return conditions


def _stands(status: UserStatus) -> sa.ColumnElement[bool]:
    is_active = UserRow.status == UserStatus.ACTIVE.value
    match status:
        case UserStatus.ACTIVE:
            return sa.and_(is_active, UserRow.locked_at.is_(None))
        case UserStatus.LOCKED:
            return sa.and_(is_active, UserRow.locked_at.is_not(None))
        case UserStatus.INACTIVE:
            return sa.not_(is_active)
        case _:
            assert_never(status)


def _matches(search: str) -> sa.ColumnElement[bool]:
    key = find_key(search)
    if key is None:
        return sa.false()
    # A database lowers ASCII letters at least; keys are folded already.
    named = (UserRow.name, UserRow.given_name, UserRow.family_name, UserRow.external_id)
    return sa.or_(
        UserRow.username_key.contains(key, autoescape=True),
        UserRow.email_key.contains(key, autoescape=True),
        *(sa.func.lower(column).contains(key, autoescape=True) for column in named),
    )


def _write_cursor(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> str:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        key = find_key(raw.decode())
    except (ValueError, binascii.Error) as error:
        raise InvalidInput("list.bad_cursor") from error
    if key is None:
        raise InvalidInput("list.bad_cursor")
    return key
