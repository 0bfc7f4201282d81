"""The port that every directory connector implements.

A connector is a reader of entries first; verifying and writing passwords are capabilities of their
own, so that a file can be a directory too.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NewType, Protocol, runtime_checkable

Cursor = NewType("Cursor", str)
"""Where an incremental read goes on; opaque to everybody but the connector that made it."""


class ConnectorError(Exception):
    """A directory could not do what was asked; `reason` is for administrators and the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class DirectoryUnavailable(ConnectorError):
    """The directory does not answer now; trying again later may help."""


class DirectoryMisconfigured(ConnectorError):
    """The settings cannot work (wrong base, refused certificate, bad bind); stop and say so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryEntry:
    """One account as the directory tells it.

    Attributes:
        stable_id: what never changes when the entry is renamed or moved; never a DN or a name.
        login: the name that people type, as the directory spells it.
        attributes: mapped attributes, each with at least one value.
        is_enabled: the directory lets this account sign in.
        must_change: the directory asks for a new password at the next sign-in.
    """

    stable_id: str
    login: str
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    is_enabled: bool = True
    must_change: bool = False
    password_set_at: datetime | None = None


@runtime_checkable
class DirectorySource(Protocol):
    """Streams entries; every directory can do this."""

    def read_all(self) -> Iterator[DirectoryEntry]:
        """Yield every entry in scope, each once.

        Raises:
            DirectoryUnavailable: at any point; what was yielded so far is then incomplete.
            DirectoryMisconfigured: the settings cannot work.
        """
        ...

    def cursor(self) -> Cursor | None:
        """Return the cursor to keep after a complete read, or None when there is none."""
        ...


@runtime_checkable
class PasswordVerifier(Protocol):
    """A directory that can tell whether a password is right."""

    def verify(self, stable_id: str, password: bytes) -> bool:
        """Tell whether `password` (never empty, not normalised) is that entry's."""
        ...


@runtime_checkable
class PasswordWriter(Protocol):
    """A directory that takes a new password."""

    def write_password(self, stable_id: str, password: bytes, *, must_change: bool) -> None:
        """Set the entry's password; with `must_change`, in the same write, a temporary one."""
        ...
