"""Password hashes that no library reads: ASP.NET Identity (2 and 3) and Keycloak's exports.

All are PBKDF2 in a wrapping of their own. Reading one costs nothing; only the check computes.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Check = Callable[[str], bool]
"""Tells whether a password is the one behind a hash; raises ValueError if it cannot be."""

MAX_PBKDF2_ROUNDS = 5_000_000
_MIN_SALT_BYTES = 8
_MIN_DIGEST_BYTES = 16
_MAX_PART_BYTES = 512

_ASPNET_V2_BYTES = 49
_ASPNET_V2_ROUNDS = 1000
_ASPNET_V3_HEAD = 13
_ASPNET_PRFS = ("sha1", "sha256", "sha512")

_KEYCLOAK_ALGORITHMS = {
    "pbkdf2": "sha1",
    "pbkdf2-sha256": "sha256",
    "pbkdf2-sha512": "sha512",
}


@dataclass(frozen=True, slots=True)
class Pbkdf2:
    """The parts of one PBKDF2 hash.

    Spec: RFC 8018 5.2.
    """

    digest_name: str
    rounds: int
    salt: bytes
    digest: bytes

    @property
    def is_affordable(self) -> bool:
        """Tell whether it is within the budget and long enough to mean anything."""
        return (
            1 <= self.rounds <= MAX_PBKDF2_ROUNDS
            and _MIN_SALT_BYTES <= len(self.salt) <= _MAX_PART_BYTES
            and _MIN_DIGEST_BYTES <= len(self.digest) <= _MAX_PART_BYTES
        )

    def check(self, password: str) -> bool:
        """Tell whether `password` gives this digest."""
        found = hashlib.pbkdf2_hmac(
            self.digest_name, password.encode(), self.salt, self.rounds, len(self.digest)
        )
        return hmac.compare_digest(found, self.digest)


def read_aspnet(stored: str) -> Check | None:
    """Return the check of an ASP.NET Identity hash: base64 of a format byte and what follows.

    Version 2 (`00`): salt 16, digest 32; PBKDF2-SHA-1 with 1,000 rounds. Version 3 (`01`): three
    big-endian numbers (pseudo-random function, rounds, salt length), salt, digest.
    """
    raw = _from_base64(stored)
    if raw is None:
        return None
    if raw[:1] == b"\x00" and len(raw) == _ASPNET_V2_BYTES:
        return _affordable(Pbkdf2("sha1", _ASPNET_V2_ROUNDS, raw[1:17], raw[17:]))
    if raw[:1] == b"\x01" and len(raw) > _ASPNET_V3_HEAD:
        function, rounds, salt_bytes = (
            int.from_bytes(raw[start : start + 4], "big") for start in (1, 5, 9)
        )
        if function < len(_ASPNET_PRFS):
            salt, digest = raw[13 : 13 + salt_bytes], raw[13 + salt_bytes :]
            return _affordable(Pbkdf2(_ASPNET_PRFS[function], rounds, salt, digest))
    return None


def read_keycloak(stored: str) -> Check | None:
    """Return the check of a Keycloak credential, as the `credentials` of an exported user hold it.

    A JSON object with `secretData` and `credentialData`, each a JSON object or the text of one.
    """
    if not stored.startswith("{"):
        return None
    try:
        credential = json.loads(stored)
        secret = _table(credential["secretData"])
        settings = _table(credential["credentialData"])
        salt, digest = _from_base64(secret["salt"]), _from_base64(secret["value"])
        digest_name = _KEYCLOAK_ALGORITHMS[str(settings["algorithm"])]
        rounds = settings["hashIterations"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    if salt is None or digest is None or not isinstance(rounds, int):
        return None
    return _affordable(Pbkdf2(digest_name, rounds, salt, digest))


def _affordable(parts: Pbkdf2) -> Check | None:
    return parts.check if parts.is_affordable else None


def _table(value: object) -> Mapping[str, object]:
    table = json.loads(value) if isinstance(value, str) else value
    if not isinstance(table, dict):
        raise TypeError
    return table


def _from_base64(text: object) -> bytes | None:
    if not isinstance(text, str):
        return None
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
