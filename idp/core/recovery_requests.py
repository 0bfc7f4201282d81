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


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCode:
    """A request whose code may still be typed, as it stood when it was read."""

    request_id: str
    user_id: UserId
    generation: int
    code_mac: str
    tries: int
    expires_at: datetime


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


def list_open_codes(uow: UnitOfWork, browser_hash: str, *, lock: bool = False) -> list[OpenCode]:
    """Return the live codes that a browser asked for, oldest first.

    It takes about as long when there is none, which is nobody's business.

    Args:
        lock: keep others from trying a code on them until this unit ends.
    """
    query = (
        sa.select(
            RecoveryRequestRow.id,
            RecoveryRequestRow.user_id,
            RecoveryRequestRow.generation,
            RecoveryRequestRow.code_mac,
            RecoveryRequestRow.code_tries,
            RecoveryRequestRow.expires_at,
        )
        .join(UserRow, _IS_USERS)
        .where(
            RecoveryRequestRow.browser_hash == browser_hash,
            RecoveryRequestRow.code_mac.is_not(None),
            *_is_open(uow),
        )
        .order_by(RecoveryRequestRow.created_at, RecoveryRequestRow.id)
    )
    if lock:
        query = query.with_for_update(of=RecoveryRequestRow)
    return [
        OpenCode(
            request_id=row.id,
            user_id=UserId(row.user_id),
            generation=row.generation,
            code_mac=row.code_mac or "",
            tries=row.code_tries,
            expires_at=row.expires_at,
        )
        for row in uow.db.execute(query)
    ]


def count_wrong_code(uow: UnitOfWork, request_ids: list[str]) -> None:
    """Count a wrong code on each of these requests; one UPDATE, even for none."""
    uow.db.execute(
        sa.update(RecoveryRequestRow)
        .where(RecoveryRequestRow.id.in_(request_ids or [""]))
        .values(code_tries=RecoveryRequestRow.code_tries + 1),
        execution_options={"synchronize_session": False},
    )


def spend_code(uow: UnitOfWork, request_id: str) -> None:
    """Let the code of a request work no more; its link lives on."""
    uow.db.execute(
        sa.update(RecoveryRequestRow)
        .where(RecoveryRequestRow.id == request_id)
        .values(code_mac=None),
        execution_options={"synchronize_session": False},
    )


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


_IS_USERS = sa.and_(
    UserRow.realm == RecoveryRequestRow.realm, UserRow.id == RecoveryRequestRow.user_id
)
_WITH_USER = sa.select(RecoveryRequestRow, UserRow).join(UserRow, _IS_USERS)


def _is_open(uow: UnitOfWork) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        RecoveryRequestRow.used_at.is_(None),
        RecoveryRequestRow.expires_at > uow.now,
        RecoveryRequestRow.generation == UserRow.credential_generation,
        UserRow.status == "active",
        UserRow.connector.is_(None),
        UserRow.locked_at.is_(None),
    )
