"""The signing keys of a realm as a process holds them: decrypted once, immutable, cached.

A key is published as soon as it exists and signs from its `state_at` on. A key that its successor
replaced verifies until what it signed is over. Each key's place thus follows from times alone.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa
from joserfc.jwk import import_key

from idp.core.jose import Key, Signer
from idp.core.work import UnitOfWork
from idp.errors import Unavailable
from idp.store.keys import SigningKeyRow
from idp.store.realms import RealmRow

ALGORITHMS = ("ES256", "RS256", "EdDSA")
ID_TOKEN_LIFE = timedelta(hours=1)
KEY_PURPOSE = "signing-key"


@dataclass(frozen=True, slots=True, kw_only=True)
class RingKey:
    """One key of a ring. It signs from `active_at` on; from `ends_at` on it is gone."""

    signer: Signer
    public: Mapping[str, Any]
    active_at: datetime
    ends_at: datetime | None

    def is_known(self, now: datetime) -> bool:
        """Tell whether the key is published, and believed, at `now`."""
        return self.ends_at is None or now < self.ends_at


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys of one realm at one `keys_version`."""

    version: int
    keys: tuple[RingKey, ...]

    def signer(self, alg: str, now: datetime) -> Signer:
        """Return the one key that signs `alg` at `now`.

        Raises:
            Unavailable: the realm has no such key.
        """
        ready = [key for key in self.keys if key.signer.alg == alg and key.active_at <= now]
        if not ready:
            raise Unavailable("keys.missing", detail=f"no {alg} key")
        return max(ready, key=lambda key: key.active_at).signer

    def find_key(self, kid: str | None, alg: str, now: datetime) -> Key | None:
        """Return the key that verifies what `kid` signed with `alg`, while it is known."""
        for key in self.keys:
            if key.signer.kid == kid and key.signer.alg == alg and key.is_known(now):
                return key.signer.key
        return None

    def jwks(self, now: datetime) -> dict[str, Any]:
        """Return the JWK set to publish at `now`.

        Spec: RFC 7517 5.
        """
        return {"keys": [dict(key.public) for key in self.keys if key.is_known(now)]}


def key_ring(uow: UnitOfWork, version: int) -> KeyRing:
    """Return the ring of `version`, which the caller read with the facts of its request.

    Raises:
        ConfigError: a key was sealed with another key file; nothing is signed on a guess.
    """
    return uow.runtime.keys.get((uow.realm, version), lambda: _load(uow, version))


def keys_version(uow: UnitOfWork) -> int:
    """Return the number that the realm's ring is cached under, with one SELECT.

    Raises:
        Unavailable: the realm is not in the database.
    """
    version = uow.db.scalar(sa.select(RealmRow.keys_version).where(RealmRow.name == uow.realm))
    if version is None:
        raise Unavailable("realm.missing", detail=uow.realm)
    return version


def current_ring(uow: UnitOfWork) -> KeyRing:
    """Return the ring of this moment."""
    return key_ring(uow, keys_version(uow))


def key_rows(uow: UnitOfWork) -> list[SigningKeyRow]:
    """Return the rows of every key of the realm, newest first."""
    query = sa.select(SigningKeyRow).order_by(
        SigningKeyRow.created_at.desc(), SigningKeyRow.alg, SigningKeyRow.kid
    )
    return list(uow.db.scalars(query))


def ends_at(uow: UnitOfWork, row: SigningKeyRow, rows: Sequence[SigningKeyRow]) -> datetime | None:
    """Return when a key that is not retired stops verifying; None while it has no successor."""
    later = [
        other.state_at
        for other in rows
        if other.alg == row.alg and other.state != "retired" and other.state_at > row.state_at
    ]
    lifetimes = uow.runtime.config.realm(uow.realm).lifetimes
    return min(later) + max(lifetimes.access_token, ID_TOKEN_LIFE) if later else None


def _load(uow: UnitOfWork, version: int) -> KeyRing:
    rows = [row for row in key_rows(uow) if row.state != "retired"]
    return KeyRing(version, tuple(_ring_key(uow, row, rows) for row in rows))


def _ring_key(uow: UnitOfWork, row: SigningKeyRow, rows: Sequence[SigningKeyRow]) -> RingKey:
    private = json.loads(uow.runtime.box.decrypt(row.private_key, purpose=KEY_PURPOSE))
    return RingKey(
        signer=Signer(row.kid, row.alg, cast("Key", import_key(private))),
        public=row.public_jwk,
        active_at=row.state_at,
        ends_at=ends_at(uow, row, rows),
    )
