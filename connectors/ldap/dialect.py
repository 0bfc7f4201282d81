"""What may differ between the servers that speak LDAP, as one value for each vendor."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, unique
from uuid import UUID

from connectors.ldap.values import Attributes
from connectors.verdicts import Verdict, WriteVerdict


@unique
class CursorKind(Enum):
    """How a server tells what changed."""

    SYNC = "sync"
    """Content synchronisation (RFC 4533), beginning at the `contextCSN` of the tree."""
    USN = "usn"
    """`uSNChanged`, a number that grows with each change on one domain controller."""
    ENTRY_USN = "entryusn"
    """`entryUSN`, a number that grows with each change on one 389 server, however it came there."""
    TIME = "time"
    """`modifyTimestamp`, by the clock of one server."""


@unique
class PasswordWriting(Enum):
    """How a server takes a new password."""

    EXTENDED = "extended"
    """By the operation made for it (RFC 3062)."""
    UNICODE = "unicode"
    """By a modification of `unicodePwd` (MS-ADTS 3.1.1.3.1.5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """How an account stands in its directory."""

    is_enabled: bool = True
    is_locked: bool = False
    must_change: bool = False
    password_set_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IdAttribute:
    """An attribute that never changes.

    Attributes:
        read: makes text of its value, or raises `ValueError`.
        write: makes the value to look it up by, or raises `ValueError`: no id of this attribute.
    """

    name: str
    read: Callable[[bytes], str]
    write: Callable[[str], bytes]


def _no_reason(_message: str) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one vendor's server is read and written.

    Attributes:
        ids: what never changes; the first that an entry has is its id.
        state_attributes: what `read_state` needs beside the time of now. It raises `ValueError`
            when the server does not tell enough, so that nobody is taken for enabled.
        cursor: how changes are read, where the server offers it.
        people_filter: who is an account, unless the settings say otherwise; also
            `login_attribute` and `group_filter`.
        read_refusal: what code and message of a refused sign-in say, where the vendor's say more
            than the code alone.
        read_reason: the number in that message that tells why, as the vendor documents it.
        read_objection: what code and message of a refused new password say; likewise.
        password_attribute: where a password is written in a plain modification.
        must_change_mark: attribute and value that stand beside a temporary password.
        shows_mark: tells from `state_attributes` whether that mark is set, where it is not
            written: the server sets it when somebody else writes the password, if its policy says
            so.
        may_hash_clear_text: a server of this vendor can be configured to hash a password that
            arrives in a plain modification, and to keep the mark that stands beside it.
    """

    vendor: str
    ids: tuple[IdAttribute, ...]
    state_attributes: tuple[str, ...]
    read_state: Callable[[Attributes, datetime], AccountState]
    cursor: CursorKind
    people_filter: str
    login_attribute: str
    group_filter: str
    read_refusal: Callable[[int, str], Verdict | None]
    password_writing: PasswordWriting
    read_objection: Callable[[int, str], WriteVerdict | None]
    password_attribute: str
    must_change_mark: tuple[str, bytes]
    shows_mark: Callable[[Attributes], bool] | None = None
    may_hash_clear_text: bool = False
    read_reason: Callable[[str], str | None] = _no_reason


def says_no_more(_code: int, _message: str) -> None:
    """Tell nothing: the password policy's control says it all."""


def read_uuid(value: bytes) -> str:
    """Return a UUID that the server spells as text."""
    return str(UUID(value.decode("ascii")))


def write_uuid(stable_id: str) -> bytes:
    """Return the value of a UUID that the server spells as text."""
    return _uuid(stable_id).urn.removeprefix("urn:uuid:").encode()


def read_guid(value: bytes) -> str:
    """Return a GUID of 16 bytes, the first three fields of which are little-endian."""
    return str(UUID(bytes_le=value))


def write_guid(stable_id: str) -> bytes:
    """Return the 16 bytes of a GUID's text."""
    return _uuid(stable_id).bytes_le


def _uuid(text: str) -> UUID:
    """Return the UUID of a text in the one spelling that stable ids have."""
    found = UUID(text)
    if str(found) != text:
        reason = "another spelling of a UUID"
        raise ValueError(reason)
    return found
