"""What a sign-in writes: on the credential, the session, the devices and the user.

They are Core statements over tables, so each binds the realm itself (ring one is here by hand).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from idp.store.base import UtcDateTime, run, table_of
from idp.store.sessions import SessionRow
from idp.store.users import CredentialRow, KnownDeviceRow, UserRow

_user = table_of(UserRow)
_credential = table_of(CredentialRow)
_session = table_of(SessionRow)
_device = table_of(KnownDeviceRow)

_CREDENTIAL = sa.update(_credential).where(
    _credential.c.realm == sa.bindparam("in_realm"),
    _credential.c.user_id == sa.bindparam("whose"),
)
_failures = _credential.c.failures + 1
_FAILED = _CREDENTIAL.values(
    failures=_failures,
    failed_at=sa.bindparam("at"),
    throttled_until=sa.func.coalesce(
        sa.bindparam("until", type_=UtcDateTime()), _credential.c.throttled_until
    ),
    blocked_at=sa.case(
        (
            _failures >= sa.bindparam("most"),
            sa.func.coalesce(_credential.c.blocked_at, sa.bindparam("at", type_=UtcDateTime())),
        ),
        else_=_credential.c.blocked_at,
    ),
).returning(_credential.c.failures)

_USER = sa.update(_user).where(
    _user.c.realm == sa.bindparam("in_realm"), _user.c.id == sa.bindparam("whose")
)
_SESSION = sa.update(_session).where(
    _session.c.realm == sa.bindparam("in_realm"), _session.c.id == sa.bindparam("which")
)
_ADD_SESSION = sa.insert(_session)

_KNOWN_DEVICE = sa.select(_device.c.generation).where(
    _device.c.realm == sa.bindparam("realm"),
    _device.c.token_hash == sa.bindparam("device_hash"),
    _device.c.user_id == sa.bindparam("user_id"),
    _device.c.expires_at > sa.bindparam("at"),
)
_is_own = _device.c.user_id == sa.bindparam("whose")
_MOVE_DEVICE = (
    sa.update(_device)
    .where(
        _device.c.realm == sa.bindparam("in_realm"),
        _device.c.token_hash == sa.bindparam("old_hash"),
    )
    .values(
        token_hash=sa.bindparam("new_hash"),
        generation=sa.case((_is_own, sa.bindparam("now_under")), else_=_device.c.generation),
        expires_at=sa.case(
            (_is_own, sa.bindparam("until", type_=UtcDateTime())), else_=_device.c.expires_at
        ),
    )
    .returning(_device.c.user_id)
)
_ADD_DEVICE = sa.insert(_device)
_newer = _device.alias("newer")
_FORGET_DEVICES = sa.delete(_device).where(
    _device.c.realm == sa.bindparam("in_realm"),
    _device.c.user_id == sa.bindparam("whose"),
    _device.c.token_hash.in_(
        sa.select(_newer.c.token_hash)
        .where(
            _newer.c.realm == sa.bindparam("in_realm"), _newer.c.user_id == sa.bindparam("whose")
        )
        .order_by(_newer.c.expires_at.desc(), _newer.c.token_hash)
        .limit(sa.bindparam("most"))
        .offset(sa.bindparam("most"))
    ),
)


def change_credential(db: Session, realm: str, user_id: str, columns: Mapping[str, object]) -> None:
    """Write columns of a user's credential."""
    _change(db, _CREDENTIAL, realm, {"whose": user_id, **columns})


def count_failure(
    db: Session, realm: str, user_id: str, *, at: datetime, until: datetime | None, most: int
) -> int | None:
    """Count a wrong password on a credential; return how many it were, None without one.

    `until` is when the next one may be tried, if that is news; `most` blocks the credential.
    """
    params = {"in_realm": realm, "whose": user_id, "at": at, "until": until, "most": most}
    counted: int | None = run(db, _FAILED, params).scalar_one_or_none()
    return counted


def note_signed_in(db: Session, realm: str, user_id: str, *, at: datetime) -> None:
    """Write when a user signed in last."""
    _change(db, _USER, realm, {"whose": user_id, "last_sign_in_at": at})


def add_session(db: Session, realm: str, **columns: object) -> None:
    """Begin a session (columns of `SessionRow`)."""
    run(db, _ADD_SESSION, {"realm": realm, **columns})


def change_session(db: Session, realm: str, session_id: str, columns: Mapping[str, object]) -> bool:
    """Write columns of a session; tell whether there is one."""
    return _change(db, _SESSION, realm, {"which": session_id, **columns})


def device_generation(
    db: Session, realm: str, *, device_hash: str, user_id: str, at: datetime
) -> int | None:
    """Read under which generation a user last signed in with a device; None if never."""
    params = {"realm": realm, "device_hash": device_hash, "user_id": user_id, "at": at}
    found: int | None = run(db, _KNOWN_DEVICE, params).scalar_one_or_none()
    return found


def move_device(  # noqa: PLR0913 - one row's columns
    db: Session,
    realm: str,
    user_id: str,
    *,
    old_hash: str,
    new_hash: str,
    generation: int,
    until: datetime,
) -> bool:
    """Give a device a new secret for everybody who uses it, and renew it for one of them.

    Tells whether that user was among them.
    """
    params = {
        "in_realm": realm,
        "whose": user_id,
        "old_hash": old_hash,
        "new_hash": new_hash,
        "now_under": generation,
        "until": until,
    }
    return user_id in run(db, _MOVE_DEVICE, params).scalars().all()


def add_device(db: Session, realm: str, *, most: int, **columns: object) -> None:
    """Make a device known (columns of `KnownDeviceRow`); of its user's, only `most` stay."""
    run(db, _ADD_DEVICE, {"realm": realm, **columns})
    run(db, _FORGET_DEVICES, {"in_realm": realm, "whose": columns["user_id"], "most": most})


def _change(db: Session, update: sa.Update, realm: str, params: Mapping[str, Any]) -> bool:
    return run(db, update, {"in_realm": realm, **params}).rowcount == 1
