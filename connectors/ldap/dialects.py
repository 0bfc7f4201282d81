"""What differs between the servers that speak LDAP, as values.

A server of another vendor is another `Dialect`; nothing else asks who made a server.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, unique
from uuid import UUID

Attributes = Mapping[str, Sequence[bytes]]
"""Raw values by the name of their attribute in small letters."""

_TIME = re.compile(
    r"(?P<time>\d{10}(?:\d\d){0,2})(?:[.,](?P<fraction>\d+))?(?P<zone>Z|[+-]\d\d(?:\d\d)?)"
)
_NEVER_UNLOCKED = b"000001010000Z"
_DIGITS_BY_LENGTH = {10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}


@unique
class CursorKind(Enum):
    """How a server tells what changed."""

    SYNC = "sync"
    """Content synchronisation (RFC 4533), beginning at the `contextCSN` of the tree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """How an account stands in its directory."""

    is_enabled: bool = True
    is_locked: bool = False
    must_change: bool = False
    password_set_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one vendor's server is read and written.

    Attributes:
        id_attribute: holds what never changes; `read_id` makes text of it, or raises `ValueError`;
            `write_id` makes the bytes to look it up by.
        state_attributes: what `read_state` needs.
        cursor: how changes are read, where the server offers it.
        password_attribute: where a password is written in a plain modification.
        must_change_attribute: is set to TRUE beside a temporary password.
    """

    vendor: str
    id_attribute: str
    read_id: Callable[[bytes], str]
    write_id: Callable[[str], bytes]
    state_attributes: tuple[str, ...]
    read_state: Callable[[Attributes], AccountState]
    cursor: CursorKind
    password_attribute: str
    must_change_attribute: str


def read_time(value: bytes) -> datetime | None:
    """Return a generalised time, aware and UTC, or None when it is none that a calendar has.

    Spec: RFC 4517 3.3.13.
    """
    found = _TIME.fullmatch(value.decode("ascii", "replace"))
    if found is None:
        return None
    digits, zone = found["time"], found["zone"]
    try:
        moment = datetime.strptime(digits, _DIGITS_BY_LENGTH[len(digits)]).replace(tzinfo=UTC)
        return moment - _offset(zone)
    except (ValueError, OverflowError):
        return None


def _offset(zone: str) -> timedelta:
    if zone == "Z":
        return timedelta()
    size = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5] or 0))
    return -size if zone[0] == "-" else size


def _first(attributes: Attributes, name: str) -> bytes | None:
    values = attributes.get(name.lower()) or ()
    return values[0] if values else None


def _is_true(value: bytes | None) -> bool:
    return value is not None and value.upper() == b"TRUE"


def _read_uuid(value: bytes) -> str:
    return str(UUID(value.decode("ascii")))


def _read_openldap_state(attributes: Attributes) -> AccountState:
    locked = _first(attributes, "pwdAccountLockedTime")
    set_at = _first(attributes, "pwdChangedTime")
    wants_new = _is_true(_first(attributes, "pwdReset"))
    return AccountState(
        is_enabled=locked != _NEVER_UNLOCKED,
        is_locked=locked not in {None, _NEVER_UNLOCKED},
        must_change=wants_new or _first(attributes, "shadowLastChange") == b"0",
        password_set_at=read_time(set_at) if set_at else None,
    )


OPENLDAP = Dialect(
    vendor="openldap",
    id_attribute="entryUUID",
    read_id=_read_uuid,
    write_id=str.encode,
    state_attributes=("pwdAccountLockedTime", "pwdReset", "pwdChangedTime", "shadowLastChange"),
    read_state=_read_openldap_state,
    cursor=CursorKind.SYNC,
    password_attribute="userPassword",  # noqa: S106 - the name of an attribute
    must_change_attribute="pwdReset",
)

DIALECTS: Mapping[str, Dialect] = {dialect.vendor: dialect for dialect in (OPENLDAP,)}
"""Vendor → dialect. Those that are here were tested against a real server."""
