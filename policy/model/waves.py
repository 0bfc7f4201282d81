"""Waves: a stricter policy that asks its users a few at a time."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from policy.model.durations import read_duration, write_duration
from policy.model.errors import PolicyError, nearest
from policy.model.text import fold

_HOUR = timedelta(hours=1)
_DAY_MINUTES = 24 * 60
_QUIET = re.compile(r"([01]\d|2[0-3]):([0-5]\d)/([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_MOST_GROUPS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Waves:
    """Who is asked when, until everybody is asked at the deadline.

    Attributes:
        per_hour: how many users are asked in one clock hour (UTC); None for no cap.
        percent: only this part of the users, by a stable lot.
        groups: only members of these groups, by folded name; empty for everybody.
        quiet: the time of day in `zone` at which nobody is asked, as (from, to).
        deadline: how long after its beginning the roll-out is over and everybody is asked.
    """

    per_hour: int | None = None
    percent: int = 100
    groups: frozenset[str] = frozenset()
    quiet: tuple[time, time] | None = None
    zone: str = "UTC"
    deadline: timedelta = timedelta(days=14)

    KEYS: ClassVar[tuple[str, ...]] = ("per_hour", "percent", "groups", "quiet", "zone", "deadline")

    @classmethod
    def parse(cls, document: Mapping[str, object]) -> "Waves":
        """Return the waves that their part of a policy document states.

        Raises:
            PolicyError: the path is the setting's name.
        """
        for key in document:
            if key not in cls.KEYS:
                raise PolicyError(key, f"is not a setting of waves; {nearest(key, cls.KEYS)}")
        if not document:
            raise PolicyError("", "must say something; leave it out to ask everybody at once")
        return cls(
            per_hour=_number(document, "per_hour", None, most=1_000_000),
            percent=_number(document, "percent", 100, most=100) or 100,
            groups=_groups(document.get("groups", [])),
            quiet=_quiet(document.get("quiet")),
            zone=_zone(document.get("zone", "UTC")),
            deadline=_deadline(document.get("deadline", "P14D")),
        )

    def document(self) -> dict[str, object]:
        """Return the part of a policy document; `parse` gives the same waves back."""
        written: dict[str, object] = {
            "percent": self.percent,
            "groups": sorted(self.groups),
            "zone": self.zone,
            "deadline": write_duration(self.deadline),
        }
        if self.per_hour is not None:
            written["per_hour"] = self.per_hour
        if self.quiet is not None:
            written["quiet"] = "/".join(f"{moment:%H:%M}" for moment in self.quiet)
        return written

    def takes(self, groups: frozenset[str], share: int) -> bool:
        """Tell whether the roll-out has come to a user of these groups and this share (0 to 99)."""
        return share < self.percent and (not self.groups or not self.groups.isdisjoint(groups))

    def is_quiet(self, now: datetime) -> bool:
        """Tell whether nobody is asked at this time of day."""
        if self.quiet is None:
            return False
        begin, end = self.quiet
        at = now.astimezone(ZoneInfo(self.zone)).time()
        return begin <= at < end if begin < end else at >= begin or at < end

    def capacity(self) -> int | None:
        """Return how many users can be asked before the deadline; None for any number.

        An hour that is partly quiet counts with its part.
        """
        if self.per_hour is None:
            return None
        return int(self.per_hour * (self.deadline / _HOUR) * self._waking())

    def _waking(self) -> float:
        if self.quiet is None:
            return 1.0
        begin, end = (moment.hour * 60 + moment.minute for moment in self.quiet)
        return 1 - ((end - begin) % _DAY_MINUTES) / _DAY_MINUTES


def _number(
    document: Mapping[str, object], key: str, default: int | None, *, most: int
) -> int | None:
    value = document.get(key, default)
    if value is default:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise PolicyError(key, f"must be a whole number between 1 and {most}")
    return value


def _groups(value: object) -> frozenset[str]:
    if not isinstance(value, list | tuple) or len(value) > _MOST_GROUPS:
        raise PolicyError("groups", "must be a list of group names")
    if not all(isinstance(name, str) and fold(name).strip() for name in value):
        raise PolicyError("groups", "must be a list of group names")
    return frozenset(fold(name).strip() for name in value)


def _quiet(value: object) -> tuple[time, time] | None:
    if value is None:
        return None
    match = _QUIET.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise PolicyError("quiet", 'must be two times of day such as "22:00/06:00"')
    hour, minute, end_hour, end_minute = (int(number) for number in match.groups())
    begin, end = time(hour, minute), time(end_hour, end_minute)
    if begin == end:
        raise PolicyError("quiet", "must leave some time in which users are asked")
    return begin, end


def _zone(value: object) -> str:
    try:
        return ZoneInfo(value if isinstance(value, str) else "").key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PolicyError("zone", 'must be a time zone such as "Pacific/Auckland"') from None


def _deadline(value: object) -> timedelta:
    try:
        span = read_duration(value)
    except PolicyError as error:
        raise PolicyError("deadline", error.reason) from None
    if span < _HOUR:
        raise PolicyError("deadline", "must be at least PT1H")
    return span
