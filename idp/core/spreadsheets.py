"""Cells that a spreadsheet will not take for a formula, and back again.

A cell that begins with `= + - @`, a tab or a line break is run by spreadsheets when they open the
file. An apostrophe before it makes it text. One is added on the way out and taken off on the way
in, so that a file of ours reads back as it was.
"""

import re

_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def guard_cell(text: str) -> str:
    """Return `text` so that no spreadsheet runs it.

    Spec: OWASP ASVS 1.2.10.
    """
    return f"'{text}" if _FORMULA.match(text) else text


def unguard_cell(text: str) -> str:
    """Return what `guard_cell` was given; a text from elsewhere stays as it is."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text
