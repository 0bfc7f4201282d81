"""The two counters of a user, moved in one place each (DECISIONS 4, 5).

`epoch` is carried by sessions, codes, families and access tokens; `credential_generation` by reset
links and undo. Each move is one UPDATE with expressions, so parallel moves add up.
"""

from collections.abc import Collection
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm.util import identity_key

from idp.core.events import Event, EventCode
from idp.core.work import UnitOfWork
from idp.errors import NotFound
from idp.ids import UserId
from idp.store.users import UserRow


class EpochCause(StrEnum):
    """Why a counter moved; kept on the user and shown in explanations."""

    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a cause, no password
    PASSWORD_RECOVERED = "password_recovered"  # noqa: S105 - a cause, no password
    PASSWORD_SET = "password_set"  # noqa: S105 - a cause, no password
    BULK_RESET = "bulk_reset"
    BULK_RESET_UNDONE = "bulk_reset_undone"
    MUST_CHANGE = "must_change"
    LOCKED = "locked"
    NOT_ME = "not_me"
    DEACTIVATED = "deactivated"
    REACTIVATED = "reactivated"
    ROLE_LOST = "role_lost"
    SESSIONS_ENDED = "sessions_ended"


def move_epoch(uow: UnitOfWork, user_id: UserId, cause: EpochCause) -> int:
    """End everything a user was given so far, and return the new epoch.

    Raises:
        NotFound: `user.not_found`.
    """
    return _move(uow, user_id, cause, epoch=UserRow.epoch + 1)[0]


def move_epochs(uow: UnitOfWork, user_ids: Collection[str], cause: EpochCause) -> None:
    """End everything that each of these users was given so far; one UPDATE."""
    uow.db.execute(
        sa.update(UserRow)
        .where(UserRow.id.in_(user_ids))
        .values(
            epoch=UserRow.epoch + 1,
            epoch_cause=cause.value,
            epoch_at=uow.now,
            updated_at=uow.now,
        ),
        execution_options={"synchronize_session": False},
    )
    for user_id in user_ids:
        _look_anew(uow, user_id)


def move_credential(uow: UnitOfWork, user_id: UserId, cause: EpochCause) -> int:
    """Note that the password is another one, and return the new credential generation.

    Reset links die, and so does everything else a user was given.

    Raises:
        NotFound: `user.not_found`.
    """
    return _move(
        uow,
        user_id,
        cause,
        epoch=UserRow.epoch + 1,
        credential_epoch=UserRow.epoch + 1,
        credential_generation=UserRow.credential_generation + 1,
    )[1]


def lock_account(uow: UnitOfWork, user_id: UserId, cause: EpochCause = EpochCause.LOCKED) -> None:
    """Lock an account: no sign-in, no token, no reset link until an administrator unlocks it.

    Raises:
        NotFound: `user.not_found`.
    """
    _move(
        uow,
        user_id,
        cause,
        epoch=UserRow.epoch + 1,
        credential_generation=UserRow.credential_generation + 1,
        locked_at=sa.func.coalesce(UserRow.locked_at, uow.now),
        version=UserRow.version + 1,
    )
    uow.record(Event(code=EventCode.USER_LOCKED, subject_id=user_id, params={"cause": cause.value}))


def _move(
    uow: UnitOfWork,
    user_id: UserId,
    cause: EpochCause,
    **columns: Any,  # noqa: ANN401 - column expressions
) -> tuple[int, int]:
    moved = uow.db.execute(
        sa.update(UserRow)
        .where(UserRow.id == user_id)
        .values(epoch_cause=cause.value, epoch_at=uow.now, updated_at=uow.now, **columns)
        .returning(UserRow.epoch, UserRow.credential_generation),
        execution_options={"synchronize_session": False},
    ).one_or_none()
    if moved is None:
        raise NotFound("user.not_found")
    _look_anew(uow, user_id)
    return moved.epoch, moved.credential_generation


def _look_anew(uow: UnitOfWork, user_id: str) -> None:
    known = uow.db.identity_map.get(identity_key(UserRow, (uow.realm, user_id)))
    if known is not None:
        uow.db.expire(known)
