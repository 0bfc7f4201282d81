"""389 Directory Server, and what FreeIPA, which is built on it, has of it."""

import re
from collections.abc import Sequence
from datetime import datetime

from connectors.ldap.dialect import (
    AccountState,
    CursorKind,
    Dialect,
    IdAttribute,
    PasswordWriting,
    read_uuid,
    says_no_more,
    write_uuid,
)
from connectors.ldap.values import Attributes, first, is_true, read_time
from connectors.verdicts import Verdict

_UNIQUE_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{8}){3}")
_MUST_CHANGE = b"19700101000000Z"
_YES = {b"true", b"yes", b"1"}
_CONSTRAINT, _INVALID_CREDENTIALS, _UNWILLING = 19, 49, 53
_SAID: Sequence[tuple[int, str, Verdict]] = (
    (_UNWILLING, "inactivated", Verdict.DISABLED),
    (_CONSTRAINT, "retry limit", Verdict.LOCKED),
    # FreeIPA's plug-ins look before the server looks at the password, so nothing is known of it.
    (_UNWILLING, "(Kerberos principal) is expired", Verdict.DISABLED),
    (_UNWILLING, "Too many failed logins", Verdict.LOCKED),
    (_UNWILLING, "permanently locked", Verdict.LOCKED),
    (_INVALID_CREDENTIALS, "Password is expired", Verdict.REFUSED),
)
"""Code, part of the message, what it says of the account."""


def _read_unique_id(value: bytes) -> str:
    text = value.decode("ascii").lower()
    write_unique_id(text)
    return text


def write_unique_id(stable_id: str) -> bytes:
    """Return the value of a `nsUniqueId`: four groups of eight digits."""
    if not _UNIQUE_ID.fullmatch(stable_id):
        reason = "not of the form of a nsUniqueId"
        raise ValueError(reason)
    return stable_id.encode()


def is_switched_off(attributes: Attributes) -> bool:
    """Tell whether somebody has disabled an account."""
    lock = first(attributes, "nsAccountLock") or b""
    return lock.strip().lower() in _YES


def _read_state(attributes: Attributes, now: datetime) -> AccountState:
    unlocks = first(attributes, "accountUnlockTime")
    set_at = first(attributes, "pwdUpdateTime")
    expires = first(attributes, "passwordExpirationTime")
    return AccountState(
        is_enabled=not is_switched_off(attributes),
        is_locked=unlocks is not None and _is_locked(unlocks, now),
        must_change=_shows_mark(attributes) or expires == _MUST_CHANGE,
        password_set_at=read_time(set_at) if set_at else None,
    )


def _is_locked(unlocks: bytes, now: datetime) -> bool:
    """Tell whether the time to unlock has not come; the first second of 1970 never comes."""
    at = read_time(unlocks)
    return unlocks == _MUST_CHANGE or at is None or at > now


def _shows_mark(attributes: Attributes) -> bool:
    return is_true(first(attributes, "pwdReset"))


def _read_refusal(code: int, message: str) -> Verdict | None:
    return next((verdict for at, part, verdict in _SAID if at == code and part in message), None)


DS389 = Dialect(
    vendor="389ds",
    ids=(
        IdAttribute(name="nsUniqueId", read=_read_unique_id, write=write_unique_id),
        # FreeIPA lets an ordinary account read only its own.
        IdAttribute(name="ipaUniqueID", read=read_uuid, write=write_uuid),
    ),
    state_attributes=(
        "nsAccountLock",
        "accountUnlockTime",
        "pwdReset",
        "passwordExpirationTime",
        "pwdUpdateTime",
    ),
    read_state=_read_state,
    cursor=CursorKind.TIME,
    people_filter="(objectClass=inetOrgPerson)",
    login_attribute="uid",
    group_filter="(objectClass=groupOfNames)",
    read_refusal=_read_refusal,
    password_writing=PasswordWriting.EXTENDED,
    read_objection=says_no_more,
    password_attribute="userPassword",  # noqa: S106 - the name of an attribute
    must_change_mark=("pwdReset", b"TRUE"),
    shows_mark=_shows_mark,
)
