"""A realm's signing keys: made, published ahead of use, replaced, retired.

The stored `state` is brought up to date by each change of keys; between two changes a key's place
follows from `state_at` and the clock (`key_ring`).

Spec: OIDC Core 10.1.1.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from joserfc.jwk import ECKey, OKPKey, RSAKey

from idp.core.events import Event, EventCode
from idp.core.jose import Key
from idp.core.key_ring import ALGORITHMS, KEY_PURPOSE, ends_at, key_rows
from idp.core.runtime import Runtime
from idp.core.work import Actor, UnitOfWork
from idp.errors import Conflict, NotFound
from idp.ids import RealmName
from idp.store.keys import SigningKeyRow
from idp.store.realms import RealmRow

JWKS_MAX_AGE = timedelta(minutes=5)
"""How long others may keep a copy of the JWKS."""

_PUBLISHED_AHEAD = JWKS_MAX_AGE + timedelta(minutes=1)
_RSA_BITS = 2048


@dataclass(frozen=True, slots=True)
class NewKey:
    """A fresh key that is not stored yet."""

    alg: str
    key: Key


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyView:
    """What administrators see of a key. `state` is one of `next active retiring retired`."""

    kid: str
    alg: str
    state: str
    created_at: datetime
    active_at: datetime | None
    ends_at: datetime | None


def make_keys() -> tuple[NewKey, ...]:
    """Make one key of each kind (about 0.1 s): outside any unit of work."""
    return (
        NewKey("ES256", ECKey.generate_key("P-256", private=True)),
        NewKey("RS256", RSAKey.generate_key(_RSA_BITS, private=True)),
        NewKey("EdDSA", OKPKey.generate_key("Ed25519", private=True)),
    )


def create_first_keys(
    runtime: Runtime,
    realm: RealmName,
    *,
    actor: Actor,
    fresh: Sequence[NewKey] | None = None,
) -> bool:
    """Give a realm that never had keys its first ones; tell whether it was so.

    Args:
        fresh: keys made before and used nowhere else; made here when absent.
    """
    fresh = fresh or make_keys()
    with runtime.begin(realm, actor=actor) as uow:
        if _hold(uow):
            return False
        _store(uow, fresh, active_at=uow.now)
        _changed(uow, EventCode.KEY_ROTATED, {"reason": "first_keys"})
        return True


def rotate_keys(
    runtime: Runtime, realm: RealmName, *, actor: Actor, emergency: bool = False
) -> list[KeyView]:
    """Publish a new set of keys and return all of them.

    A planned rotation lets them sign once every copy of the JWKS has them; the old ones verify
    until what they signed is over. An emergency drops every old key at once: what they signed is
    refused from now on.

    Raises:
        Conflict: the keys of the last planned rotation do not sign yet.
    """
    fresh = make_keys()
    with runtime.begin(realm, actor=actor) as uow:
        rows = _settle(uow)
        if emergency:
            for row in rows:
                _retire(uow, row)
        elif any(row.state == "next" for row in rows):
            raise Conflict("keys.rotation_under_way", realm=realm)
        _store(uow, fresh, active_at=uow.now if emergency else uow.now + _PUBLISHED_AHEAD)
        _changed(uow, EventCode.KEY_ROTATED, {"emergency": emergency})
        return list_keys(uow)


def retire_key(runtime: Runtime, realm: RealmName, kid: str, *, actor: Actor) -> KeyView:
    """Drop one key that was replaced; what it signed is refused from now on.

    Raises:
        NotFound: the realm has no such key.
        Conflict: the key signs now, or is the next to sign; rotate first.
    """
    with runtime.begin(realm, actor=actor) as uow:
        found = next((row for row in _settle(uow) if row.kid == kid), None)
        if found is None:
            raise NotFound("key.not_found", kid=kid)
        if found.state in {"active", "next"}:
            raise Conflict("key.in_use", kid=kid)
        if found.state != "retired":
            _retire(uow, found)
            _changed(uow, EventCode.KEY_RETIRED, {"kid": kid})
        return _view(uow, found, [found])


def list_keys(uow: UnitOfWork) -> list[KeyView]:
    """Return every key of the realm with its place at this moment, newest first."""
    rows = key_rows(uow)
    return [_view(uow, row, rows) for row in rows]


def kid_of(key: Key) -> str:
    """Return what a new key is called by: never like an option of a command, `-x`.

    Spec: RFC 7638.
    """
    return key.thumbprint().lstrip("-")[:16]


def _store(uow: UnitOfWork, fresh: Sequence[NewKey], *, active_at: datetime) -> None:
    for new in fresh:
        kid = kid_of(new.key)
        public = new.key.as_dict(private=False)
        private = json.dumps(new.key.as_dict(private=True)).encode()
        uow.db.add(
            SigningKeyRow(
                kid=kid,
                alg=new.alg,
                private_key=uow.runtime.box.encrypt(private, purpose=KEY_PURPOSE),
                public_jwk={**public, "kid": kid, "use": "sig", "alg": new.alg},
                state="active" if active_at <= uow.now else "next",
                created_at=uow.now,
                state_at=active_at,
            )
        )
    uow.db.flush()


def _hold(uow: UnitOfWork) -> list[SigningKeyRow]:
    """Return the rows; whoever else wants to change keys waits until this unit of work ends."""
    uow.db.get(RealmRow, uow.realm, with_for_update={"key_share": True}, populate_existing=True)
    return key_rows(uow)


def _settle(uow: UnitOfWork) -> list[SigningKeyRow]:
    """Write down the place that each key has by now, and return the rows."""
    rows = _hold(uow)
    for row, state in [(row, _state(uow, row, rows)) for row in rows]:
        if state == "retired":
            _retire(uow, row)
        row.state = state
    return rows


def _retire(uow: UnitOfWork, row: SigningKeyRow) -> None:
    if row.state != "retired":
        row.state, row.state_at = "retired", uow.now
        row.private_key = b""


def _state(uow: UnitOfWork, row: SigningKeyRow, rows: Sequence[SigningKeyRow]) -> str:
    if row.state == "retired":
        return "retired"
    if row.state_at > uow.now:
        return "next"
    end = ends_at(uow, row, rows)
    if end is not None and end <= uow.now:
        return "retired"
    replaced = any(
        other.alg == row.alg
        and other.state != "retired"
        and row.state_at < other.state_at <= uow.now
        for other in rows
    )
    return "retiring" if replaced else "active"


def _view(uow: UnitOfWork, row: SigningKeyRow, rows: Sequence[SigningKeyRow]) -> KeyView:
    is_retired = row.state == "retired"
    return KeyView(
        kid=row.kid,
        alg=row.alg,
        state=_state(uow, row, rows),
        created_at=row.created_at,
        active_at=None if is_retired else row.state_at,
        ends_at=row.state_at if is_retired else ends_at(uow, row, rows),
    )


def _changed(uow: UnitOfWork, code: EventCode, params: Mapping[str, Any]) -> None:
    uow.db.execute(
        sa.update(RealmRow)
        .where(RealmRow.name == uow.realm)
        .values(keys_version=RealmRow.keys_version + 1)
    )
    uow.record(Event(code=code, params={**params, "algorithms": list(ALGORITHMS)}))
