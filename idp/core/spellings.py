"""How a login name may be spelled, so that no two names look alike to people or to machines.

One script, no invisible or steering characters, no letters that pass for another one. That two
spellings of the same letters are one name is the business of `idp.core.names`.
"""

import unicodedata
from collections.abc import Callable

_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_HIDDEN_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_VARIATION_SELECTORS = ((0x180B, 0x180F), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF))
_STEERING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_PHONETIC = range(0x0250, 0x02B0)
_LOOK_ALIKES = frozenset("\u0131\u0237\u01c0\u01c3\ua78b\ua78c")
_MOST_MARKS = 2

# Scripts that one language writes side by side.
_TOGETHER = (
    frozenset({"CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "LATIN"}),
    frozenset({"CJK", "IDEOGRAPHIC", "HANGUL", "LATIN"}),
    frozenset({"CJK", "IDEOGRAPHIC", "BOPOMOFO", "LATIN"}),
)


def find_misspelling(name: str) -> str | None:
    """Return what is wrong with the spelling of a login name, in words, or None.

    Args:
        name: the name after NFKC and trimming.

    Spec: UTS 39 5.1 (single script), in a small form on the names of the characters.
    """
    if name.isascii() and name.isprintable() and "  " not in name:
        return None  # nearly every name, and quick
    return next((reason for is_wrong, reason in _CHECKS if is_wrong(name)), None)


def find_bad_text(text: str) -> str | None:
    """Return what is wrong with a line of text that people will read, in words, or None."""
    if text.isascii() and text.isprintable():
        return None
    for char in text:
        category = unicodedata.category(char)
        if category in ("Cc", "Cs", "Cn", "Zl", "Zp") or char in _STEERING:
            return "must not contain control characters or line breaks"
    return None


def _is_hidden(char: str) -> bool:
    if char in _HIDDEN_LETTERS or unicodedata.category(char) in _HIDDEN_CATEGORIES:
        return True
    return any(first <= ord(char) <= last for first, last in _VARIATION_SELECTORS)


def _has_piled_marks(name: str) -> bool:
    marks = 0
    for char in name:
        marks = marks + 1 if unicodedata.combining(char) else 0
        if marks > _MOST_MARKS:
            return True
    return False


def _is_one_writing(part: str) -> bool:
    scripts = {_script(char) for char in part if char.isalpha()}
    return len(scripts) <= 1 or any(scripts <= together for together in _TOGETHER)


def _script(char: str) -> str:
    return unicodedata.name(char, "?").partition(" ")[0]


def _has_odd_spaces(name: str) -> bool:
    return "  " in name or any(char.isspace() and char != " " for char in name)


def _has_look_alikes(name: str) -> bool:
    return any(char in _LOOK_ALIKES or ord(char) in _PHONETIC for char in name)


_CHECKS: tuple[tuple[Callable[[str], bool], str], ...] = (
    (
        lambda name: any(map(_is_hidden, name)),
        "must not contain control or invisible characters",
    ),
    (_has_odd_spaces, "must not contain line breaks, tabs or runs of spaces"),
    (_has_look_alikes, "must not contain letters that pass for another one"),
    (_has_piled_marks, "must not pile marks on one letter"),
    (
        lambda name: not all(map(_is_one_writing, name.split("@"))),
        "must not mix letters of different scripts",
    ),
)
