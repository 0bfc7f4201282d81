"""Keeping directories in step: whatever is due is read, and what changed is applied by a job."""

import logging
import threading

from idp.core.runtime import Runtime
from idp.core.sync_schedule import find_due, forget_old_runs, sync_directory
from idp.errors import IdpError
from idp.ids import RealmName

_log = logging.getLogger(__name__)


class DirectoryKeeper:
    """Reads what is due. Safe beside others: of those who begin at once, one reads."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def sync_due(self, stop: threading.Event) -> int:
        """Read every directory that is due; return how many were."""
        done = 0
        for name, connector in self._runtime.config.connectors.items():
            realm = RealmName(connector.realm)
            mode = find_due(self._runtime, realm, name, connector)
            if mode is None or stop.is_set():
                continue
            try:
                synced = sync_directory(self._runtime, realm, name, mode)
                forget_old_runs(self._runtime, realm, name)
            except IdpError as error:
                _log.warning("directory %s: %s %s", name, error.code, error.detail or error.params)
                continue
            except Exception:  # noqa: BLE001 - the other directories are read all the same
                _log.exception("directory %s: a bug", name)
                continue
            done += 1
            if synced.run.held_because:
                reasons = ", ".join(synced.run.held_because)
                _log.warning("directory %s: held because of %s", name, reasons)
        return done
