"""Which connectors there are. Each is imported when it is used: what it needs may be optional."""

import importlib
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol

from connectors.port import DirectoryMisconfigured, DirectorySource, Now

CONNECTORS: Mapping[str, str] = {
    "ldap": "connectors.ldap.source:open_directory",
    "csv": "connectors.csvfile:open_directory",
}
"""Kind → module and the function in it that makes a source of settings."""

GROUP = "idp.connectors"
"""The group of entry points in which a distribution names its kinds."""


class OpenDirectory(Protocol):
    """Makes a source of settings; connects to nothing yet."""

    def __call__(self, settings: Mapping[str, object], *, now: Now) -> DirectorySource: ...


def open_source(kind: str, settings: Mapping[str, object], *, now: Now) -> DirectorySource:
    """Make the source of a kind.

    Args:
        settings: what the connector of that kind takes, without `kind` itself.

    Raises:
        SettingsRefused: the settings are wrong, each mistake with its path.
        DirectoryMisconfigured: there is no such kind, what it needs is not installed, or what
            somebody else's distribution brings is no connector.
    """
    path = CONNECTORS.get(kind)
    if path is None:
        return _open_installed(kind, settings, now)
    module, _, name = path.partition(":")
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        reason = f"the {kind} connector needs {error.name}; install the extra `{kind}`"
        raise DirectoryMisconfigured(reason) from error
    make: OpenDirectory = getattr(found, name)
    return make(settings, now=now)


def _open_installed(kind: str, settings: Mapping[str, object], now: Now) -> DirectorySource:
    point = _find_point(kind)
    place = f"{kind!r} of the distribution {_distribution(point)}"
    try:
        make: OpenDirectory = point.load()
    except Exception as error:
        reason = f"{place} cannot be loaded: {type(error).__name__}: {error}"
        raise DirectoryMisconfigured(reason) from error
    source: object = make(settings, now=now)
    if not isinstance(source, DirectorySource):
        reason = f"{place} makes no connectors.port.DirectorySource"
        raise DirectoryMisconfigured(reason)
    return source


def _find_point(kind: str) -> EntryPoint:
    points = entry_points(group=GROUP)
    found = [point for point in points if point.name == kind]
    if not found:
        kinds = ", ".join(sorted({*CONNECTORS, *points.names}))
        reason = f"{kind!r} is no kind of directory; there are {kinds}"
        raise DirectoryMisconfigured(reason)
    if len(found) > 1:
        names = " and ".join(sorted(map(_distribution, found)))
        reason = f"{kind!r} is brought by several distributions: {names}"
        raise DirectoryMisconfigured(reason)
    return found[0]


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "unknown"
