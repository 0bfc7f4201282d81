"""The hashes that users had before: kept for the `history` rule, the newest ones only."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from idp.core.work import UnitOfWork
from idp.ids import UserId
from idp.store.users import UNUSABLE, CredentialRow, PasswordHistoryRow
from policy.model import HistoryNeed

MOST_HISTORY = 24
"""How many earlier passwords are kept, and at most compared."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """A hash that a user had before; position 1 is the most recent one."""

    position: int
    hash: str
    replaced_at: datetime


def list_earlier(uow: UnitOfWork, user_id: UserId, need: HistoryNeed | None) -> tuple[Earlier, ...]:
    """Return the earlier passwords that a policy's history reaches back to, newest first."""
    if need is None:
        return ()
    last, since = need.last or 0, need.since(uow.now)
    rows = uow.db.scalars(
        sa.select(PasswordHistoryRow)
        .where(PasswordHistoryRow.user_id == user_id)
        .order_by(PasswordHistoryRow.replaced_at.desc(), PasswordHistoryRow.id.desc())
        .limit(MOST_HISTORY)
    )
    return tuple(
        Earlier(position, row.hash, row.replaced_at)
        for position, row in enumerate(rows, start=1)
        if position <= last or (since is not None and row.replaced_at >= since)
    )


def keep_in_history(uow: UnitOfWork, row: CredentialRow) -> None:
    """Keep the hash that is about to be replaced; only the newest `MOST_HISTORY` stay."""
    if row.hash == UNUSABLE:
        return
    uow.db.add(
        PasswordHistoryRow(
            id=uow.new_id(),
            user_id=row.user_id,
            hash=row.hash,
            set_at=row.set_at,
            replaced_at=uow.now,
        )
    )
    uow.db.flush()
    of_user = PasswordHistoryRow.user_id == row.user_id
    surplus = list(
        uow.db.scalars(
            sa.select(PasswordHistoryRow.id)
            .where(of_user)
            .order_by(PasswordHistoryRow.replaced_at.desc(), PasswordHistoryRow.id.desc())
            .offset(MOST_HISTORY)
            .limit(MOST_HISTORY)
        )
    )
    if surplus:
        uow.db.execute(sa.delete(PasswordHistoryRow).where(PasswordHistoryRow.id.in_(surplus)))
