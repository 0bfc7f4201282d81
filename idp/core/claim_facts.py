"""What is known about a person, gathered for claims with one SELECT (two with groups)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from idp.core.work import UnitOfWork
from idp.ids import UserId
from idp.store.groups import GroupRow, MembershipRow
from idp.store.users import UserRow

_COLUMNS = (
    UserRow.username,
    UserRow.email,
    UserRow.email_verified,
    UserRow.given_name,
    UserRow.family_name,
    UserRow.name,
    UserRow.phone_number,
    UserRow.locale,
    UserRow.zoneinfo,
    UserRow.claims,
    UserRow.updated_at,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimFacts:
    """A person as columns; `further` holds the standard claims that have no column."""

    username: str
    email: str | None
    email_verified: bool
    given_name: str | None
    family_name: str | None
    name: str | None
    phone_number: str | None
    locale: str | None
    zoneinfo: str | None
    further: Mapping[str, Any]
    groups: tuple[str, ...]
    updated_at: datetime


def get_claim_facts(uow: UnitOfWork, user_id: UserId, *, with_groups: bool) -> ClaimFacts:
    """Return what claims about a user are made of; `groups` is empty unless asked for."""
    row = uow.db.execute(sa.select(*_COLUMNS).where(UserRow.id == user_id)).one()
    columns = dict(row._mapping)  # noqa: SLF001 - the public name of a row's mapping
    further = columns.pop("claims")
    groups = _groups(uow, user_id) if with_groups else ()
    return ClaimFacts(further=further, groups=groups, **columns)


def _groups(uow: UnitOfWork, user_id: UserId) -> tuple[str, ...]:
    query = (
        sa.select(GroupRow.name)
        .join(
            MembershipRow,
            sa.and_(MembershipRow.realm == GroupRow.realm, MembershipRow.group_id == GroupRow.id),
        )
        .where(MembershipRow.user_id == user_id)
        .order_by(GroupRow.name_key)
    )
    return tuple(uow.db.scalars(query))
