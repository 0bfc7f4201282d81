"""Brakes against guessing and flooding: counters in the database, by keyed bucket.

A brake lets `limit.count` attempts through within `limit.per`. A growing one (sign-ins) then makes
everybody wait for `per`, and twice as long after each further failure, up to four times `per`;
it forgets after four times `per` without one. A plain one (mails, typed codes) waits for the end
of the window. Where a directory counts too, the window begins anew with each attempt: no more than
`limit.count` fall into any `per`. Buckets hold no name in clear: the key is an HMAC.
"""

import ipaddress
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from idp.config import Limit
from idp.core.accounts import Account, find_account_by_id, find_account_to_write
from idp.core.work import UnitOfWork
from idp.ids import UserId
from idp.store.throttle import (
    Bucket,
    delete_buckets,
    lock_buckets,
    read_buckets,
    write_buckets,
)
from idp.store.users import CredentialRow

_LONGEST = 4
"""How many times `per` the longest wait is, and how long a growing brake remembers."""
_IPV6_NETWORK = 64


@dataclass(frozen=True, slots=True)
class Brake:
    """One counter: its bucket, its limit, and whether its waits grow and its windows slide."""

    bucket: str
    limit: Limit
    grows: bool = False
    slides: bool = False

    def blocked_until(self, state: Bucket) -> datetime | None:
        """Return when the next attempt may be made, or None when it may be made now."""
        if state.count < self.limit.count:
            return None
        return state.window_ends_at - self._memory()

    def after_one_more(self, state: Bucket, now: datetime) -> Bucket:
        """Return the counter after another attempt."""
        if now >= state.window_ends_at:
            state = Bucket(0, now + self.limit.per)
        count = state.count + 1
        if not self.grows or count < self.limit.count:
            return Bucket(count, now + self.limit.per if self.slides else state.window_ends_at)
        return Bucket(count, now + self._wait_after(count) + self._memory())

    def after_one_less(self, state: Bucket, counted: Bucket) -> Bucket:
        """Return the counter without one of its attempts; those that came later stay.

        Args:
            counted: as it stood right after that attempt.
        """
        most, per = self.limit.count, self.limit.per
        is_over = max(state.count, counted.count) < most and (
            not self.slides and state.window_ends_at != counted.window_ends_at
        )
        if is_over or state.count == 0:  # it began anew meanwhile
            return state
        count = state.count - 1
        if not self.grows or state.count < most:
            return Bucket(count, state.window_ends_at)
        last_at = state.window_ends_at - self._memory() - self._wait_after(state.count)
        if count < most:
            return Bucket(count, last_at + per)
        return Bucket(count, last_at + self._wait_after(count) + self._memory())

    def _wait_after(self, count: int) -> timedelta:
        times: int = min(2 ** min(count - self.limit.count, _LONGEST), _LONGEST)
        return times * self.limit.per

    def _memory(self) -> timedelta:
        return _LONGEST * self.limit.per if self.grows else timedelta(0)


@dataclass(frozen=True, slots=True)
class Held:
    """How the brakes stand that this unit of work has locked."""

    states: dict[str, Bucket]

    def wait(self, now: datetime, brakes: Sequence[Brake]) -> int:
        """Return the whole seconds until all of `brakes` let an attempt through; 0 is now."""
        return _wait(brakes, self.states, now)


def bucket_of(uow: UnitOfWork, kind: str, value: str) -> str:
    """Return the bucket that counts what is done of this `kind` to `value`."""
    message = f"{uow.realm}\n{kind}\n{value}".encode("utf-8", "surrogatepass")
    return uow.runtime.box.mac(message, purpose="throttle").hex()


def brake_of(
    bucket: str, limit: Limit | None, *, grows: bool = False, slides: bool = False
) -> tuple[Brake, ...]:
    """Return the brake of a bucket, or none when its limit is switched off."""
    return () if limit is None else (Brake(bucket, limit, grows, slides),)


def wait_for(uow: UnitOfWork, brakes: Sequence[Brake]) -> int:
    """Return the whole seconds to wait before the next attempt; 0 is now. Counts nothing."""
    if not brakes:
        return 0
    states = read_buckets(uow.db, uow.realm, [brake.bucket for brake in brakes])
    return _wait(brakes, states, uow.now)


def hold_brakes(uow: UnitOfWork, brakes: Sequence[Brake]) -> Held:
    """Lock brakes until this unit ends; to be done before any account is locked."""
    keys = [brake.bucket for brake in brakes]
    return Held(lock_buckets(uow.db, uow.realm, keys, uow.now) if keys else {})


def count_attempt(uow: UnitOfWork, held: Held, brakes: Sequence[Brake]) -> dict[str, Bucket]:
    """Count one attempt on held brakes; return how they stand now, by bucket."""
    after = {b.bucket: b.after_one_more(held.states[b.bucket], uow.now) for b in brakes}
    if after:
        write_buckets(uow.db, uow.realm, after)
    return after


def take_one(uow: UnitOfWork, brakes: Sequence[Brake]) -> int:
    """Count one attempt if every brake lets it through; return the seconds to wait if not."""
    held = hold_brakes(uow, brakes)
    wait = held.wait(uow.now, brakes)
    if not wait:
        count_attempt(uow, held, brakes)
    return wait


def release_brakes(uow: UnitOfWork, buckets: Sequence[str]) -> None:
    """Let buckets begin anew."""
    if buckets:
        delete_buckets(uow.db, uow.realm, buckets)


def hold_account(uow: UnitOfWork, account: Account, brakes: Sequence[Brake]) -> None:
    """Lock `brakes`, and with them everything that `release_account` will lift.

    For who needs some brakes first and lifts all of them later: locked one by one, in another
    order than others lock them, two would wait for each other.
    """
    keys = {*_buckets_of(uow, account), *(brake.bucket for brake in brakes)}
    lock_buckets(uow.db, uow.realm, list(keys), uow.now)


def release_account(uow: UnitOfWork, user_id: UserId) -> None:
    """Lift every throttling of an account, the stop after too many failures included.

    For a completed recovery, an administrator's unlock, and a new password. To be done before the
    account is locked against others, and with no other brake held (but see `hold_account`).
    """
    account = find_account_by_id(uow, user_id)
    if account is None:
        return
    buckets = _buckets_of(uow, account)
    lock_buckets(uow.db, uow.realm, buckets, uow.now)
    release_brakes(uow, buckets)
    find_account_to_write(uow, user_id)  # the user before the credential, as everybody locks them
    uow.db.execute(
        sa.update(CredentialRow)
        .where(CredentialRow.user_id == user_id)
        .values(failures=0, failed_at=None, throttled_until=None, blocked_at=None)
    )


def _buckets_of(uow: UnitOfWork, account: Account) -> list[str]:
    """Return the buckets that count guesses at one account, whatever it was called by."""
    names = {account.owner.username_key, account.owner.email_key} - {None}
    return [
        *(bucket_of(uow, kind, account.user_id) for kind in ("account", "devices")),
        *(bucket_of(uow, "name", str(name)) for name in names),
    ]


def network_of(address: str | None) -> str | None:
    """Return who an address is counted as: an IPv4 address, or the /64 of an IPv6 address."""
    if address is None:
        return None
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, _IPV6_NETWORK), strict=False))


def _wait(brakes: Sequence[Brake], states: dict[str, Bucket], now: datetime) -> int:
    longest = timedelta(0)
    for brake in brakes:
        state = states.get(brake.bucket)
        until = brake.blocked_until(state) if state else None
        if until is not None:
            longest = max(longest, until - now)
    return math.ceil(longest.total_seconds())
