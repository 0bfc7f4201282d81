"""Which directories did not answer of late: a note of this process, so that not everybody waits."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

NOTED_FOR = timedelta(seconds=30)
"""How long a directory counts as down after it did not answer, unless it answers before."""


@dataclass(slots=True)
class Outages:
    """When each directory failed last; an answer of it ends its outage.

    For `NOTED_FOR` nobody asks who need not. What is told of an outage lasts until an answer.
    """

    _failed_at: dict[str, datetime] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def note_failed(self, connector: str, now: datetime) -> None:
        """Note that a directory did not answer."""
        with self._lock:
            self._failed_at[connector] = now

    def note_answered(self, connector: str) -> None:
        """Note that a directory answered."""
        with self._lock:
            self._failed_at.pop(connector, None)

    def is_noted(self, connector: str) -> bool:
        """Tell whether a directory has not answered since it failed."""
        return connector in self._failed_at

    def is_down(self, connector: str, now: datetime) -> bool:
        """Tell whether a directory is not worth asking unless there is no way around it."""
        failed_at = self._failed_at.get(connector)
        return failed_at is not None and now - failed_at < NOTED_FOR
