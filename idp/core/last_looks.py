"""When the directory that owns an account was last asked about it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Row

from idp.ids import UserId


@dataclass(frozen=True, slots=True)
class LastLook:
    """An account that a directory owns, and when it was last seen to have it.

    `stable_id` and `checked_at` are None when nothing tells which entry it is.
    """

    user_id: UserId
    connector: str
    stable_id: str | None
    checked_at: datetime | None


def last_look_of(row: Row[Any]) -> LastLook | None:
    """Read the look out of a row of `hot.refresh_facts` or `hot.signed_in_facts`.

    None when no directory owns the account.
    """
    if row.connector is None:
        return None
    return LastLook(UserId(row.user_id), row.connector, row.stable_id, row.checked_at)
