"""Distinguished names and filters, as text that can be compared and sent.

Spec: RFC 4514; RFC 4515 3; RFC 4518 2.
"""

import re
import unicodedata
from functools import lru_cache

from connectors.ldap import ber
from connectors.records import Address

_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.@")
_TYPE = re.compile(r"\s*([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)*)\s*=\s*")
_PAIR = re.compile(rb"\\([0-9A-Fa-f]{2}|.)", re.DOTALL)
_PIECE = re.compile(r"(?:\\.|[^\\,;+])*", re.DOTALL)
_QUOTED = re.compile(r'"((?:\\.|[^"\\])*)"\s*', re.DOTALL)
_TO_ESCAPE = re.compile(r'[,+"\\<>;#=\x00]')
_SIMPLE = re.compile(r"[A-Za-z0-9._@-]+")
_KEPT = 1024
"""Places that are not worked out again: all of a directory's entries lie in the same ones."""
_MOST_KEPT_CHARACTERS = 1000
_STRING_TAGS = frozenset({ber.OCTET_STRING, 0x0C, 0x13, 0x16})


class BadNameError(ValueError):
    """Text that is no distinguished name."""


def normalise_dn(dn: str) -> Address:
    """Return a name so that two spellings of one place are equal.

    Types and values in small letters, spaces where they mean nothing removed, escapes in one form,
    the parts of a multi-valued RDN in order.

    Raises:
        BadNameError: it is no distinguished name.
    """
    if not dn.strip():
        return Address("")
    rdn, rest = _read_rdn(dn, 0)
    if rest is None:
        return Address(rdn)
    is_kept = len(dn) - rest <= _MOST_KEPT_CHARACTERS
    return Address(f"{rdn},{(_normalise_kept if is_kept else _normalise_place)(dn[rest:])}")


def is_within(address: Address, base: Address) -> bool:
    """Tell whether a place is `base` or lies below it."""
    return not base or address == base or address.endswith(f",{base}")


def escape_value(value: bytes) -> str:
    """Return a value for a filter, with everything escaped that is not plain."""
    return "".join(chr(byte) if byte in _PLAIN else f"\\{byte:02x}" for byte in value)


def _normalise_place(dn: str) -> str:
    """Return a name, normalised; it is not empty."""
    rdns: list[str] = []
    at: int | None = 0
    while at is not None:
        rdn, at = _read_rdn(dn, at)
        rdns.append(rdn)
    return ",".join(rdns)


_normalise_kept = lru_cache(_KEPT)(_normalise_place)


def _read_rdn(dn: str, at: int) -> tuple[str, int | None]:
    """Return the RDN from `at` on, normalised, and where the next begins; None for the last."""
    parts: list[str] = []
    separator = "+"
    while separator == "+":
        part, at = _read_part(dn, at)
        parts.append(part)
        separator, at = dn[at : at + 1], at + 1
    return "+".join(sorted(parts)), at if separator else None


def _read_part(dn: str, at: int) -> tuple[str, int]:
    """Return `type=value`, normalised, from `at` on, and where it ends."""
    kind = _TYPE.match(dn, at)
    if kind is None:
        reason = "no type and `=` where they must be"
        raise BadNameError(reason)
    quoted = _QUOTED.match(dn, kind.end())
    piece = quoted or _PIECE.match(dn, kind.end())
    if piece is None or dn[piece.end() : piece.end() + 1] not in {"", ",", ";", "+"}:
        reason = "a value that does not end"
        raise BadNameError(reason)
    raw = quoted[1] if quoted else piece[0]
    return f"{kind[1].lower()}={_normalise_value(raw, is_quoted=bool(quoted))}", piece.end()


def _normalise_value(raw: str, *, is_quoted: bool) -> str:
    if _SIMPLE.fullmatch(raw):
        return raw.lower()
    if raw.lstrip().startswith("#") and not is_quoted:
        value = _read_hex(raw.strip()[1:])
    else:
        try:
            value = _PAIR.sub(_unescape, raw.encode()).decode()
        except UnicodeError as error:
            reason = "a value that is no text"
            raise BadNameError(reason) from error
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).casefold())
    return _TO_ESCAPE.sub(lambda found: f"\\{ord(found[0]):02x}", " ".join(folded.split()))


def _unescape(found: re.Match[bytes]) -> bytes:
    escaped = found[1]
    return bytes.fromhex(escaped.decode()) if len(escaped) == 2 else escaped  # noqa: PLR2004 - hex


def _read_hex(digits: str) -> str:
    try:
        [element] = ber.read_all(bytes.fromhex(digits))
        if element.tag not in _STRING_TAGS:
            return f"#{digits}"
        return element.value.decode()
    except (ValueError, UnicodeError) as error:
        reason = "a value in hexadecimal digits that is none"
        raise BadNameError(reason) from error
