"""What a directory says about one of its accounts, and what follows here.

Two words decide whether such an account may be used, and neither overrules the other: the
directory's and an administrator's. What people hold ends as soon as either says no, or the
directory has another password for them. Looks at a directory take time and overtake each other:
none is taken over that is older than what was noted.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from connectors.records import DirectoryEntry
from idp.core.epochs import EpochCause, move_credential, move_epoch
from idp.core.events import Event, EventCode
from idp.core.recovery_requests import kill_recovery
from idp.core.roles import AdminRole, has_owner, holds_role
from idp.core.work import UnitOfWork
from idp.ids import UserId
from idp.store.directories import DirectoryLinkRow
from idp.store.users import CredentialRow, KnownDeviceRow, UserRow

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryState:
    """What a directory says about an account beside who it is."""

    is_enabled: bool
    must_change: bool
    password_set_at: datetime | None
    is_gone: bool = False


GONE = EntryState(is_enabled=False, must_change=False, password_set_at=None, is_gone=True)


def state_of(entry: DirectoryEntry) -> EntryState:
    """Return the state of an entry as it was just read."""
    return EntryState(
        is_enabled=entry.is_enabled,
        must_change=entry.must_change,
        password_set_at=entry.password_set_at,
    )


def find_link(uow: UnitOfWork, user_id: UserId) -> DirectoryLinkRow | None:
    """Return which entry a user is and keep others from changing it; None for a local user."""
    return uow.db.get(
        DirectoryLinkRow, (uow.realm, user_id), with_for_update=True, populate_existing=True
    )


def take_state(uow: UnitOfWork, user_id: UserId, state: EntryState, *, seen_at: datetime) -> bool:
    """Bring an account of a directory up to what the directory said; tell whether it was.

    The last owner who can act is never put out of use by a directory; the next look tries again.

    Args:
        seen_at: when the directory was asked, or later, but no later than it answered.
    """
    user = _hold_user(uow, user_id)
    link = find_link(uow, user_id)
    if user is None or link is None or link.checked_at > seen_at:
        return False
    if not state.is_enabled and _is_needed(uow, user):
        return False
    link.is_disabled = not state.is_enabled
    link.gone_since = (link.gone_since or uow.now) if state.is_gone else None
    link.checked_at = seen_at
    follow_link(uow, user, link)
    if not state.is_gone:
        _take_password(uow, user_id, state)
    return True


def take_look(
    uow: UnitOfWork, user_id: UserId, entry: DirectoryEntry, *, seen_at: datetime
) -> bool:
    """Take over what a look at one entry showed; tell whether it was.

    Whom it puts out of use, or back, the next run compares anew: it may have changed back by then,
    and would be as the last run left it.
    """
    _hold_user(uow, user_id)
    link = find_link(uow, user_id)
    was_disabled = link is not None and link.is_disabled
    is_taken = take_state(uow, user_id, state_of(entry), seen_at=seen_at)
    if is_taken and link is not None and link.is_disabled != was_disabled:
        link.digest = ""
    return is_taken


def lose_sight(uow: UnitOfWork, user_id: UserId, *, seen_at: datetime) -> None:
    """Note that a directory did not find an account; nobody but a sync says that it is gone.

    What the account holds ends, and a new sign-in is judged by the directory. It is not disabled:
    the directory may have lost a right or a branch, and what is disabled one by one would pass the
    sync's brake.
    """
    _hold_user(uow, user_id)
    link = find_link(uow, user_id)
    if link is None or link.checked_at == _NEVER or link.checked_at > seen_at:
        return
    link.checked_at = _NEVER
    uow.db.flush()
    move_epoch(uow, user_id, EpochCause.SESSIONS_ENDED)


def follow_link(uow: UnitOfWork, user: UserRow, link: DirectoryLinkRow) -> None:
    """Give the account the status that the directory and the administrators leave it."""
    is_open = not link.is_disabled and not link.is_removed
    if is_open == (user.status == "active"):
        return
    user.status = "active" if is_open else "inactive"
    user.version += 1
    user.updated_at = uow.now
    user_id = UserId(user.id)
    uow.db.flush()
    by = {"connector": link.connector}
    if is_open:
        move_epoch(uow, user_id, EpochCause.REACTIVATED)
        uow.record(Event(code=EventCode.USER_REACTIVATED, subject_id=user_id, params=by))
        return
    move_epoch(uow, user_id, EpochCause.DEACTIVATED)
    kill_recovery(uow, user_id)
    uow.db.execute(sa.delete(KnownDeviceRow).where(KnownDeviceRow.user_id == user_id))
    uow.record(Event(code=EventCode.USER_DEACTIVATED, subject_id=user_id, params=by))


def _hold_user(uow: UnitOfWork, user_id: UserId) -> UserRow | None:
    """Return a user, locked as a sign-in does it: before the link, and not against its keys."""
    return uow.db.get(
        UserRow,
        (uow.realm, user_id),
        with_for_update={"key_share": True},
        populate_existing=True,
    )


def _is_needed(uow: UnitOfWork, user: UserRow) -> bool:
    user_id = UserId(user.id)
    if user.status != "active" or not holds_role(uow, user_id, AdminRole.OWNER):
        return False
    return not has_owner(uow, besides=user_id)


def _take_password(uow: UnitOfWork, user_id: UserId, state: EntryState) -> None:
    """Note that the directory wants another password, or has got one since."""
    credential = uow.db.get(CredentialRow, (uow.realm, user_id), populate_existing=True)
    if credential is None:
        return
    credential.must_change = state.must_change
    if state.password_set_at is not None and state.password_set_at > credential.set_at:
        credential.set_at = state.password_set_at
        credential.judged_under = 0
        credential.judged_groups = ""
        credential.refused_under = None
        credential.temporary_until = None
        uow.db.flush()
        move_credential(uow, user_id, EpochCause.PASSWORD_CHANGED)
