"""Which servers of a directory failed, known to every process that serves with this database."""

from collections.abc import Mapping
from datetime import timedelta

from idp.clock import Clock
from idp.ids import RealmName
from idp.store.directory_servers import (
    delete_failure,
    read_failures,
    renew_failure,
    write_failure,
)
from idp.store.session import Database


class StoredNotes:
    """The port `connectors.port.ServerNotes`; each call is a transaction of its own.

    Raises:
        Unavailable: from every method; the database does not answer.
    """

    def __init__(self, database: Database, clock: Clock, realm: RealmName, connector: str) -> None:
        self._database = database
        self._clock = clock
        self._realm = realm
        self._connector = connector

    def ages(self) -> Mapping[str, float]:
        """Return how long ago each failed; a time ahead of our clock counts as one in the past."""
        with self._database.transaction(self._realm, write=False) as db:
            failures = read_failures(db, self._realm, self._connector)
        now = self._clock.now()
        return {name: abs((now - at).total_seconds()) for name, at in failures.items()}

    def note(self, server: str) -> None:
        """Note a failure."""
        with self._database.transaction(self._realm, write=True) as db:
            write_failure(db, self._realm, self._connector, server, self._clock.now())

    def take(self, server: str, age: float) -> bool:
        """Note a failure anew if it is old enough."""
        old, now = timedelta(seconds=age), self._clock.now()
        with self._database.transaction(self._realm, write=True) as db:
            return renew_failure(db, self._realm, self._connector, server, at=now, age=old)

    def clear(self, server: str) -> None:
        """Forget a failure."""
        with self._database.transaction(self._realm, write=True) as db:
            delete_failure(db, self._realm, self._connector, server)
