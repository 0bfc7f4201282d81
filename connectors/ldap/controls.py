"""The controls this connector sends and reads.

Spec: RFC 2696 (paging); RFC 4533 2 and 3 (content synchronisation); draft-behera-ldap-password-
policy 6 (password policy); RFC 3062 2 (password modify).
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum, unique
from uuid import UUID

from connectors.ldap import ber

PAGING = "1.2.840.113556.1.4.319"
SYNC_REQUEST = "1.3.6.1.4.1.4203.1.9.1.1"
SYNC_STATE = "1.3.6.1.4.1.4203.1.9.1.2"
SYNC_DONE = "1.3.6.1.4.1.4203.1.9.1.3"
SYNC_INFO = "1.3.6.1.4.1.4203.1.9.1.4"
PASSWORD_POLICY = "1.3.6.1.4.1.42.2.27.8.5.1"  # noqa: S105 - an OID
PASSWORD_IS_OVER = "2.16.840.1.113730.3.4.4"  # noqa: S105 - likewise
"""Of draft-vchu-ldap-pwd-policy, with which 389-ds, FreeIPA and their kin let people in who must
change, whether they were asked by the other control or not."""
PASSWORD_MODIFY = "1.3.6.1.4.1.4203.1.11.1"  # noqa: S105 - an OID
START_TLS = "1.3.6.1.4.1.1466.20037"
SHOW_DELETED = "1.2.840.113556.1.4.417"

_REFRESH_ONLY = 1
_CONTEXT = 0x80
_NEW_COOKIE, _REFRESH_DELETE, _REFRESH_PRESENT, _ID_SET = (0x80, 0xA1, 0xA2, 0xA3)
_WARNING, _ERROR = (0xA0, 0x81)
_EXPIRES_IN, _GRACE_LEFT = (0x80, 0x81)

Control = tuple[str, bool, bytes | None]
"""OID, whether it is critical, and its value: what the library takes."""


def paging(size: int, cookie: bytes) -> Control:
    """Ask for the page after `cookie`; critical, so that a server without pages says so."""
    value = ber.write(ber.SEQUENCE, ber.write_integer(size), ber.write(ber.OCTET_STRING, cookie))
    return (PAGING, True, value)


def read_paging(value: bytes) -> bytes:
    """Return the cookie of a page; an empty one says that it was the last.

    Raises:
        BerError: the value is broken.
    """
    parts = ber.read_one(value, ber.SEQUENCE).inside()
    if [part.tag for part in parts] != [ber.INTEGER, ber.OCTET_STRING]:
        reason = "a paging control that is not a size and a cookie"
        raise ber.BerError(reason)
    return parts[1].value


def synchronise(cookie: bytes) -> Control:
    """Ask for what changed since `cookie`; critical, or all would come as if it had changed."""
    value = ber.write(
        ber.SEQUENCE,
        ber.write_integer(_REFRESH_ONLY, ber.ENUMERATED),
        ber.write(ber.OCTET_STRING, cookie),
    )
    return (SYNC_REQUEST, True, value)


def password_policy() -> Control:
    """Ask for more than "invalid credentials"; a server without policies ignores it."""
    return (PASSWORD_POLICY, False, None)


def show_deleted() -> Control:
    """Ask for deleted objects as well; critical, so that a server without says so (MS-ADTS)."""
    return (SHOW_DELETED, True, None)


@unique
class EntryState(IntEnum):
    """How an entry of a synchronisation stands."""

    PRESENT = 0
    ADD = 1
    MODIFY = 2
    DELETE = 3


def read_sync_state(value: bytes) -> tuple[EntryState, str]:
    """Return state and id (a UUID's text) of an entry.

    Raises:
        BerError: the value is broken.
    """
    parts = ber.read_one(value, ber.SEQUENCE).inside()
    if len(parts) < 2:  # noqa: PLR2004 - state and id
        reason = "a sync state without an id"
        raise ber.BerError(reason)
    try:
        return EntryState(parts[0].number()), _uuid(parts[1].value)
    except ValueError as error:
        reason = "a sync state that RFC 4533 does not know"
        raise ber.BerError(reason) from error


@dataclass(frozen=True, slots=True)
class SyncDone:
    """The end of a synchronisation; `deletes_told` is its refreshDeletes."""

    cookie: bytes | None = None
    deletes_told: bool = False


def read_sync_done(value: bytes) -> SyncDone:
    """Return what the done control says.

    Raises:
        BerError: the value is broken.
    """
    return _cookie_and_flag(ber.read_one(value, ber.SEQUENCE).inside())


@dataclass(frozen=True, slots=True)
class SyncInfo:
    """One message within a synchronisation.

    Attributes:
        ids: entries that it names.
        ids_are_gone: they left the scope; else they are as they were.
    """

    cookie: bytes | None = None
    ids: frozenset[str] = frozenset()
    ids_are_gone: bool = False


def read_sync_info(value: bytes) -> SyncInfo:
    """Return what a message says; the borders between phases say nothing that is needed.

    Raises:
        BerError: the value is broken.
    """
    message = next(ber.read_all(value), ber.Element(0, b""))
    if message.tag == _NEW_COOKIE:
        return SyncInfo(cookie=message.value)
    if message.tag in {_REFRESH_DELETE, _REFRESH_PRESENT}:
        return SyncInfo(cookie=_cookie_and_flag(message.inside()).cookie)
    if message.tag != _ID_SET:
        reason = "a sync message that RFC 4533 does not know"
        raise ber.BerError(reason)
    parts = message.inside()
    head = _cookie_and_flag(tuple(part for part in parts if part.tag != ber.SET))
    ids = (found.value for part in parts if part.tag == ber.SET for found in part.inside())
    return SyncInfo(head.cookie, frozenset(map(_uuid, ids)), head.deletes_told)


@unique
class PolicyError(IntEnum):
    """What a password policy objects to."""

    EXPIRED = 0
    LOCKED = 1
    CHANGE_AFTER_RESET = 2
    NO_CHANGE_ALLOWED = 3
    OLD_MISSING = 4
    TOO_SIMPLE = 5
    TOO_SHORT = 6
    TOO_YOUNG = 7
    IN_HISTORY = 8
    TOO_LONG = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyAnswer:
    """What a server with a password policy adds to an answer."""

    error: PolicyError | None = None
    grace_left: int | None = None
    expires_in: timedelta | None = None


def read_policy_answer(value: bytes) -> PolicyAnswer:
    """Return what the control of an answer says; an error without a name is none.

    Raises:
        BerError: the value is broken.
    """
    error: PolicyError | None = None
    grace_left: int | None = None
    expires_in: timedelta | None = None
    for part in ber.read_one(value, ber.SEQUENCE).inside():
        if part.tag == _ERROR and part.number() in set(PolicyError):
            error = PolicyError(part.number())
        for warning in part.inside() if part.tag == _WARNING else ():
            if warning.tag == _GRACE_LEFT:
                grace_left = warning.number()
            elif warning.tag == _EXPIRES_IN:
                expires_in = timedelta(seconds=warning.number())
    return PolicyAnswer(error=error, grace_left=grace_left, expires_in=expires_in)


def password_modify(dn: str, new: bytes | None, old: bytes | None = None) -> bytes:
    """Return the value of the extended request; without `new` the server makes a password."""
    fields = enumerate((dn.encode(), old, new))
    parts = (ber.write(_CONTEXT + at, value) for at, value in fields if value is not None)
    return ber.write(ber.SEQUENCE, *parts)


def _cookie_and_flag(parts: tuple[ber.Element, ...]) -> SyncDone:
    cookie = next((part.value for part in parts if part.tag == ber.OCTET_STRING), None)
    flag = next((part.truth() for part in parts if part.tag == ber.BOOLEAN), False)
    return SyncDone(cookie, flag)


def _uuid(value: bytes) -> str:
    try:
        return str(UUID(bytes=value))
    except ValueError as error:
        reason = "an id of a synchronisation that is no UUID"
        raise ber.BerError(reason) from error
