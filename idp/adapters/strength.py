"""How hard a password is to guess, by the zxcvbn estimate."""

import re
from collections.abc import Iterable

from zxcvbn_rs_py import zxcvbn

_MOST_CHARACTERS = 64
"""Enough for the best score several times over; the time grows with the square of the length."""
_PARTS = re.compile(r"[^\W_]+")


class ZxcvbnMeter:
    """The port `idp.core.ports.StrengthMeter`; looks at the first 64 characters only."""

    def score(self, password: str, words: Iterable[str]) -> int:
        """Return 0 to 4; a word counts whole and in its parts."""
        known = {form for word in words if word for form in (word, *_PARTS.findall(word))}
        return int(zxcvbn(password[:_MOST_CHARACTERS], sorted(known)).score)
