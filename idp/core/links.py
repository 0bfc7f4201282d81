"""One-time links for other things than a forgotten password.

`action`: the page where a pending change is finished (`idp_action_uri`); `not_me`: locks an account
whose shared password somebody else changed; `setup`: makes the first administrator. Looking at one
never spends it, and what it stands for is stored under its hash.
"""

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from idp.core.accounts import Account, find_account_by_id, find_account_to_write
from idp.core.epochs import EpochCause, lock_account
from idp.core.events import Event, EventCode
from idp.core.mails import mail_account_locked
from idp.core.recovery_requests import kill_recovery
from idp.core.roles import has_owner
from idp.core.work import UnitOfWork
from idp.errors import Conflict
from idp.ids import ClientId, FamilyId, RawToken, UserId, hash_token, new_raw_token
from idp.store.recovery import OneTimeLinkRow
from idp.store.users import UserRow

ACTION_LIFE = timedelta(minutes=10)
NOT_ME_LIFE = timedelta(days=7)
SETUP_LIFE = timedelta(hours=24)
_ACTION, _NOT_ME, _SETUP = "action", "not_me", "setup"
_OWN_CHANGES = (EpochCause.PASSWORD_CHANGED.value, EpochCause.PASSWORD_RECOVERED.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A pending change that an app sent its user to finish; proves nothing (DECISIONS 7)."""

    user_id: UserId
    client_id: ClientId
    family_id: FamilyId
    username: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotMe:
    """An account that its owner may lock with a link from a notice."""

    user_id: UserId
    username: str


def issue_action_link(
    uow: UnitOfWork, *, user_id: UserId, client_id: ClientId, family_id: FamilyId, epoch: int
) -> RawToken:
    """Return the token of the address where a change is finished; one lives per family.

    An app that asks again gets the same one while at least half of its life is left, so that
    asking does not take away the page that its user is looking at.

    Args:
        epoch: of the account, as the gate saw it; the address dies when it moves.
    """
    find_account_to_write(uow, user_id)  # one asks at a time
    row = _find_action_of(uow, family_id)
    if row is not None and row.expires_at - uow.now >= ACTION_LIFE / 2:
        token = _action_tokens(uow, family_id, row.created_at, epoch)[0]
        if hash_token(token) == row.token_hash:
            return token
    uow.db.execute(
        sa.delete(OneTimeLinkRow).where(
            OneTimeLinkRow.family_id == family_id, OneTimeLinkRow.purpose == _ACTION
        )
    )
    token = _action_tokens(uow, family_id, uow.now, epoch)[0]
    row = _new_row(uow, token, _ACTION, ACTION_LIFE, user_id)
    row.client_id = client_id
    row.family_id = family_id
    uow.db.add(row)
    return token


def find_action(uow: UnitOfWork, token: str) -> Action | None:
    """Return what an action link stands for, or None when it is over.

    It is over with the epoch it was issued in: nothing that a lock, a reset or a lost role ended
    comes back. Only the owner's own change leaves it open, for its page then leads back to the app.
    """
    row = _find(uow, token, _ACTION)
    if row is None or row.family_id is None or row.client_id is None or row.user_id is None:
        return None
    account = find_account_by_id(uow, UserId(row.user_id))
    if account is None or not account.is_open or not _is_of_present(uow, row, account):
        return None
    return Action(
        user_id=account.user_id,
        client_id=ClientId(row.client_id),
        family_id=FamilyId(row.family_id),
        username=account.owner.username,
    )


def finish_action(uow: UnitOfWork, token: str) -> bool:
    """Spend an action link after the change; tell whether this call did."""
    return _spend(uow, token, _ACTION)


def issue_not_me_link(uow: UnitOfWork, user_id: UserId) -> RawToken:
    """Make a link with which the owner of an account can lock it; it works once, for 7 days."""
    token = new_raw_token()
    uow.db.add(_new_row(uow, token, _NOT_ME, NOT_ME_LIFE, user_id))
    return token


def find_not_me(uow: UnitOfWork, token: str) -> NotMe | None:
    """Return whose account a link locks, or None when it is over."""
    account = _find_not_me_account(uow, token)
    return None if account is None else _not_me(account)


def redeem_not_me(uow: UnitOfWork, token: str) -> NotMe | None:
    """Lock the account: sessions, tokens and links end; None when the link is over.

    An administrator finds out what happened and unlocks it.
    """
    account = _find_not_me_account(uow, token)
    if account is None or not _spend(uow, token, _NOT_ME):
        return None
    lock_account(uow, account.user_id, EpochCause.NOT_ME)
    kill_recovery(uow, account.user_id)
    mail_account_locked(uow, account.owner, "not_me")
    return _not_me(account)


def issue_setup_link(uow: UnitOfWork) -> RawToken:
    """Make the link with which the first administrator sets up an account, within 24 hours.

    A further one ends those before.

    Raises:
        Conflict: `setup.closed`: there is an owner who can act.
    """
    if has_owner(uow):
        raise Conflict("setup.closed")
    uow.db.execute(sa.delete(OneTimeLinkRow).where(OneTimeLinkRow.purpose == _SETUP))
    token = new_raw_token()
    uow.db.add(_new_row(uow, token, _SETUP, SETUP_LIFE, None))
    uow.record(Event(code=EventCode.ADMIN_SETUP_LINK_ISSUED))
    return token


def find_setup(uow: UnitOfWork, token: str) -> bool:
    """Tell whether a set-up link is good: known, unused, in time, and no owner yet."""
    return _find(uow, token, _SETUP) is not None and not has_owner(uow)


def redeem_setup(uow: UnitOfWork, token: str) -> bool:
    """Spend the set-up link; tell whether this call did.

    To be called in the unit of work that makes the owner, so that neither is without the other.
    """
    return not has_owner(uow) and _spend(uow, token, _SETUP)


def _find_not_me_account(uow: UnitOfWork, token: str) -> Account | None:
    row = _find(uow, token, _NOT_ME)
    return find_account_by_id(uow, UserId(row.user_id)) if row and row.user_id else None


def _not_me(account: Account) -> NotMe:
    return NotMe(user_id=account.user_id, username=account.owner.username)


def _new_row(
    uow: UnitOfWork, token: RawToken, purpose: str, life: timedelta, user_id: UserId | None
) -> OneTimeLinkRow:
    return OneTimeLinkRow(
        token_hash=hash_token(token),
        purpose=purpose,
        user_id=user_id,
        created_at=uow.now,
        expires_at=uow.now + life,
    )


def _find(uow: UnitOfWork, token: str, purpose: str) -> OneTimeLinkRow | None:
    query = sa.select(OneTimeLinkRow).where(
        OneTimeLinkRow.token_hash == hash_token(token),
        OneTimeLinkRow.purpose == purpose,
        OneTimeLinkRow.used_at.is_(None),
        OneTimeLinkRow.expires_at > uow.now,
    )
    return uow.db.scalars(query).one_or_none()


def _find_action_of(uow: UnitOfWork, family_id: FamilyId) -> OneTimeLinkRow | None:
    query = sa.select(OneTimeLinkRow).where(
        OneTimeLinkRow.family_id == family_id,
        OneTimeLinkRow.purpose == _ACTION,
        OneTimeLinkRow.used_at.is_(None),
    )
    return uow.db.scalars(query).one_or_none()


def _is_of_present(uow: UnitOfWork, row: OneTimeLinkRow, account: Account) -> bool:
    """Tell whether an action link was issued in this epoch, or before the owner's own change."""
    user = uow.db.get_one(UserRow, (uow.realm, account.user_id))
    is_own_change = user.epoch_cause in _OWN_CHANGES
    epochs = (user.epoch, user.epoch - 1) if is_own_change else (user.epoch,)
    family_id = FamilyId(row.family_id or "")
    return any(
        hash_token(token) == row.token_hash
        for epoch in epochs
        for token in _action_tokens(uow, family_id, row.created_at, epoch)
    )


def _action_tokens(
    uow: UnitOfWork, family_id: FamilyId, created_at: datetime, epoch: int
) -> list[RawToken]:
    """Derive the token with the key file, so that it can be given out again but is not stored.

    One for each key that may have made it, the present one first.
    """
    message = f"{uow.realm}\n{family_id}\n{created_at.isoformat()}\n{epoch}".encode()
    macs = uow.runtime.box.macs(message, purpose="action link")
    return [RawToken(base64.urlsafe_b64encode(mac).decode().rstrip("=")) for mac in macs]


def _spend(uow: UnitOfWork, token: str, purpose: str) -> bool:
    spent = uow.db.execute(
        sa.update(OneTimeLinkRow)
        .where(
            OneTimeLinkRow.token_hash == hash_token(token),
            OneTimeLinkRow.purpose == purpose,
            OneTimeLinkRow.used_at.is_(None),
            OneTimeLinkRow.expires_at > uow.now,
        )
        .values(used_at=uow.now)
        .returning(OneTimeLinkRow.token_hash),
        execution_options={"synchronize_session": False},
    )
    return spent.one_or_none() is not None
