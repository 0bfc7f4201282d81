"""As much BER as the controls of LDAP need: tag, definite length, value.

Spec: X.690 8.1; RFC 4511 5.1.
"""

from collections.abc import Iterator
from dataclasses import dataclass

BOOLEAN = 0x01
INTEGER = 0x02
OCTET_STRING = 0x04
ENUMERATED = 0x0A
SEQUENCE = 0x30
SET = 0x31

_LONG = 0x80
_TAG_MORE = 0x1F
_MOST_LENGTH_BYTES = 4


class BerError(ValueError):
    """Bytes that are no BER, or not what was expected there."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element; of a constructed one, `value` is the encoding of what is in it."""

    tag: int
    value: bytes

    def number(self) -> int:
        """Return the value as an integer (also of an enumeration)."""
        if not 1 <= len(self.value) <= 8:  # noqa: PLR2004 - 64 bits, more is nonsense here
            reason = "an integer of no or too many bytes"
            raise BerError(reason)
        return int.from_bytes(self.value, "big", signed=True)

    def truth(self) -> bool:
        """Return the value as a boolean; whatever is not zero is true."""
        if len(self.value) != 1:
            reason = "a boolean is one byte"
            raise BerError(reason)
        return self.value != b"\0"

    def inside(self) -> tuple["Element", ...]:
        """Return the elements within a constructed one."""
        return tuple(read_all(self.value))


def read_all(data: bytes) -> Iterator[Element]:
    """Yield the elements that lie one after another in `data`.

    Raises:
        BerError: the bytes end within an element, or the length is of a form LDAP does not use.
    """
    at = 0
    while at < len(data):
        tag, start, end = _read_header(data, at)
        if end > len(data):
            reason = "the bytes end within an element"
            raise BerError(reason)
        yield Element(tag, data[start:end])
        at = end


def read_one(data: bytes, tag: int) -> Element:
    """Return the only element in `data`, which must have `tag`.

    Raises:
        BerError: it is something else, or not alone.
    """
    found = tuple(read_all(data))
    if len(found) != 1 or found[0].tag != tag:
        reason = f"one element with tag {tag:#04x} was expected"
        raise BerError(reason)
    return found[0]


def write(tag: int, *parts: bytes) -> bytes:
    """Return an element of `tag` whose value is `parts` joined."""
    value = b"".join(parts)
    return bytes([tag]) + _write_length(len(value)) + value


def write_integer(number: int, tag: int = INTEGER) -> bytes:
    """Return an integer that is not negative, in as few bytes as there can be."""
    return write(tag, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def write_boolean(*, value: bool) -> bytes:
    """Return a boolean; true is 255 (RFC 4511 5.1)."""
    return write(BOOLEAN, b"\xff" if value else b"\0")


def _read_header(data: bytes, at: int) -> tuple[int, int, int]:
    """Return tag, start and end of the value of the element at `at`."""
    if len(data) < at + 2 or data[at] & _TAG_MORE == _TAG_MORE:
        reason = "no element begins here"
        raise BerError(reason)
    tag, first, start = data[at], data[at + 1], at + 2
    if first < _LONG:
        return tag, start, start + first
    count = first - _LONG
    if not 1 <= count <= _MOST_LENGTH_BYTES or start + count > len(data):
        reason = "a length of a form that LDAP does not use"
        raise BerError(reason)
    length = int.from_bytes(data[start : start + count], "big")
    return tag, start + count, start + count + length


def _write_length(length: int) -> bytes:
    if length < _LONG:
        return bytes([length])
    digits = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([_LONG + len(digits)]) + digits
