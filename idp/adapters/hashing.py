"""Passwords as argon2id hashes, with the work bounded and equal for every refusal.

One hash takes tens of milliseconds and megabytes. At most `max_concurrent` run at once in a
process, at most `max_waiting` wait, and the next caller is told to come back: the memory that
sign-ins can use is known before they come.
"""

import base64
import binascii
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import BoundedSemaphore

import argon2
from argon2.exceptions import HashingError, VerificationError, VerifyMismatchError

from idp.adapters.foreign_hashes import Check
from idp.adapters.legacy_hashes import find_check
from idp.errors import Unavailable

MALLOC_ENVIRONMENT: Mapping[str, str] = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(32 * 1024 * 1024),
    "MALLOC_TRIM_THRESHOLD_": str(256 * 1024 * 1024),
    "MALLOC_TOP_PAD_": str(1024 * 1024),
}
"""What `idp serve` sets before it starts Python anew. glibc then keeps the block of one hash for
the next one instead of having the kernel clear 19 MiB each time, and keeps it once, not once for
each thread: with 16 threads and 2 hashes at once a process holds 60 MiB instead of 330."""

_RETRY_AFTER_S = 2
_MAX_MEMORY_KIB = 256 * 1024
_MAX_PASSES = 64
_MAX_LANES = 16
_MAX_KIB_PASSES = 1024 * 1024
_PHC_FORM = re.compile(
    r"\$argon2(?:id|i|d)\$(?:v=(?:16|19)\$)?"
    r"m=(?P<memory>\d{1,9}),t=(?P<passes>\d{1,9}),p=(?P<lanes>\d{1,9})"
    r"\$(?P<salt>[A-Za-z0-9+/]{11,86})\$(?P<digest>[A-Za-z0-9+/]{16,86})",
    re.ASCII,
)


class PasswordHasher:
    """The port `idp.core.ports.Hasher`: makes argon2id hashes, checks any known format.

    A refusal costs at least one hash of the present parameters whatever is stored, so its time
    does not tell whether the account exists.

    Spec: RFC 9106; OWASP Password Storage (argon2id, 19 MiB, t=2, p=1 as the floor).
    """

    def __init__(
        self,
        *,
        memory_kib: int = 19456,
        time_cost: int = 2,
        parallelism: int = 1,
        max_concurrent: int = 2,
        max_waiting: int = 12,
    ) -> None:
        self._argon = argon2.PasswordHasher(time_cost, memory_kib, parallelism)
        self._slots = BoundedSemaphore(max_concurrent)
        self._places = BoundedSemaphore(max_concurrent + max_waiting)
        self._nothing = self._argon.hash(secrets.token_urlsafe())

    def hash(self, password: str) -> str:
        """Return a new PHC string with a salt of its own.

        Raises:
            Unavailable: too many are already waiting, or there is no memory.
        """
        with self._turn():
            try:
                return self._argon.hash(password)
            except HashingError as error:
                raise _no_memory(error) from error

    def verify(self, stored: str, password: str) -> bool:
        """Tell whether `password` is the one that `stored` was made from.

        Unknown, damaged and unaffordable hashes are refused with the work of a wrong password.

        Raises:
            Unavailable: too many are already waiting, or there is no memory.
        """
        return self._verify(stored, password)

    def _verify(self, stored: str, password: str) -> bool:
        check = self._find_check(stored)
        with self._turn():
            if check is not None and _is_right(check, password):
                return True
            if check is None or self.needs_rehash(stored):
                self._work(self._nothing, password)
            return False

    def verify_nothing(self, password: str) -> None:
        """Do the work of `verify` for an account that does not exist.

        Raises:
            Unavailable: too many are already waiting, or there is no memory.
        """
        self._verify(self._nothing, password)  # all of it: what surrounds a hash takes time too

    def needs_rehash(self, stored: str) -> bool:
        """Tell whether `stored` is anything but argon2id with the present parameters."""
        return not _PHC_FORM.fullmatch(stored) or self._argon.check_needs_rehash(stored)

    def accepts_import(self, stored: str) -> bool:
        """Tell whether `stored` is a hash that `verify` understands and can afford."""
        return self._find_check(stored) is not None

    def _find_check(self, stored: str) -> Check | None:
        found = _PHC_FORM.fullmatch(stored)
        if found is None:
            return find_check(stored)
        cost = map(int, found.group("memory", "passes", "lanes"))
        if _is_affordable(*cost) and all(map(_is_base64, found.group("salt", "digest"))):
            return lambda password: self._work(stored, password)
        return None

    def _work(self, stored: str, password: str) -> bool:
        try:
            # A lone surrogate cannot be hashed, so it is never right; it must cost the same.
            return self._argon.verify(stored, password.encode("utf-8", "surrogatepass"))
        except VerifyMismatchError:
            return False
        except VerificationError as error:
            raise _no_memory(error) from error

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise Unavailable("hashing.busy", retry_after=_RETRY_AFTER_S)
        try:
            with self._slots:
                yield
        finally:
            self._places.release()


def _is_affordable(memory_kib: int, passes: int, lanes: int) -> bool:
    return (
        8 * lanes <= memory_kib <= _MAX_MEMORY_KIB
        and 1 <= passes <= _MAX_PASSES
        and 1 <= lanes <= _MAX_LANES
        and memory_kib * passes <= _MAX_KIB_PASSES
    )


def _is_base64(text: str) -> bool:
    """Tell whether this decodes, and encodes to the same again; libargon2 takes nothing else."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        return False
    return base64.b64encode(raw).decode().rstrip("=") == text


def _is_right(check: Check, password: str) -> bool:
    try:
        return check(password)
    except ValueError:
        # Not a password that the format can have: too long for it, or with a NUL.
        return False


def _no_memory(error: Exception) -> Unavailable:
    return Unavailable("hashing.failed", retry_after=_RETRY_AFTER_S, detail=str(error))
