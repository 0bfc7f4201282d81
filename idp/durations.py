"""Durations as people write them in the configuration and the API: ISO 8601, e.g. `PT5M`."""

import re
from datetime import timedelta

_FORM = re.compile(
    r"P(?:(?P<weeks>\d{1,6})W)?(?:(?P<days>\d{1,6})D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d{1,9})H)?(?:(?P<minutes>\d{1,9})M)?(?:(?P<seconds>\d{1,9})S)?)?",
    re.ASCII,
)


def parse_duration(text: str) -> timedelta:
    """Return the length of an ISO 8601 duration of whole weeks, days, hours, minutes, seconds.

    Years and months are refused: they have no fixed length.

    Raises:
        ValueError: `text` is not such a duration.

    Spec: ISO 8601-1 5.5.2.
    """
    found = _FORM.fullmatch(text)
    parts = (
        {unit: int(count) for unit, count in found.groupdict("").items() if count} if found else {}
    )
    if not parts:
        reason = "must be a duration such as PT5M, PT8H or P14D (no years or months)"
        raise ValueError(reason)
    return timedelta(**parts)


def format_duration(length: timedelta) -> str:
    """Return the shortest form that `parse_duration` reads back, in days down to seconds.

    Raises:
        ValueError: `length` is negative or not a whole number of seconds.
    """
    if length < timedelta(0) or length.microseconds:
        reason = "only whole, non-negative seconds can be written"
        raise ValueError(reason)
    hours, rest = divmod(length.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    days = f"{length.days}D" if length.days else ""
    units = ((hours, "H"), (minutes, "M"), (seconds, "S"))
    time = "".join(f"{count}{unit}" for count, unit in units if count)
    if not days and not time:
        return "PT0S"
    return f"P{days}T{time}" if time else f"P{days}"
