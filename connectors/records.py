"""What a directory tells through the port: entries, groups, what changed, how it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, NewType, TypeVar

T = TypeVar("T")

Cursor = NewType("Cursor", str)
"""Where an incremental read goes on; opaque to everybody but the connector that made it."""

Address = NewType("Address", str)
"""Where an entry lies now, spelled so that equal places are equal strings (in LDAP: its DN). It
changes when the entry is renamed or moved; groups name their members by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryEntry:
    """One account as the directory tells it.

    Attributes:
        stable_id: what never changes when the entry is renamed or moved; never a DN or a name.
        login: the name that people type, as the directory spells it.
        address: where it lies now.
        attributes: mapped attributes, each with at least one value; several values are sorted.
        groups: groups that the entry itself names; `DirectoryRead.groups` tells them all.
        is_enabled: the directory lets this account sign in.
        is_locked: too many wrong passwords; it may end by itself and takes nothing away.
        must_change: the directory asks for a new password at the next sign-in.
        password_set_at: aware, UTC; None when the directory does not tell.
        warnings: values that were left out, and why, without the values themselves.
    """

    stable_id: str
    login: str
    address: Address = Address("")
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    groups: tuple[Address, ...] = ()
    is_enabled: bool = True
    is_locked: bool = False
    must_change: bool = False
    password_set_at: datetime | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryGroup:
    """One group, with its members as the directory lists them: accounts, groups, or nobody."""

    stable_id: str
    name: str
    address: Address
    members: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True)
class RejectedEntry:
    """An entry in scope that cannot be an account or a group; it is skipped, and it is not gone.

    Attributes:
        stable_id: its id, when that is not what is wrong with it.
    """

    address: Address
    reason: str
    stable_id: str | None = None


@dataclass(frozen=True, slots=True)
class Sighting:
    """An entry that is in scope, and where; all that a sweep tells."""

    stable_id: str
    address: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed(Generic[T]):
    """What is different among accounts, or among groups.

    Attributes:
        entries: those that are new or changed, each whole.
        gone: stable ids that left the scope; ids that nobody knows may be among them.
        unchanged: None, or the stable ids of *every* one that is as it was: then each id that is
            neither here, nor in `entries`, nor rejected is gone as well.
    """

    entries: tuple[T, ...] = ()
    gone: frozenset[str] = frozenset()
    unchanged: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryChanges:
    """What is different since a cursor; `cursor` is where the next incremental read goes on."""

    people: Changed[DirectoryEntry]
    groups: Changed[DirectoryGroup]
    rejected: tuple[RejectedEntry, ...] = ()
    cursor: Cursor


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryReport:
    """What `DirectorySource.check` found; it found it, so the settings work.

    Attributes:
        vendor: who made the server and which version, as far as it tells.
        server: the address that answered.
        offers: what the server can do, in words of the port (`paging`, `incremental`, …).
        samples: the first entries in scope, as they would be read.
        clock_ahead: how far the server's clock is ahead of ours; None when it does not tell.
        certificate_expires_at: aware, UTC; None without TLS.
        warnings: what works but should not stay so.
    """

    vendor: str
    server: str
    offers: frozenset[str] = frozenset()
    samples: tuple[DirectoryEntry, ...] = ()
    clock_ahead: timedelta | None = None
    certificate_expires_at: datetime | None = None
    warnings: tuple[str, ...] = ()
