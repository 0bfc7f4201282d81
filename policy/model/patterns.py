"""Patterns over whole passwords: `*` any run, `?` one character, `#` one digit.

All patterns are followed at once, a bit of one number for each place in a pattern. A password
of n characters therefore takes n steps whatever the patterns are: nothing is tried twice.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

_ANY_RUN, _ANY, _DIGIT = "*", "?", "#"
_WILD = frozenset({_ANY_RUN, _ANY, _DIGIT})
_RUNS = re.compile(r"\*+")


def plain_pattern(pattern: str) -> str:
    """Return the pattern with runs of `*` written as one."""
    return _RUNS.sub(_ANY_RUN, pattern)


def has_literal(pattern: str) -> bool:
    """Tell whether a pattern asks for a certain character anywhere, blanks apart."""
    return any(sign not in _WILD and not sign.isspace() for sign in pattern)


def matches_any(patterns: frozenset[str], text: str) -> bool:
    """Tell whether the whole of `text` is what one of the patterns says (both folded)."""
    net = _net(patterns)
    masks = {character: net.mask(character) for character in set(text)}
    places = net.starts
    for character in text:
        places = ((places & masks[character]) << 1) | (places & net.stays)
        if not places:
            return False
    return bool(places & net.ends)


@dataclass(frozen=True, slots=True)
class _Net:
    """The places of all patterns, one after the other, as bits of whole numbers.

    `starts` and `ends` are the places before the first and after the last character of each
    pattern, `stays` those where a `*` stands. Any character leads on from the places of `any`, a
    digit from those of `digits`, and one that patterns name from those that `takers` has for it.
    """

    size: int
    starts: int
    ends: int
    stays: int
    any: int
    digits: int
    takers: Mapping[str, list[int]]

    def mask(self, character: str) -> int:
        """Return the places that a character of a password leads on from.

        Only what patterns name the character at is counted out, and each place names one.
        """
        places = self.any | self.digits if character.isdecimal() else self.any
        named = self.takers.get(character)
        return places | _bits(self.size, named) if named else places


@lru_cache(maxsize=16)
def _net(patterns: frozenset[str]) -> _Net:
    starts, ends, stays = [], [], []
    takers: dict[str, list[int]] = {}
    place = 0
    for pattern in patterns:
        starts.append(place)
        for sign in pattern:
            if sign == _ANY_RUN:
                stays.append(place)
                continue
            takers.setdefault(sign, []).append(place)
            place += 1
        ends.append(place)
        place += 1
    return _Net(
        size=place,
        starts=_bits(place, starts),
        ends=_bits(place, ends),
        stays=_bits(place, stays),
        any=_bits(place, takers.pop(_ANY, ())),
        digits=_bits(place, takers.pop(_DIGIT, ())),
        takers=takers,
    )


def _bits(size: int, places: Iterable[int]) -> int:
    """Return the number with these bits set; in one go, for adding up would take a copy each."""
    octets = bytearray(size // 8 + 1)
    for place in places:
        octets[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(octets, "little")
