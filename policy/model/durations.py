"""Lengths of time as a policy document has them (ISO 8601)."""

import re
from datetime import timedelta

from policy.model.errors import PolicyError

_DURATION = re.compile(
    r"P(?:(?P<weeks>\d{1,5})W"
    r"|(?:(?P<days>\d{1,5})D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d{1,5})H)?(?:(?P<minutes>\d{1,5})M)?(?:(?P<seconds>\d{1,5})S)?)?)",
    re.ASCII,
)


def read_duration(value: object) -> timedelta:
    """Return the length of time that an ISO 8601 duration of weeks, or days and time, names.

    Raises:
        PolicyError: with an empty path. Years and months are refused: they have no fixed length.
    """
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    given = {unit: int(n) for unit, n in match.groupdict().items() if n} if match else {}
    if not given:
        raise PolicyError("", 'must be an ISO 8601 duration such as "P30D" or "PT12H"')
    return timedelta(**given)


def write_duration(span: timedelta) -> str:
    """Return the ISO 8601 form of a length of time of whole seconds."""
    minutes, seconds = divmod(span.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    time = "".join(f"{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if n)
    if not time:
        return f"P{span.days}D"
    return f"P{span.days}DT{time}" if span.days else f"PT{time}"
