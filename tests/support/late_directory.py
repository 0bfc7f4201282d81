"""A directory whose answers arrive after something else happened."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar

from connectors.ldap.source import LdapDirectory
from connectors.port import DirectoryRead
from connectors.records import DirectoryEntry, DirectoryReport
from connectors.verdicts import Verification, WriteAnswer
from tests.support.directory_world import CORP
from tests.support.world import World

Said = TypeVar("Said")


class LateDirectory:
    """A real directory of a world, in place of itself; after its first answer `meanwhile` is done.

    What `meanwhile` raises comes in place of the answer.
    """

    def __init__(self, world: World, meanwhile: Callable[[], object]) -> None:
        real = world.runtime.directories.source(CORP)
        assert isinstance(real, LdapDirectory)
        self._real = real
        self._all = world.runtime.directories
        self._world = world
        self._meanwhile = meanwhile
        world.runtime.directories = self

    def source(self, name: str) -> "LateDirectory":
        """Return itself, whatever is asked for."""
        del name
        return self

    def read(self) -> AbstractContextManager[DirectoryRead]:
        """Begin a run."""
        return self._real.read()

    def find_by_login(self, login: str) -> DirectoryEntry | None:
        """Look up a login."""
        return self._after(self._real.find_by_login(login))

    def find_by_id(self, stable_id: str) -> DirectoryEntry | None:
        """Look up an id."""
        return self._after(self._real.find_by_id(stable_id))

    def check(self) -> DirectoryReport:
        """Connect and read a little."""
        return self._real.check()

    def verify(self, stable_id: str, password: bytes) -> Verification:
        """Tell what the directory says to a password."""
        return self._after(self._real.verify(stable_id, password))

    def write_password(
        self, stable_id: str, new: bytes, *, old: bytes | None = None, must_change: bool = False
    ) -> WriteAnswer:
        """Set a password."""
        said = self._real.write_password(stable_id, new, old=old, must_change=must_change)
        return self._after(said)

    def close(self) -> None:
        """Close the connections that are kept."""
        self._real.close()

    def _after(self, said: Said) -> Said:
        self._world.runtime.directories = self._all
        self._meanwhile()
        return said
