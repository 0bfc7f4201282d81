"""Password hashes that other products made: recognised, held to a budget, checked.

Reading a hash looks at its text only; nothing is allocated or computed before its cost is known
to be affordable. One of an unknown form, a damaged one and one that costs too much are all the
same: there is no check for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import passlib.hash  # type: ignore[import-untyped]  # libpass is confined to this module
from passlib.utils.binary import bcrypt64  # type: ignore[import-untyped]

from idp.adapters.foreign_hashes import MAX_PBKDF2_ROUNDS, Check, read_aspnet, read_keycloak

MAX_STORED_CHARACTERS = 2048
_MAX_BCRYPT_COST = 14
_MAX_CRYPT_ROUNDS = 1_000_000
_MAX_SCRYPT_BYTES = 128 * 1024 * 1024
_MAX_SCRYPT_LANES = 4

_BCRYPT_PREFIXES = ("$2a$", "$2b$", "$2y$")
_BCRYPT_CHARACTERS = 60
_BCRYPT_SALT = slice(7, 29)
_BCRYPT_USED_BYTES = 72


class ParsedHash(Protocol):
    """The parts of a hash, as libpass reads them; which there are depends on the format."""

    checksum: object
    rounds: int
    block_size: int
    parallelism: int


class LibpassHandler(Protocol):
    """One of libpass's formats."""

    def from_string(self, stored: str) -> ParsedHash:
        """Return the parts of a hash, or raise ValueError; computes nothing."""
        ...

    def verify(self, password: str, stored: str) -> bool:
        """Tell whether the password is the one behind the hash."""
        ...


@dataclass(frozen=True, slots=True)
class HashFormat:
    """A format that can be imported: its name, and the check of a hash of that format."""

    name: str
    read: Callable[[str], Check | None]


def find_check(stored: str) -> Check | None:
    """Return how to check a password against a legacy hash; None if there is no safe way."""
    if len(stored) > MAX_STORED_CHARACTERS or not stored.isascii():
        return None
    return next(filter(None, (known.read(stored) for known in HASH_FORMATS)), None)


def _libpass(name: str, prefix: str, is_affordable: Callable[[ParsedHash], bool]) -> HashFormat:
    handler: LibpassHandler = getattr(passlib.hash, name)

    def read(stored: str) -> Check | None:
        if not stored.startswith(prefix):
            return None
        try:
            parts = handler.from_string(stored)
        except (ValueError, TypeError):
            return None
        if not parts.checksum or not is_affordable(parts):
            return None
        return lambda password: handler.verify(password, stored)

    return HashFormat(name, read)


def _read_bcrypt(stored: str) -> Check | None:
    """Return the check of a bcrypt hash; a password that bcrypt would cut is never the right one.

    Some old makers left bits set in the last character of the salt that mean nothing; libpass
    warns of them on every use, so they are cleared here.
    """
    if not stored.startswith(_BCRYPT_PREFIXES) or len(stored) != _BCRYPT_CHARACTERS:
        return None
    handler: LibpassHandler = passlib.hash.bcrypt
    try:
        salt = bcrypt64.check_repair_unused(stored[_BCRYPT_SALT])[1]
        digest = bcrypt64.check_repair_unused(stored[_BCRYPT_SALT.stop :])[1]
        clean = f"{stored[: _BCRYPT_SALT.start]}{salt}{digest}"
        cost = handler.from_string(clean).rounds
    except (ValueError, TypeError, KeyError):
        return None
    if cost > _MAX_BCRYPT_COST:
        return None

    def check(password: str) -> bool:
        return len(password.encode()) <= _BCRYPT_USED_BYTES and handler.verify(password, clean)

    return check


def _is_short_pbkdf2(parts: ParsedHash) -> bool:
    return parts.rounds <= MAX_PBKDF2_ROUNDS


def _is_short_crypt(parts: ParsedHash) -> bool:
    return parts.rounds <= _MAX_CRYPT_ROUNDS


def _is_small_scrypt(parts: ParsedHash) -> bool:
    needed = 128 * parts.block_size << parts.rounds
    return needed <= _MAX_SCRYPT_BYTES and parts.parallelism <= _MAX_SCRYPT_LANES


def _costs_nothing(_parts: ParsedHash) -> bool:
    return True


HASH_FORMATS: tuple[HashFormat, ...] = (
    HashFormat("bcrypt", _read_bcrypt),
    _libpass("pbkdf2_sha256", "$pbkdf2-sha256$", _is_short_pbkdf2),
    _libpass("django_pbkdf2_sha256", "pbkdf2_sha256$", _is_short_pbkdf2),
    _libpass("scrypt", "$scrypt$", _is_small_scrypt),
    _libpass("sha512_crypt", "$6$", _is_short_crypt),
    _libpass("sha256_crypt", "$5$", _is_short_crypt),
    _libpass("ldap_salted_sha1", "{SSHA}", _costs_nothing),
    HashFormat("aspnet_identity", read_aspnet),
    HashFormat("keycloak_pbkdf2", read_keycloak),
)
