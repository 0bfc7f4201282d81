"""Active users page by page, with everything that the gate looks at and a report tells.

They are Core statements over tables, so each binds the realm itself (ring one is here by hand).
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from idp.store.base import run, table_of
from idp.store.groups import MembershipRow
from idp.store.users import UNUSABLE, CredentialRow, UserRow

_user = table_of(UserRow)
_membership = table_of(MembershipRow)
_credential = table_of(CredentialRow)
_is_usable = sa.case((_credential.c.hash != UNUSABLE, 1), else_=0)
_of_user = (
    _user.c.realm,
    _user.c.id.label("user_id"),
    _user.c.username,
    _user.c.username_key,
    _user.c.email,
    _user.c.epoch_cause,
    _user.c.epoch_at,
    _user.c.last_sign_in_at,
    _user.c.connector,
)
_of_credential = (
    _is_usable.label("is_usable"),
    _credential.c.set_at,
    _credential.c.set_by,
    _credential.c.judged_under,
    _credential.c.judged_groups,
    _credential.c.refused_under,
    _credential.c.placed_under,
    _credential.c.must_change,
    _credential.c.temporary_until,
    _credential.c.campaign_id,
)


def _page(key: sa.Column[str]) -> sa.Select[Any]:
    """Select a page of users first, so that no database joins more than the page."""
    page = (
        sa.select(*_of_user)
        .where(
            _user.c.realm == sa.bindparam("realm"),
            _user.c.status == "active",
            key > sa.bindparam("after"),
        )
        .order_by(key)
        .limit(sa.bindparam("most"))
        .subquery("page")
    )
    order = page.c.user_id if key is _user.c.id else page.c.username_key
    return (
        sa.select(*page.c, *_of_credential)
        .outerjoin_from(
            page,
            _credential,
            sa.and_(
                _credential.c.realm == sa.bindparam("realm"),
                _credential.c.user_id == page.c.user_id,
            ),
        )
        .order_by(order)
    )


_BY_ID = _page(_user.c.id)
_BY_NAME = _page(_user.c.username_key)
_MEMBERSHIPS = sa.select(_membership.c.user_id, _membership.c.group_id).where(
    _membership.c.realm == sa.bindparam("realm")
)
"""Without the groups, beside which PostgreSQL may read all members of each for every page."""

_OF_USERS = _MEMBERSHIPS.where(
    _membership.c.user_id.in_(sa.bindparam("user_ids", expanding=True)),
)
_IN_SPAN = _MEMBERSHIPS.where(
    _membership.c.user_id.between(sa.bindparam("first"), sa.bindparam("last")),
)


def active_users_by_id(db: Session, realm: str, *, after: str, most: int) -> Sequence[Row[Any]]:
    """Read the next active users after an id (empty for the first ones), by id."""
    return run(db, _BY_ID, {"realm": realm, "after": after, "most": most}).all()


def active_users_by_name(db: Session, realm: str, *, after: str, most: int) -> Sequence[Row[Any]]:
    """Read the next active users after a `username_key`, by that."""
    return run(db, _BY_NAME, {"realm": realm, "after": after, "most": most}).all()


def memberships_of(db: Session, realm: str, user_ids: Sequence[str]) -> Sequence[Row[Any]]:
    """Read which groups (by id) each of some users is in."""
    return run(db, _OF_USERS, {"realm": realm, "user_ids": user_ids}).all()


def memberships_between(db: Session, realm: str, *, first: str, last: str) -> Sequence[Row[Any]]:
    """Read the same of all users from one id to another; for many, it costs the least."""
    return run(db, _IN_SPAN, {"realm": realm, "first": first, "last": last}).all()
