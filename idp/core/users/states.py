"""What an administrator can do to an account: lock, remove, bring back, sign out, ask to change.

Each takes effect at the next request of anybody who holds something of that user, because the
user's epoch moves (DECISIONS 4, 5). Doing a thing twice does it once.
"""

import sqlalchemy as sa

from idp.core.accounts import DIRECTORY_OWNED
from idp.core.directory_accounts import find_link
from idp.core.epochs import EpochCause, lock_account, move_epoch
from idp.core.events import Event, EventCode
from idp.core.recovery_requests import kill_recovery
from idp.core.roles import require_other_owner
from idp.core.sessions import end_other_sessions
from idp.core.throttle import release_account
from idp.core.users.views import UserStatus, UserView, get_row_to_write, get_user
from idp.core.work import UnitOfWork
from idp.errors import Conflict
from idp.ids import UserId
from idp.store.directories import DirectoryLinkRow
from idp.store.users import CredentialRow, KnownDeviceRow, UserRow


def lock_user(uow: UnitOfWork, user_id: UserId) -> UserView:
    """Lock an account: whatever it holds is worth nothing from now on.

    Raises:
        NotFound: `user.not_found`.
        Conflict: `admin.last_owner`.
    """
    row = get_row_to_write(uow, user_id)
    if row.locked_at is None:
        require_other_owner(uow, user_id)
        lock_account(uow, user_id)
        _forget_ways_in(uow, user_id)
    return get_user(uow, user_id)


def unlock_user(uow: UnitOfWork, user_id: UserId) -> UserView:
    """Open a locked account, and forget the wrong passwords that were tried on it.

    Nothing from before the lock comes back to life.

    Raises:
        NotFound: `user.not_found`.
    """
    release_account(uow, user_id)  # before the row: sign-ins lock in this order
    row = get_row_to_write(uow, user_id)
    if row.locked_at is not None:
        row.locked_at = None
        _touch(uow, row)
    uow.record(Event(code=EventCode.USER_UNLOCKED, subject_id=user_id))
    return get_user(uow, user_id)


def deactivate_user(uow: UnitOfWork, user_id: UserId) -> UserView:
    """Remove an account from use; it keeps its name, its history and its groups.

    That of a directory stays out whatever the directory says.

    Raises:
        NotFound: `user.not_found`.
        Conflict: `admin.last_owner`.
    """
    row = get_row_to_write(uow, user_id)
    link = _link_of(uow, row)
    is_news = link is not None and not link.is_removed
    if link is not None:
        link.is_removed = True
    if row.status != UserStatus.INACTIVE.value:
        require_other_owner(uow, user_id)
        row.status = UserStatus.INACTIVE.value
        _touch(uow, row)
        move_epoch(uow, user_id, EpochCause.DEACTIVATED)
        _forget_ways_in(uow, user_id)
        is_news = True
    if is_news:
        uow.record(Event(code=EventCode.USER_DEACTIVATED, subject_id=user_id))
    return get_user(uow, user_id)


def reactivate_user(uow: UnitOfWork, user_id: UserId) -> UserView:
    """Bring a removed account back: same `sub`, same password, no session and no token of before.

    A lock stays until it is taken away.

    Raises:
        NotFound: `user.not_found`.
        Conflict: `user.disabled_by_directory`: only the directory that owns it brings it back.
    """
    row = get_row_to_write(uow, user_id)
    link = _link_of(uow, row)
    if link is not None and link.is_disabled:
        raise Conflict("user.disabled_by_directory", connector=link.connector)
    if link is not None:
        link.is_removed = False
    if row.status != UserStatus.ACTIVE.value:
        row.status = UserStatus.ACTIVE.value
        _touch(uow, row)
        move_epoch(uow, user_id, EpochCause.REACTIVATED)
        uow.record(Event(code=EventCode.USER_REACTIVATED, subject_id=user_id))
    return get_user(uow, user_id)


def require_change(uow: UnitOfWork, user_id: UserId, *, end_sessions: bool = False) -> UserView:
    """Ask a user for another password at the next step; sessions end only if asked for.

    Raises:
        NotFound: `user.not_found`.
        Conflict: `user.no_password`, `user.directory_owned`.
    """
    row = get_row_to_write(uow, user_id)
    if row.connector is not None:
        raise Conflict(DIRECTORY_OWNED)
    view = get_user(uow, user_id)
    if view.password is None:
        raise Conflict("user.no_password")
    uow.db.execute(
        sa.update(CredentialRow).where(CredentialRow.user_id == user_id).values(must_change=True)
    )
    if end_sessions:
        _end_sessions(uow, user_id, EpochCause.MUST_CHANGE)
    if end_sessions or not view.password.must_change:
        uow.record(
            Event(
                code=EventCode.USER_MUST_CHANGE,
                subject_id=user_id,
                params={"end_sessions": end_sessions},
            )
        )
    return get_user(uow, user_id)


def end_sessions(uow: UnitOfWork, user_id: UserId) -> int:
    """Sign a user out everywhere, apps included; return how many sessions that ended.

    Raises:
        NotFound: `user.not_found`.
    """
    get_row_to_write(uow, user_id)
    return _end_sessions(uow, user_id, EpochCause.SESSIONS_ENDED)


def _end_sessions(uow: UnitOfWork, user_id: UserId, cause: EpochCause) -> int:
    move_epoch(uow, user_id, cause)
    ended = end_other_sessions(uow, user_id, None)
    if not ended:
        uow.record(Event(code=EventCode.SESSION_ENDED, subject_id=user_id, params={"count": 0}))
    return ended


def _link_of(uow: UnitOfWork, row: UserRow) -> DirectoryLinkRow | None:
    return None if row.connector is None else find_link(uow, UserId(row.id))


def _touch(uow: UnitOfWork, row: UserRow) -> None:
    row.version += 1
    row.updated_at = uow.now


def _forget_ways_in(uow: UnitOfWork, user_id: UserId) -> None:
    kill_recovery(uow, user_id)
    uow.db.execute(sa.delete(KnownDeviceRow).where(KnownDeviceRow.user_id == user_id))
