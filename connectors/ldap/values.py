"""Raw values of attributes, and what single ones of them say."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

Attributes = Mapping[str, Sequence[bytes]]
"""Raw values by the name of their attribute in small letters."""

_TIME = re.compile(
    r"(?P<time>\d{10}(?:\d\d){0,2})(?:[.,](?P<fraction>\d+))?(?P<zone>Z|[+-]\d\d(?:\d\d)?)"
)
_DIGITS_BY_LENGTH = {10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
_FILE_TIME_BEGINS_AT = datetime(1601, 1, 1, tzinfo=UTC)
_FILE_TIMES_IN_A_MICROSECOND = 10


def first(attributes: Attributes, name: str) -> bytes | None:
    """Return the first value of an attribute, or None."""
    values = attributes.get(name.lower()) or ()
    return values[0] if values else None


def is_true(value: bytes | None) -> bool:
    """Tell whether a value is the boolean TRUE (RFC 4517 3.3.3)."""
    return value is not None and value.upper() == b"TRUE"


def read_integer(value: bytes | None) -> int | None:
    """Return a whole number, or None when it is none."""
    try:
        return None if value is None else int(value)
    except ValueError:
        return None


def read_time(value: bytes) -> datetime | None:
    """Return a generalised time, aware and UTC, or None when it is none that a calendar has.

    Spec: RFC 4517 3.3.13.
    """
    found = _TIME.fullmatch(value.decode("ascii", "replace"))
    if found is None:
        return None
    digits, zone = found["time"], found["zone"]
    try:
        moment = datetime.strptime(digits, _DIGITS_BY_LENGTH[len(digits)]).replace(tzinfo=UTC)
        return moment - _offset(zone)
    except (ValueError, OverflowError):
        return None


def write_time(moment: datetime) -> str:
    """Return a moment as a generalised time, in whole seconds."""
    return moment.astimezone(UTC).strftime("%Y%m%d%H%M%SZ")


def read_file_time(value: bytes | None) -> datetime | None:
    """Return a Windows file time, aware and UTC; None for 0, "never" and what no calendar has.

    Spec: MS-DTYP 2.3.3 (units of 100 ns since 1601).
    """
    count = read_integer(value)
    if count is None or count <= 0:
        return None
    try:
        return _FILE_TIME_BEGINS_AT + timedelta(microseconds=count // _FILE_TIMES_IN_A_MICROSECOND)
    except OverflowError:
        return None


def _offset(zone: str) -> timedelta:
    if zone == "Z":
        return timedelta()
    size = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5] or 0))
    return -size if zone[0] == "-" else size
