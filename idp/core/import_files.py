"""CSV files of users, read row by row: a row that cannot be read costs that row and no other.

Memory stays the same however long the file is, and whatever is in it: an open quotation mark, a
cell of a megabyte, bytes that are no text.
"""

import csv
import difflib
import io
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from idp.core.spreadsheets import unguard_cell
from idp.errors import InvalidInput

COLUMNS = (
    "username",
    "email",
    "email_verified",
    "given_name",
    "family_name",
    "name",
    "phone_number",
    "locale",
    "zoneinfo",
    "status",
    "groups",
    "password",
    "password_hash",
    "password_set_at",
    "must_change",
    "external_id",
    "claims",
)
"""The columns of a file of users, in the order of an export (CONTRACT 2)."""
SECRET_COLUMNS = frozenset({"password", "password_hash"})
"""Columns that never leave the house again."""

_MOST_CHARACTERS = 64 * 1024
_MOST_LINES = 100
_NOT_TEXT = "\ufffd"


@dataclass(frozen=True, slots=True)
class SourceRow:
    """The cells of one row, by column; `line` counts from 1."""

    line: int
    cells: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is refused, and why; `cells` as far as they could be told apart."""

    line: int
    reason: str
    cells: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: str
    is_whole: bool


class _Broken(Exception):  # noqa: N818 - tells why a record cannot be read
    pass


class UserFile:
    """An opened CSV file whose header is understood.

    Attributes:
        columns: the header.

    Spec: RFC 4180, with any line ends; UTF-8 (with or without a mark) or UTF-16 with a mark.
    """

    def __init__(self, stream: io.BufferedReader) -> None:
        """Read the header.

        Raises:
            InvalidInput: `import.bad_header`, with the `reason` in words.
        """
        self._lines = _Lines(stream)
        self.columns = _read_header(self._lines)

    def rows(self) -> Iterator[SourceRow | BadRow]:
        """Yield every row that is not blank."""
        while (first := self._lines.take()) is not None:
            if not first.text.strip():
                continue
            self._lines.put_back([first])
            pulled: list[_Line] = []
            try:
                cells = next(csv.reader(_pull(self._lines, pulled), strict=True))
                yield SourceRow(first.number, self._by_column(cells))
            except (_Broken, csv.Error) as error:
                # Whatever opened a quotation mark may have swallowed good rows: read them again.
                self._lines.put_back(pulled[1:])
                yield BadRow(first.number, str(error) or "cannot be read")

    def _by_column(self, cells: list[str]) -> Mapping[str, str]:
        if len(cells) != len(self.columns):
            msg = f"has {len(cells)} cells; the header has {len(self.columns)}"
            raise _Broken(msg)
        row = dict(zip(self.columns, cells, strict=True))
        for column, cell in row.items():
            if column != "claims" and ("\n" in cell or "\r" in cell):
                msg = f"{column}: has a line break (is a quotation mark left open?)"
                raise _Broken(msg)
            if _NOT_TEXT in cell:
                msg = f"{column}: is not UTF-8 text (save the file as CSV UTF-8)"
                raise _Broken(msg)
        return {column: _clean(column, cell) for column, cell in row.items()}


class _Lines:
    """The lines of a file, each bounded; lines can be put back."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self._text = io.TextIOWrapper(
            stream, encoding=_encoding(stream), errors="replace", newline=""
        )
        self._waiting: deque[_Line] = deque()
        self._number = 0

    def take(self) -> _Line | None:
        if self._waiting:
            return self._waiting.popleft()
        text = self._text.readline(_MOST_CHARACTERS)
        if not text:
            return None
        self._number += 1
        is_whole = len(text) < _MOST_CHARACTERS or text.endswith(("\n", "\r"))
        if not is_whole:
            self._skip_rest()
        return _Line(self._number, text, is_whole)

    def put_back(self, lines: list[_Line]) -> None:
        self._waiting.extendleft(reversed(lines))

    def _skip_rest(self) -> None:
        while rest := self._text.readline(_MOST_CHARACTERS):
            if rest.endswith(("\n", "\r")):
                return


def _pull(lines: _Lines, pulled: list[_Line]) -> Iterator[str]:
    """Yield the lines that one record asks for, and note them."""
    size = 0
    for _ in range(_MOST_LINES):
        line = lines.take()
        if line is None:
            return
        pulled.append(line)
        size += len(line.text)
        if not line.is_whole or size > _MOST_CHARACTERS:
            msg = f"is longer than {_MOST_CHARACTERS} characters"
            raise _Broken(msg)
        yield line.text
    raise _Broken("goes on over too many lines (is a quotation mark left open?)")


def _read_header(lines: _Lines) -> tuple[str, ...]:
    pulled: list[_Line] = []
    try:
        cells = next(csv.reader(_pull(lines, pulled), strict=True), [])
    except (_Broken, csv.Error) as error:
        reason = f"the header {error}"
        raise _bad_header(reason) from error
    columns = tuple(cell.strip().casefold() for cell in cells)
    if not any(columns):
        reason = f"the file must begin with a header row such as {','.join(COLUMNS)}"
        raise _bad_header(reason)
    if any(_NOT_TEXT in column for column in columns):
        raise _bad_header("it is not UTF-8 text (save the file as CSV UTF-8)")
    for column in columns:
        if column not in COLUMNS:
            raise _bad_header(_unknown_column(column, alone=len(columns) == 1))
    if len(set(columns)) != len(columns):
        raise _bad_header("a column stands there twice")
    if not {"username", "email", "external_id"} & set(columns):
        raise _bad_header("there must be a column username, or one of email and external_id")
    return columns


def _unknown_column(column: str, *, alone: bool) -> str:
    if alone and any(mark in column for mark in ";\t|"):
        return "the columns must be separated by commas"
    near = difflib.get_close_matches(column, COLUMNS, n=1)
    hint = f'did you mean "{near[0]}"?' if near else f"there are: {', '.join(COLUMNS)}"
    return f'no column "{column[:64]}"; {hint}'


def _bad_header(reason: str) -> InvalidInput:
    return InvalidInput("import.bad_header", reason=reason)


def _encoding(stream: io.BufferedReader) -> str:
    start = stream.peek(4)[:4]
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    return "utf-8-sig"


def _clean(column: str, cell: str) -> str:
    return cell if column in SECRET_COLUMNS else unguard_cell(cell.strip(" ")).strip()
