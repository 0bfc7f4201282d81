"""Which connectors there are. Each is imported when it is used: what it needs may be optional."""

import importlib
from collections.abc import Mapping
from typing import Protocol

from connectors.port import DirectoryMisconfigured, DirectorySource, Now

CONNECTORS: Mapping[str, str] = {
    "ldap": "connectors.ldap.source:open_directory",
    "csv": "connectors.csvfile:open_directory",
}
"""Kind → module and the function in it that makes a source of settings."""


class OpenDirectory(Protocol):
    """Makes a source of settings; connects to nothing yet."""

    def __call__(self, settings: Mapping[str, object], *, now: Now) -> DirectorySource: ...


def open_source(kind: str, settings: Mapping[str, object], *, now: Now) -> DirectorySource:
    """Make the source of a kind.

    Args:
        settings: what the connector of that kind takes, without `kind` itself.

    Raises:
        SettingsRefused: the settings are wrong, each mistake with its path.
        DirectoryMisconfigured: there is no such kind, or what it needs is not installed.
    """
    path = CONNECTORS.get(kind)
    if path is None:
        reason = f"{kind!r} is no kind of directory; there are {', '.join(sorted(CONNECTORS))}"
        raise DirectoryMisconfigured(reason)
    module, _, name = path.partition(":")
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        reason = f"the {kind} connector needs {error.name}; install the extra `{kind}`"
        raise DirectoryMisconfigured(reason) from error
    make: OpenDirectory = getattr(found, name)
    return make(settings, now=now)
