"""Cursors: where a page ended, opaque to the caller, checked when it comes back."""

import base64
import binascii
import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from idp.core.names import is_storable
from idp.errors import InvalidInput

T = TypeVar("T")
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_MOST_NUMBER = 2**31 - 1


def write_cursor(*parts: str | int) -> str:
    """Return a cursor that `read_cursor` takes apart again."""
    text = json.dumps(parts, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str, *kinds: type[str] | type[int]) -> list[str | int]:
    """Return the parts of a cursor.

    Raises:
        InvalidInput: `list.bad_cursor`, when no list ever gave such a cursor.
    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        parts = json.loads(raw.decode())
    except (ValueError, binascii.Error, RecursionError) as error:
        raise InvalidInput("list.bad_cursor") from error
    if not isinstance(parts, list) or [type(part) for part in parts] != list(kinds):
        raise InvalidInput("list.bad_cursor")
    if not all(map(_is_plausible, parts)):
        raise InvalidInput("list.bad_cursor")
    return parts


def read_id_cursor(cursor: str | None) -> str | None:
    """Return the id that a page ended with.

    Raises:
        InvalidInput: `list.bad_cursor`.
    """
    if cursor is None:
        return None
    [found] = read_cursor(cursor, str)
    return _checked_id(str(found))


def read_number_cursor(cursor: str | None) -> int | None:
    """Return the number that a page ended with.

    Raises:
        InvalidInput: `list.bad_cursor`.
    """
    if cursor is None:
        return None
    [found] = read_cursor(cursor, int)
    return int(found)


def read_moment_cursor(cursor: str) -> tuple[datetime, str]:
    """Return the moment and the id that a page ended with.

    Raises:
        InvalidInput: `list.bad_cursor`.
    """
    text, found = read_cursor(cursor, str, str)
    return _checked_moment(str(text)), _checked_id(str(found))


def read_time_cursor(cursor: str) -> datetime:
    """Return the moment that a page ended with.

    Raises:
        InvalidInput: `list.bad_cursor`.
    """
    [text] = read_cursor(cursor, str)
    return _checked_moment(str(text))


def cut(found: Sequence[T], limit: int, place: Callable[[T], str]) -> tuple[list[T], str | None]:
    """Return a page and the cursor of the next one, of entries read one more than `limit`."""
    page = list(found[:limit])
    return page, place(page[-1]) if len(found) > limit else None


def cut_whole(
    whole: Sequence[T], limit: int, cursor: str | None, key: Callable[[T], str]
) -> tuple[list[T], str | None]:
    """Return a page of a list that is read whole, in the order of `key`, which is unique in it.

    Raises:
        InvalidInput: `list.bad_cursor`.
    """
    ordered = sorted(whole, key=key)
    if cursor is not None:
        [after] = read_cursor(cursor, str)
        ordered = [item for item in ordered if key(item) > str(after)]
    return cut(ordered[: limit + 1], limit, lambda item: write_cursor(key(item)))


def is_id(text: str) -> bool:
    """Tell whether `text` looks like the id of something."""
    return _ID.fullmatch(text) is not None


def _checked_moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise InvalidInput("list.bad_cursor")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidInput("list.bad_cursor") from error


def _checked_id(text: str) -> str:
    if not is_id(text):
        raise InvalidInput("list.bad_cursor")
    return text


def _is_plausible(part: str | int) -> bool:
    if isinstance(part, int):
        return 0 <= part <= _MOST_NUMBER
    return is_storable(part)
