"""Requests for a new password as rows: made, found by their link, ended.

A request carries the credential generation it was made for, so any password set or lock since then
has ended it, whether its row still stands or not.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from idp.core.accounts import Owner, owner_of
from idp.core.work import UnitOfWork
from idp.ids import RawToken, UserId, hash_token, new_raw_token
from idp.store.recovery import RecoveryRequestRow
from idp.store.users import UserRow

MOST_OPEN = 3
"""How many requests of one account stay open; a further one drops the oldest."""
ADMIN_LINK_LIFE = timedelta(hours=24)
"""How long a link lives that an administrator sends, counted from sending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """An open way to a new password."""

    request_id: str
    owner: Owner
    generation: int
    campaign_id: str | None
    expires_at: datetime

    @property
    def user_id(self) -> UserId:
        """Give the id of the user whose password it is."""
        return self.owner.user_id


def issue_recovery_link(
    uow: UnitOfWork,
    user_id: UserId,
    *,
    generation: int,
    life: timedelta = ADMIN_LINK_LIFE,
    campaign_id: str | None = None,
) -> RawToken:
    """Make a link with which a user chooses a password; it works once, for `life` from now.

    Args:
        generation: the credential generation the link is made for; it dies when that moves.
        campaign_id: the bulk reset that sends it.
    """
    link = new_raw_token()
    row = new_request(uow, user_id, generation=generation)
    row.campaign_id = campaign_id
    row.link_hash = hash_token(link)
    row.expires_at = uow.now + life
    uow.db.add(row)
    return link


def new_request(uow: UnitOfWork, user_id: UserId, *, generation: int) -> RecoveryRequestRow:
    """Return the row of a request, not added yet, to be completed with its link and its end."""
    return RecoveryRequestRow(
        id=uow.new_id(),
        user_id=user_id,
        generation=generation,
        created_at=uow.now,
        code_tries=0,
    )


def find_recovery(uow: UnitOfWork, link: str) -> Recovery | None:
    """Return what a link is good for now; looking at it spends nothing.

    None when it is unknown, used, expired, older than the present password, or when its account
    is inactive, locked, or one of a directory, which keeps the password.

    Spec: NIST SP 800-63B-4 4.2.1.2.
    """
    query = _WITH_USER.where(RecoveryRequestRow.link_hash == hash_token(link), *_is_open(uow))
    found = uow.db.execute(query).one_or_none()
    if found is None:
        return None
    request, user = found
    return Recovery(
        request_id=request.id,
        owner=owner_of(user),
        generation=request.generation,
        campaign_id=request.campaign_id,
        expires_at=request.expires_at,
    )


def list_open_requests(
    uow: UnitOfWork, browser_hash: str, *, lock: bool = False
) -> list[RecoveryRequestRow]:
    """Return the requests with a live code that a browser asked for, oldest first.

    Args:
        lock: keep others from trying a code on them until this unit ends.
    """
    query = _WITH_USER.where(
        RecoveryRequestRow.browser_hash == browser_hash,
        RecoveryRequestRow.code_mac.is_not(None),
        *_is_open(uow),
    ).order_by(RecoveryRequestRow.created_at, RecoveryRequestRow.id)
    if lock:
        query = query.with_for_update(of=RecoveryRequestRow).execution_options(
            populate_existing=True
        )
    return [request for request, _ in uow.db.execute(query)]


def kill_recovery(uow: UnitOfWork, user_id: UserId) -> None:
    """End every open link and code of a user."""
    uow.db.execute(sa.delete(RecoveryRequestRow).where(RecoveryRequestRow.user_id == user_id))


def drop_oldest(uow: UnitOfWork, user_ids: list[UserId]) -> None:
    """Leave each of these users the newest `MOST_OPEN` requests that a browser asked for."""
    rank = (
        sa.func.row_number()
        .over(
            partition_by=RecoveryRequestRow.user_id,
            order_by=(RecoveryRequestRow.created_at.desc(), RecoveryRequestRow.id.desc()),
        )
        .label("rank")
    )
    ranked = (
        sa.select(RecoveryRequestRow.id, rank)
        .where(
            RecoveryRequestRow.user_id.in_(user_ids or [""]),
            RecoveryRequestRow.browser_hash.is_not(None),
        )
        .subquery()
    )
    surplus = list(uow.db.scalars(sa.select(ranked.c.id).where(ranked.c.rank > MOST_OPEN)))
    uow.db.execute(sa.delete(RecoveryRequestRow).where(RecoveryRequestRow.id.in_(surplus or [""])))


_WITH_USER = sa.select(RecoveryRequestRow, UserRow).join(
    UserRow,
    sa.and_(UserRow.realm == RecoveryRequestRow.realm, UserRow.id == RecoveryRequestRow.user_id),
)


def _is_open(uow: UnitOfWork) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        RecoveryRequestRow.used_at.is_(None),
        RecoveryRequestRow.expires_at > uow.now,
        RecoveryRequestRow.generation == UserRow.credential_generation,
        UserRow.status == "active",
        UserRow.connector.is_(None),
        UserRow.locked_at.is_(None),
    )
