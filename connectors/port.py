"""The port that every directory connector implements.

A connector is a reader of entries first; reading only what changed, verifying and writing passwords
are capabilities of their own, so that a file can be a directory too. What passes through the port
lies in `connectors.records` and `connectors.verdicts`.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol, runtime_checkable

from connectors.records import (
    Cursor,
    DirectoryChanges,
    DirectoryEntry,
    DirectoryGroup,
    DirectoryReport,
    RejectedEntry,
    Sighting,
)
from connectors.verdicts import Verification, WriteAnswer

Now = Callable[[], datetime]
"""Tells the time, aware and UTC."""


class ConnectorError(Exception):
    """A directory could not do what was asked; `reason` is for administrators and the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class DirectoryUnavailable(ConnectorError):
    """The directory does not answer now; trying again later may help."""


class WriteUncertain(DirectoryUnavailable):
    """The answer to a write was lost: look whether it was done before you write again."""


class DirectoryMisconfigured(ConnectorError):
    """The settings cannot work (wrong base, refused certificate, bad bind); stop and say so."""


class LoginAmbiguous(ConnectorError):
    """Several entries have the login that was looked up, so none of them may sign in by it."""


class CursorRefused(ConnectorError):
    """What changed since the cursor cannot be told any more; only a full read can."""


class DirectoryRead(Protocol):
    """One run over a directory, on one of its servers from begin to end.

    Every method may raise `DirectoryUnavailable` or `DirectoryMisconfigured` at any point; what was
    yielded so far is then incomplete and stands for nothing. An iterator that ends is complete.
    """

    @property
    def cursor(self) -> Cursor | None:
        """Where incremental reads go on after this run; taken before its first entry was read."""
        ...

    def entries(self) -> Iterator[DirectoryEntry | RejectedEntry]:
        """Yield every account in scope. One that changes meanwhile may come twice; the last wins.

        Order is not defined; no more than one page is held in memory.
        """
        ...

    def groups(self) -> Iterator[DirectoryGroup | RejectedEntry]:
        """Yield every group in scope; nothing when groups are not read."""
        ...

    def sweep(self) -> Iterator[Sighting | RejectedEntry]:
        """Yield id and address of every account in scope: what left it is missing."""
        ...

    def changes(self, since: Cursor) -> DirectoryChanges:
        """Return what changed since a cursor.

        Raises:
            CursorRefused: make a full read. A connector without cursors raises it always.
        """
        ...


@runtime_checkable
class DirectorySource(Protocol):
    """Reads entries; every directory can do this. It may be used by many threads at once."""

    def read(self) -> AbstractContextManager[DirectoryRead]:
        """Begin a run, on a connection of its own."""
        ...

    def find_by_login(self, login: str) -> DirectoryEntry | None:
        """Look up who signs in by `login`; the entry's own spelling and id are the account.

        Raises:
            LoginAmbiguous: more than one entry does.
            DirectoryUnavailable: no server answered in time.
        """
        ...

    def find_by_id(self, stable_id: str) -> DirectoryEntry | None:
        """Look up an entry by what never changes; its address is fresh."""
        ...

    def check(self) -> DirectoryReport:
        """Connect and read a little, as a run would.

        Raises:
            DirectoryMisconfigured: what an administrator must mend, in `reason`.
            DirectoryUnavailable: no server answered in time.
        """
        ...

    def close(self) -> None:
        """Close every connection; the source is not used after that."""
        ...


@runtime_checkable
class PasswordVerifier(Protocol):
    """A directory that can tell whether a password is right."""

    def verify(self, stable_id: str, password: bytes) -> Verification:
        """Tell what the directory says to that entry with `password`.

        An empty password or one with a NUL is `WRONG` without asking.

        Args:
            password: the bytes as they were typed, UTF-8, not normalised.

        Raises:
            DirectoryUnavailable: nobody could tell; it counts as no attempt.
        """
        ...


@runtime_checkable
class PasswordWriter(Protocol):
    """A directory that takes a new password."""

    def write_password(
        self, stable_id: str, new: bytes, *, old: bytes | None = None, must_change: bool = False
    ) -> WriteAnswer:
        """Set the entry's password.

        Args:
            new: the bytes as they were typed, UTF-8; never empty, no NUL.
            old: the present one, when its owner writes: the directory's history and minimum age
                then hold. Without it the connector's own account writes.
            must_change: a temporary one, which the directory wants changed; not with `old`. When
                the directory does not take that mark, nobody knows the password afterwards.

        Raises:
            WriteUncertain: the answer was lost.
            DirectoryUnavailable: nothing was written.
        """
        ...


class ServerNotes(Protocol):
    """When the servers of one directory failed last; whoever asks it may share them.

    Servers go by any name that is theirs alone. Whoever calls holds no transaction.
    """

    def ages(self) -> Mapping[str, float]:
        """Return how many seconds ago each server failed that has not answered since."""
        ...

    def note(self, server: str) -> None:
        """Note that a server failed just now."""
        ...

    def take(self, server: str, age: float) -> bool:
        """Note a failure anew if it is at least `age` seconds old; one of several callers may."""
        ...

    def clear(self, server: str) -> None:
        """Note that a server answered."""
        ...


@runtime_checkable
class NotesServers(Protocol):
    """A directory with servers to choose from, which leaves those alone that failed of late."""

    def share_notes(self, notes: ServerNotes) -> None:
        """Use these notes instead of its own; to be called before it is asked anything."""
        ...
