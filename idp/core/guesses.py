"""Guesses at a password: which brakes they meet, and what a wrong one leaves behind.

Sign-in and change form share them. What a stranger may be told (a wait) depends on the typed name,
the address and the browser alone, never on whether there is such an account. The brake of the
account itself, which has two names, only refuses.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from idp.core.accounts import Account, LookedUp
from idp.core.devices import is_known_device
from idp.core.events import Event, EventCode
from idp.core.mails import mail_account_locked
from idp.core.names import find_key, is_storable
from idp.core.ports import Hasher
from idp.core.throttle import (
    Brake,
    brake_of,
    bucket_of,
    count_attempt,
    hold_brakes,
    network_of,
    release_brakes,
    wait_for,
)
from idp.core.work import UnitOfWork
from idp.ids import RawToken, UserId
from idp.store import hot_sign_in
from idp.store.throttle import Bucket

MOST_FAILURES = 100
"""Consecutive failures after which a password opens nothing any more (NIST SP 800-63B-4 3.2.2)."""
_NOBODY = ""
_MAC_DIGITS = 32
_LONGEST_ODD_NAME = 64


class Refusal(StrEnum):
    """Why a password was refused; for the audit trail only."""

    UNKNOWN = "unknown_user"
    WRONG = "wrong_password"
    INACTIVE = "account_disabled"
    LOCKED = "account_locked"
    UNUSABLE = "no_password"
    BLOCKED = "too_many_failures"
    THROTTLED = "throttled"
    TEMPORARY_OVER = "temporary_password_over"
    DIRECTORY_UNKNOWN = "directory_unknown"
    DIRECTORY_DISABLED = "directory_disabled"
    DIRECTORY_LOCKED = "directory_locked"
    DIRECTORY_REFUSED = "directory_refused"
    DIRECTORY_DOWN = "directory_down"
    DIRECTORY_NOT_CONFIGURED = "directory_not_configured"
    DIRECTORY_WITHOUT_PASSWORDS = "directory_without_passwords"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """One attempt to prove a password, as it stood before anything was hashed.

    Attributes:
        told: the brake of the name, or of the account's known devices; its wait may be told. Known
            devices count together, since whoever shares one could begin anew there by signing in
            to an account of their own. Those of a directory's account share even the brake of the
            account: the directory counts all as one.
        network: the brake of the address; its wait may be told.
        silent: the brake of the account.
        is_throttled: one of them was set.
    """

    account: Account | None
    name_mac: str
    told: tuple[Brake, ...]
    network: tuple[Brake, ...]
    silent: tuple[Brake, ...]
    is_throttled: bool

    @property
    def user_id(self) -> UserId | None:
        """Give the account that is guessed at, if there is one."""
        return self.account.user_id if self.account else None


@dataclass(frozen=True, slots=True)
class Miss:
    """A refused guess that says nothing more."""


@dataclass(frozen=True, slots=True)
class LoginThrottled:
    """Too many wrong passwords; whoever asks may come back after `retry_after` seconds."""

    retry_after: int


@dataclass(frozen=True, slots=True)
class TemporaryPasswordOver:
    """The password is right, but its time is over; only recovery by e-mail helps."""


def guess_by_name(uow: UnitOfWork, typed: str, found: LookedUp) -> Guess:
    """Read what an attempt under a typed name meets; the same statements for every name."""
    key = find_key(typed) or typed[:_LONGEST_ODD_NAME]
    return _guess(uow, key, found.account, is_known=found.is_device_known)


def guess_of_account(uow: UnitOfWork, account: Account, device: RawToken | None) -> Guess:
    """Read what an attempt meets on the change form of somebody who is known already."""
    is_known = is_known_device(uow, device, account)
    return _guess(uow, account.owner.username_key, account, is_known=is_known)


def refusal_of(guess: Guess, *, is_right: bool) -> Refusal | None:
    """Return why a guess is refused, or None when it is right and its account is open.

    Args:
        is_right: the password is the stored one.
    """
    if guess.account is None:
        return Refusal.UNKNOWN
    return refusal_of_account(guess.account) or (None if is_right else Refusal.WRONG)


def refusal_of_account(account: Account) -> Refusal | None:
    """Return why an account may not be signed in to with any password."""
    if not account.is_active:
        return Refusal.INACTIVE
    if account.is_locked:
        return Refusal.LOCKED
    if account.password is None:
        return Refusal.UNUSABLE
    if account.entry is None and account.password.blocked_at is not None:
        return Refusal.BLOCKED  # of a directory's accounts the directory counts to the end
    return None


def refuse_guess(uow: UnitOfWork, guess: Guess, reason: Refusal) -> Miss | LoginThrottled:
    """Count a refused guess and tell the audit trail why it was refused.

    While a brake is set, the answer does not depend on the password, so nothing is counted
    against the account.
    """
    held = hold_brakes(uow, (*guess.told, *guess.network, *guess.silent))
    wait = held.wait(uow.now, (*guess.told, *guess.network))
    is_free = not held.wait(uow.now, guess.silent)
    until = None
    if not wait:
        counted = (*guess.told, *guess.network, *(guess.silent if is_free else ()))
        after = count_attempt(uow, held, counted)
        note_first_waits(uow, guess, [b for b in counted if after[b.bucket].count == b.limit.count])
        until = blocked_until(guess.silent, after) if is_free else None
    if wait or not is_free:
        reason = Refusal.THROTTLED
    count_failure(uow, _NOBODY if reason is Refusal.THROTTLED else guess.user_id, until, guess)
    record_refusal(uow, guess, reason)
    return LoginThrottled(wait) if wait else Miss()


def pass_brakes(uow: UnitOfWork, guess: Guess) -> bool:
    """Lock the brakes of a right guess and tell whether they still let it through.

    To be called before the account is locked. The brake of the address stays out of it.
    """
    own = (*guess.told, *guess.silent)
    return not hold_brakes(uow, own).wait(uow.now, own)


def release_guess(uow: UnitOfWork, guess: Guess) -> None:
    """Begin counting anew after a right guess; the brake of the address goes on."""
    release_brakes(uow, [brake.bucket for brake in (*guess.told, *guess.silent)])


def verify_guess(hasher: Hasher, guess: Guess, password: str) -> bool:
    """Tell whether a guess is right, with the work of one hash whatever there is to compare."""
    stored = guess.account.password if guess.account else None
    if stored is None or not is_storable(password):
        hasher.verify_nothing(password)
        return False
    return hasher.verify(stored.hash, password)


def is_temporary_over(account: Account, now: datetime) -> bool:
    """Tell whether the password was a temporary one whose time is over."""
    if account.entry is not None:  # a directory's own age of passwords, which it told itself
        return False
    until = account.password.temporary_until if account.password else None
    return until is not None and now > until


def refuse_temporary(uow: UnitOfWork, guess: Guess) -> TemporaryPasswordOver:
    """Note that a right password came too late; nothing is counted."""
    record_refusal(uow, guess, Refusal.TEMPORARY_OVER)
    return TemporaryPasswordOver()


def record_refusal(uow: UnitOfWork, guess: Guess, reason: Refusal, detail: str = "") -> None:
    """Write down why a guess was refused, with the codes of whoever else refused it."""
    told = {"detail": detail} if detail else {}
    uow.record(
        Event(
            code=EventCode.USER_SIGN_IN_REFUSED,
            subject_id=guess.user_id,
            params={"reason": reason.value, "name_mac": guess.name_mac, **told},
        )
    )


def blocked_until(brakes: tuple[Brake, ...], after: dict[str, Bucket]) -> datetime | None:
    """Return when the brakes of an account let the next guess through, if they stop any."""
    return next((brake.blocked_until(after[brake.bucket]) for brake in brakes), None)


def count_failure(
    uow: UnitOfWork, user_id: str | None, until: datetime | None, guess: Guess
) -> None:
    """Count a wrong password on the credential; the owner hears of the last one."""
    counted = hot_sign_in.count_failure(
        uow.db, uow.realm, user_id or _NOBODY, at=uow.now, until=until, most=MOST_FAILURES
    )
    if counted == MOST_FAILURES and guess.account is not None:
        _record_throttled(uow, guess, "password")
        mail_account_locked(uow, guess.account.owner, "attempts", guess.account.entry)


def note_first_waits(uow: UnitOfWork, guess: Guess, trips: list[Brake]) -> None:
    """Write down which brakes begin to make people wait with this guess."""
    for brake in trips:
        scope = "address" if brake in guess.network else "account"
        if brake not in guess.silent:
            _record_throttled(uow, guess, scope)


def _guess(uow: UnitOfWork, key: str, account: Account | None, *, is_known: bool) -> Guess:
    name = bucket_of(uow, "name", key)
    network = network_of(uow.trace.address)
    own = bucket_of(uow, "account", account.user_id if account else f"name {key}")
    at_network: tuple[Brake, ...] = ()
    silent: tuple[Brake, ...] = ()
    if account is None or not is_known:
        told = _brake_on(uow, name)
        per_address = uow.runtime.config.limits.sign_in_per_address
        at_network = brake_of(bucket_of(uow, "address", network), per_address) if network else ()
        silent = _brake_on(uow, own)
    elif account.entry is not None:
        told = _brake_on(uow, own)
    else:
        told = _brake_on(uow, bucket_of(uow, "devices", account.user_id))
    return Guess(
        account=account,
        name_mac=name[:_MAC_DIGITS],
        told=told,
        network=at_network,
        silent=silent,
        is_throttled=wait_for(uow, (*told, *at_network, *silent)) > 0,
    )


def _brake_on(uow: UnitOfWork, bucket: str) -> tuple[Brake, ...]:
    """Return a brake with the tightest limit of a realm, counting as a directory of it does.

    Alike for every name: which of them a directory owns is nobody's business.
    """
    config = uow.runtime.config
    directories = config.connectors_of(uow.realm).values()
    limits = [config.limits.sign_in_per_account, *(d.sign_in_per_account for d in directories)]
    known = [limit for limit in limits if limit is not None]
    tightest = min(known, key=lambda limit: (limit.count, -limit.per), default=None)
    return brake_of(bucket, tightest, grows=True, slides=bool(directories))


def _record_throttled(uow: UnitOfWork, guess: Guess, scope: str) -> None:
    uow.record(
        Event(
            code=EventCode.USER_THROTTLED,
            subject_id=guess.user_id,
            params={"scope": scope, "name_mac": guess.name_mac},
        )
    )
