"""The one source of time: aware, UTC. Nothing else in the product reads the system clock."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the present moment, aware and in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present moment, aware and in UTC."""
        return datetime.now(UTC)


class FakeClock:
    """A clock that moves only when told to; for tests and simulations."""

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime(2026, 11, 2, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        """Return the moment this clock stands at."""
        return self._now

    def advance(self, step: timedelta) -> None:
        """Move the clock forward by `step`."""
        self._now += step


def epoch_seconds(moment: datetime) -> int:
    """Return whole seconds since 1970 (a NumericDate, RFC 7519 section 2)."""
    return int(moment.timestamp())


def from_epoch_seconds(seconds: int) -> datetime:
    """Return the aware UTC moment of a NumericDate."""
    return datetime.fromtimestamp(seconds, UTC)
