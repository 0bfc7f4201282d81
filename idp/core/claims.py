"""The further standard claims about a person, beyond those that users have as columns."""

import json
import re
from collections.abc import Callable, Mapping

from idp.core.spellings import find_bad_text

_MOST_BYTES = 8192
_MOST_TEXT = 1024
_DATE = re.compile(r"\d{4}(?:-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))?", re.ASCII)
_WEB = re.compile(r"https?://[^\s/?#@\\]+(?:[/?#][^\s\\]*)?", re.ASCII | re.IGNORECASE)
_ADDRESS_PARTS = frozenset(
    {"formatted", "street_address", "locality", "region", "postal_code", "country"}
)

Check = Callable[[object], str | None]
"""Returns what is wrong with a value, in words, or None."""


def find_bad_claims(claims: Mapping[str, object]) -> str | None:
    """Return what is wrong with a user's further claims, in words, or None.

    Spec: OIDC Core 5.1, 5.1.1.
    """
    for name, value in claims.items():
        check = _CHECKS.get(name)
        if check is None:
            return f"{name[:64]!r} is not a further standard claim ({', '.join(_CHECKS)})"
        wrong = check(value)
        if wrong:
            return f"{name}: {wrong}"
    if len(json.dumps(claims).encode()) > _MOST_BYTES:
        return f"must not be longer than {_MOST_BYTES} bytes"
    return None


def parse_claims(text: str) -> dict[str, object]:
    """Return the JSON object in `text`.

    Raises:
        ValueError: it is not one, or it names a member twice.
    """
    try:
        claims = json.loads(text, object_pairs_hook=_without_doubles, parse_constant=_no_constant)
    except RecursionError as error:
        raise ValueError("is nested too deeply") from error
    if not isinstance(claims, dict):
        reason = "must be a JSON object"
        raise ValueError(reason)  # noqa: TRY004 - the text is wrong, not its type
    return claims


def _without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("names a member twice")
    return members


def _no_constant(name: str) -> object:
    reason = f"{name} is not JSON"
    raise ValueError(reason)


def _check_text(value: object) -> str | None:
    if not isinstance(value, str) or not 1 <= len(value) <= _MOST_TEXT:
        return f"must be text of 1 to {_MOST_TEXT} characters"
    return find_bad_text(value)


def _check_lines(value: object) -> str | None:
    return _check_text(" ".join(value.splitlines()) if isinstance(value, str) else value)


def _check_web(value: object) -> str | None:
    if _check_text(value) or not _WEB.fullmatch(str(value)):
        return "must be an http or https address"
    return None


def _check_date(value: object) -> str | None:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return "must be a date such as 1990-12-31, 0000-12-31 or 1990"
    return None


def _check_flag(value: object) -> str | None:
    return None if isinstance(value, bool) else "must be true or false"


def _check_address(value: object) -> str | None:
    if not isinstance(value, dict) or not value or not value.keys() <= _ADDRESS_PARTS:
        return f"must be an object of {', '.join(sorted(_ADDRESS_PARTS))}"
    wrong = ((part, _check_lines(text)) for part, text in value.items())
    return next((f"{part} {reason}" for part, reason in wrong if reason), None)


_CHECKS: Mapping[str, Check] = {
    "middle_name": _check_text,
    "nickname": _check_text,
    "preferred_username": _check_text,
    "profile": _check_web,
    "picture": _check_web,
    "website": _check_web,
    "gender": _check_text,
    "birthdate": _check_date,
    "phone_number_verified": _check_flag,
    "address": _check_address,
}
