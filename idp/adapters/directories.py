"""The directories that the configuration names, each opened when it is first asked for."""

import base64
import os
from collections.abc import Mapping
from threading import Lock

from connectors.port import DirectoryMisconfigured, DirectorySource, NotesServers
from connectors.registry import open_source
from connectors.settings import SettingsRefused
from idp.adapters.server_notes import StoredNotes
from idp.clock import Clock
from idp.config import Connector
from idp.core.ports import SecretBox
from idp.errors import ConfigError
from idp.ids import RealmName
from idp.store.session import Database

SEALED = "sealed:"
"""What a setting begins with whose rest only the key file opens."""
_PURPOSE = "connector-setting"


def seal_setting(box: SecretBox, value: str) -> str:
    """Return a value of a connector's settings as it may stand in the configuration."""
    sealed = box.encrypt(value.encode("utf-8", "surrogatepass"), purpose=_PURPOSE)
    return SEALED + base64.urlsafe_b64encode(sealed).decode()


class DirectorySources:
    """The port `idp.core.ports.Directories`. A process that was forked opens its own."""

    def __init__(
        self,
        connectors: Mapping[str, Connector],
        box: SecretBox,
        clock: Clock,
        database: Database,
    ) -> None:
        self._connectors = connectors
        self._box = box
        self._clock = clock
        self._database = database
        self._lock = Lock()
        self._opened: dict[tuple[int, str], DirectorySource] = {}

    def source(self, name: str) -> DirectorySource:
        """Return the directory of a name.

        Raises:
            ConfigError: its settings cannot be used; with the place and the reason.
        """
        key = (os.getpid(), name)
        with self._lock:
            found = self._opened.get(key)
            if found is None:
                found = self._opened[key] = self._open(name)
                if isinstance(found, NotesServers):
                    found.share_notes(self._notes(name))
        return found

    def require_all(self) -> None:
        """Return when every directory's settings can be used; nothing is connected to.

        Raises:
            ConfigError: as `source`.
        """
        for name in self._connectors:
            self._open(name).close()

    def close(self) -> None:
        """Close the connections of this process."""
        with self._lock:
            for (pid, _), source in self._opened.items():
                if pid == os.getpid():
                    source.close()
            self._opened.clear()

    def _open(self, name: str) -> DirectorySource:
        connector = self._connectors[name]
        settings = {
            key: self._unsealed(f"connectors.{name}.{key}", value)
            for key, value in connector.settings.reveal().items()
        }
        try:
            return open_source(connector.kind, settings, now=self._clock.now)
        except SettingsRefused as error:
            key, reason = error.problems[0]
            place = f"connectors.{name}.{key}"
            raise ConfigError(place, reason) from error
        except DirectoryMisconfigured as error:
            place = f"connectors.{name}.kind"
            raise ConfigError(place, error.reason) from error

    def _notes(self, name: str) -> StoredNotes:
        realm = RealmName(self._connectors[name].realm)
        return StoredNotes(self._database, self._clock, realm, name)

    def _unsealed(self, path: str, value: object) -> object:
        if not isinstance(value, str) or not value.startswith(SEALED):
            return value
        try:
            sealed = base64.urlsafe_b64decode(value.removeprefix(SEALED))
        except ValueError as error:
            raise ConfigError(path, "is no sealed value") from error
        try:
            return self._box.decrypt(sealed, purpose=_PURPOSE).decode("utf-8", "surrogatepass")
        except ConfigError as error:
            raise ConfigError(path, "was sealed with another key file") from error
