"""The parts that a unit of work may use: settings, clock, adapters, and version-keyed caches."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import Lock
from typing import TypeVar, cast

from idp.clock import Clock
from idp.config import Config
from idp.core.directory_outages import Outages
from idp.core.ports import (
    BreachedPasswords,
    CommonPasswords,
    Directories,
    Hasher,
    Mailer,
    Pause,
    SecretBox,
    StrengthMeter,
)
from idp.store.session import Database
from policy.model import Rule
from policy.rules import RULES

V = TypeVar("V")


@dataclass(slots=True)
class VersionCache:
    """Immutable values under keys that hold their version number; bounded, newest kept.

    No time-to-live: a change gets a new version number, and that number is read in the same
    SELECT that gathers the facts (DECISIONS 27).
    """

    limit: int = 1024
    _entries: dict[Hashable, object] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def get(self, key: Hashable, load: Callable[[], V]) -> V:
        """Return the value under `key`, loading it on first use; one key, one type of value."""
        found = self._entries.get(key)
        if found is None:
            found = load()
            with self._lock:
                if len(self._entries) >= self.limit:
                    self._entries.pop(next(iter(self._entries)), None)
                self._entries[key] = found
        return cast("V", found)


@dataclass(slots=True, kw_only=True)
class Parts:
    """One process's parts, put together by `idp.app`."""

    config: Config
    database: Database
    clock: Clock
    hasher: Hasher
    box: SecretBox
    common_passwords: CommonPasswords
    strength_meter: StrengthMeter
    breached_passwords: BreachedPasswords
    mailer: Mailer
    directories: Directories
    pause: Pause
    rules: tuple[type[Rule], ...] = RULES
    policies: VersionCache = field(default_factory=VersionCache)
    outages: Outages = field(default_factory=Outages)
    beginnings: VersionCache = field(default_factory=VersionCache)
    clients: VersionCache = field(default_factory=VersionCache)
    keys: VersionCache = field(default_factory=VersionCache)
