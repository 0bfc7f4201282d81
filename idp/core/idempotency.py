"""Requests that carry a key of their own, done once however often they are sent.

The first to come claims its key, does the work in its own transactions, and keeps the answer for
whoever sends the same again. A claim whose holder died can be taken over after `LEASE`.

Only a keyed digest of a request is kept: a plain one of a body with a password could be searched.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from idp.core.runtime import Runtime
from idp.core.work import UnitOfWork
from idp.ids import RealmName, TokenHash
from idp.store.idempotency import IdempotencyRow, add_claim

LIFE = timedelta(hours=24)
"""How long an answer is kept."""
LEASE = timedelta(minutes=1)
"""How long a claim without an answer is respected."""

_PENDING = 0
_PURPOSE = "idempotency"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedRequest:
    """A request under a key. `content` is everything that must be the same in a repeat."""

    actor_id: str
    key_hash: TokenHash
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What the first request was answered with."""

    status: int
    body: Mapping[str, Any] | None
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Claimed:
    """The key is the caller's: do the work, then `finish_claim` or `drop_claim`."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """Somebody else is doing the same right now."""


@dataclass(frozen=True, slots=True)
class KeyReused:
    """The key was used for another request."""


Claim = Claimed | UnderWay | KeptAnswer | KeyReused


def claim_key(runtime: Runtime, realm: RealmName, request: KeyedRequest) -> Claim:
    """Say what to do with a request; of many at once, exactly one is told `Claimed`."""
    with runtime.begin(realm) as uow:
        row = _find_row(uow, request)
        if row is None:
            is_first = add_claim(
                uow.db,
                realm,
                actor_id=request.actor_id,
                key_hash=request.key_hash,
                request_digest=_digest(uow, request),
                status=_PENDING,
                expires_at=uow.now + LEASE,
            )
            return Claimed() if is_first else UnderWay()
        if row.expires_at <= uow.now:
            row.request_digest = _digest(uow, request)
            row.status, row.body = _PENDING, None
            row.expires_at = uow.now + LEASE
            return Claimed()
        if not _is_same(uow, row, request):
            return KeyReused()
        return _kept(row)


def finish_claim(
    runtime: Runtime, realm: RealmName, request: KeyedRequest, answer: KeptAnswer
) -> None:
    """Keep the answer for every repeat."""
    with runtime.begin(realm) as uow:
        row = _find_row(uow, request)
        if row is not None:
            row.status = answer.status
            row.body = {"body": answer.body, "headers": dict(answer.headers)}
            row.expires_at = uow.now + LIFE


def drop_claim(runtime: Runtime, realm: RealmName, request: KeyedRequest) -> None:
    """Give a key back whose request was refused, so that it can be tried again."""
    with runtime.begin(realm) as uow:
        uow.db.execute(
            sa.delete(IdempotencyRow).where(
                IdempotencyRow.actor_id == request.actor_id,
                IdempotencyRow.key_hash == request.key_hash,
                IdempotencyRow.status == _PENDING,
            )
        )


def _find_row(uow: UnitOfWork, request: KeyedRequest) -> IdempotencyRow | None:
    key = (uow.realm, request.actor_id, request.key_hash)
    return uow.db.get(IdempotencyRow, key, with_for_update=True)


def _kept(row: IdempotencyRow) -> Claim:
    if row.status == _PENDING or row.body is None:
        return UnderWay()
    return KeptAnswer(row.status, row.body["body"], row.body["headers"])


def _digest(uow: UnitOfWork, request: KeyedRequest) -> str:
    return uow.runtime.box.mac(request.content, purpose=_PURPOSE).hex()


def _is_same(uow: UnitOfWork, row: IdempotencyRow, request: KeyedRequest) -> bool:
    macs = uow.runtime.box.macs(request.content, purpose=_PURPOSE)
    return any(hmac.compare_digest(row.request_digest, mac.hex()) for mac in macs)
