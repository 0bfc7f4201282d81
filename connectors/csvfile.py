"""A CSV file as a directory: one line per account, read anew each time.

The first line names the columns. `id` and `login` must be there; `enabled`, `must_change` and
`groups` (names, separated by `;`) may be; every other column is an attribute. A line that cannot be
an account keeps its groups as long as it has an id.
"""

import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from connectors.names import is_name
from connectors.port import (
    CursorRefused,
    DirectoryMisconfigured,
    DirectoryUnavailable,
    LoginAmbiguous,
    Now,
)
from connectors.records import (
    Address,
    Cursor,
    DirectoryEntry,
    DirectoryGroup,
    DirectoryReport,
    RejectedEntry,
    Sighting,
)
from connectors.settings import Table

_NEEDED = ("id", "login")
_OWN = (*_NEEDED, "enabled", "must_change", "groups")
_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_FLAGS = (("enabled", "true"), ("must_change", "false"))
_SAMPLES = 5

_Row = dict[str | None, str | list[str] | None]
"""What the reader makes of a line: more cells than columns lie under None, missing ones are None.
"""


def open_directory(settings: Mapping[str, object], *, now: Now) -> "CsvDirectory":
    """Make a source of `path` and `delimiter`.

    Raises:
        SettingsRefused: with every mistake.
    """
    table = Table(settings)
    path = table.text("path")
    delimiter = table.choice("delimiter", (",", ";", "\t"), ",")
    table.finish()
    return CsvDirectory(Path(path), delimiter)


class CsvDirectory:
    """Reads accounts from one file; it verifies and writes nothing."""

    def __init__(self, path: Path, delimiter: str) -> None:
        self._path = path
        self._delimiter = delimiter

    @contextmanager
    def read(self) -> Iterator["CsvRead"]:
        """Read the file as it is now; a file that is replaced meanwhile is read to its old end."""
        yield CsvRead(self._rows())

    def find_by_login(self, login: str) -> DirectoryEntry | None:
        """Look up a login, in any case of its letters."""
        wanted = login.strip().casefold()
        found = [entry for entry in self._entries() if entry.login.casefold() == wanted]
        if len(found) > 1:
            reason = f"{len(found)} lines of {self._path} have one login"
            raise LoginAmbiguous(reason)
        return found[0] if found else None

    def find_by_id(self, stable_id: str) -> DirectoryEntry | None:
        """Look up an id."""
        return next((entry for entry in self._entries() if entry.stable_id == stable_id), None)

    def check(self) -> DirectoryReport:
        """Read the file to its end.

        Raises:
            DirectoryMisconfigured: it is no such file, or nobody is in it.
        """
        results = list(CsvRead(self._rows()).entries())
        entries = [result for result in results if isinstance(result, DirectoryEntry)]
        if not entries:
            reason = f"{self._path} has no account in it"
            raise DirectoryMisconfigured(reason)
        rejected = [f"{r.address}: {r.reason}" for r in results if isinstance(r, RejectedEntry)]
        return DirectoryReport(
            vendor="CSV file",
            server=str(self._path),
            samples=tuple(entries[:_SAMPLES]),
            warnings=tuple(rejected),
        )

    def close(self) -> None:
        """Hold nothing open, so close nothing."""

    def _entries(self) -> Iterator[DirectoryEntry]:
        results = CsvRead(self._rows()).entries()
        return (result for result in results if isinstance(result, DirectoryEntry))

    def _rows(self) -> list[_Row]:
        try:
            with self._path.open(encoding="utf-8-sig", newline="") as file:
                reader = csv.DictReader(file, delimiter=self._delimiter, strict=True)
                missing = [name for name in _NEEDED if name not in (reader.fieldnames or ())]
                if missing:
                    reason = f"{self._path} has no column {' and no column '.join(missing)}"
                    raise DirectoryMisconfigured(reason)
                return list(reader)
        except OSError as error:
            reason = f"{self._path} cannot be read: {error.strerror}"
            raise DirectoryUnavailable(reason) from error
        except (csv.Error, UnicodeDecodeError) as error:
            reason = f"{self._path} is no CSV file in UTF-8"
            raise DirectoryMisconfigured(reason) from error


class CsvRead:
    """One run over the lines of a file."""

    cursor: Cursor | None = None

    def __init__(self, rows: list[_Row]) -> None:
        self._rows = rows

    def entries(self) -> Iterator[DirectoryEntry | RejectedEntry]:
        """Yield each line's account; of two lines with one id the first."""
        return (found for found, _ in self._lines())

    def groups(self) -> Iterator[DirectoryGroup | RejectedEntry]:
        """Yield each group that a line names."""
        members: dict[Address, list[Address]] = {}
        for found, groups in self._lines():
            if found.stable_id is not None:
                for group in groups:
                    members.setdefault(group, []).append(Address(found.stable_id))
        for group, these in members.items():
            name = group.removeprefix("group ")
            if is_name(name):
                yield DirectoryGroup(stable_id=name, name=name, address=group, members=tuple(these))
            else:
                yield RejectedEntry(group, "its name has control characters, or is too long")

    def sweep(self) -> Iterator[Sighting | RejectedEntry]:
        """Yield each line's id."""
        for found in self.entries():
            if isinstance(found, RejectedEntry):
                yield found
            else:
                yield Sighting(found.stable_id, found.address)

    def changes(self, since: Cursor) -> NoReturn:
        """Refuse: a file does not tell what changed."""
        reason = f"a CSV file has no cursors, and {since!r} is none of it"
        raise CursorRefused(reason)

    def _lines(self) -> Iterator[tuple[DirectoryEntry | RejectedEntry, tuple[Address, ...]]]:
        """Yield what each line is, and the groups that it names."""
        seen: set[str] = set()
        for number, row in enumerate(self._rows, start=1):
            found = _read_row(number, row)
            if found.stable_id in seen:
                found = RejectedEntry(_line(number), "another line has its id")
            elif found.stable_id is not None:
                seen.add(found.stable_id)
            yield found, _groups(row)


def _read_row(number: int, row: _Row) -> DirectoryEntry | RejectedEntry:
    cells = {name: cell.strip() for name, cell in row.items() if name and isinstance(cell, str)}
    if None in row or len(cells) < len(row):
        return RejectedEntry(_line(number), "it has more or fewer cells than there are columns")
    if not all(cells[name] for name in _NEEDED):
        return RejectedEntry(_line(number), "it has no id or no login")
    if not is_name(cells["id"]):
        return RejectedEntry(_line(number), "its id has control characters, or is too long")
    if not is_name(cells["login"]):
        reason = "its login has control characters, or is too long"
        return RejectedEntry(_line(number), reason, cells["id"])
    flags = [_WORDS.get(cells.get(name, default).casefold() or default) for name, default in _FLAGS]
    if None in flags:
        return RejectedEntry(_line(number), "enabled and must_change are true or false")
    return DirectoryEntry(
        stable_id=cells["id"],
        login=cells["login"],
        address=Address(cells["id"]),
        attributes={
            name: (cell,)
            for name, cell in cells.items()
            if name not in _OWN and cell and is_name(name)
        },
        groups=_groups(row),
        is_enabled=flags[0] is True,
        must_change=flags[1] is True,
    )


def _groups(row: _Row) -> tuple[Address, ...]:
    cell = row.get("groups")
    names = (name.strip() for name in cell.split(";")) if isinstance(cell, str) else ()
    return tuple(Address(f"group {name}") for name in names if name)


def _line(number: int) -> Address:
    return Address(f"line {number + 1}")
