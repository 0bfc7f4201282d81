"""The port, for directories that speak LDAP."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager

from connectors.ldap import health
from connectors.ldap.failover import ServerList
from connectors.ldap.lookups import Lookups
from connectors.ldap.passwords import Passwords
from connectors.ldap.pool import Pool
from connectors.ldap.runs import LdapRead
from connectors.ldap.settings import LdapSettings, parse_settings
from connectors.ldap.wire import Deadline
from connectors.port import Now, ServerNotes
from connectors.records import DirectoryEntry, DirectoryReport
from connectors.verdicts import Verification, WriteAnswer


def open_directory(settings: Mapping[str, object], *, now: Now) -> "LdapDirectory":
    """Make a source; it connects when it is first asked something.

    Raises:
        SettingsRefused: every mistake with its path.
    """
    return LdapDirectory(parse_settings(settings), now)


class LdapDirectory:
    """Reads accounts and groups, verifies and writes passwords.

    Threads may share it; processes may not: make it after a fork.
    """

    def __init__(self, settings: LdapSettings, now: Now) -> None:
        self._settings = settings
        self._now = now
        self._servers = ServerList(settings.connecting.servers)
        self._pool = Pool(settings.connecting, self._servers)
        self._lookups = Lookups(settings, self._pool, now)
        self._passwords = Passwords(settings, self._lookups, self._pool, self._servers)

    @contextmanager
    def read(self) -> Iterator[LdapRead]:
        """Begin a run on the first server that answers; it stays there to its end."""
        with closing(self._servers.try_each(self._deadline(), self._pool.open)) as first:
            server = first.server
        yield LdapRead(self._settings, lambda: self._pool.open(server, self._deadline()), self._now)

    def find_by_login(self, login: str) -> DirectoryEntry | None:
        """Look up a login; the server decides which spellings are the same."""
        found = self._lookups.by_login(login, self._deadline())
        return found.entry if found else None

    def find_by_id(self, stable_id: str) -> DirectoryEntry | None:
        """Look up an id."""
        found = self._lookups.by_id(stable_id, self._deadline())
        return found.entry if found else None

    def check(self) -> DirectoryReport:
        """Connect and read a little, on the first server that answers now."""
        servers = ServerList(self._settings.connecting.servers)
        with closing(servers.try_each(self._deadline(), self._pool.open)) as session:
            return health.check(session, self._settings, self._now)

    def verify(self, stable_id: str, password: bytes) -> Verification:
        """Tell what the directory says to a password."""
        return self._passwords.verify(stable_id, password)

    def write_password(
        self, stable_id: str, new: bytes, *, old: bytes | None = None, must_change: bool = False
    ) -> WriteAnswer:
        """Set a password."""
        return self._passwords.write(stable_id, new, old=old, must_change=must_change)

    def share_notes(self, notes: ServerNotes) -> None:
        """Leave alone what others noted."""
        self._servers.notes = notes

    def close(self) -> None:
        """Close the connections that are kept."""
        self._pool.close()

    def _deadline(self) -> Deadline:
        return Deadline(self._settings.connecting.deadline)
