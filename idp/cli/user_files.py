"""`idp user import` and `export`: users from and to CSV files."""

import csv
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from idp.cli.base import CliContext, json_option, realm_option
from idp.cli.private_files import open_private, replacing
from idp.core.exports import EXPORT_COLUMNS, export_users
from idp.core.import_files import SECRET_COLUMNS, BadRow, UserFile
from idp.core.imports import ImportSummary, Listener, import_users
from idp.core.spreadsheets import guard_cell
from idp.core.work import HOST

if TYPE_CHECKING:
    from _csv import Writer

_PIECE = 1024 * 1024
_HIDDEN = "(not shown)"


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@realm_option
@json_option
@click.pass_obj
def import_command(context: CliContext, *, file: Path, realm: str, as_json: bool) -> None:
    """Create and change users as a CSV file says.

    Running it again changes nothing. An empty cell leaves a value as it is. Groups are separated
    by semicolons and made when there is none of that name. A password only counts for somebody who
    never had one. Refused rows go to FILE.rejected.csv with the reason; correct them in your own
    file and run it again.
    """
    name = context.realm(realm)
    runtime = context.runtime()
    rejects = _Rejects(_rejected_path(file))
    with file.open("rb") as stream, rejects.open():
        users = UserFile(stream)
        rejects.columns = users.columns
        with context.progress("lines", _count_lines(file)) as done:
            listener = Listener(rejected=rejects.write, done=done)
            summary = import_users(runtime, name, users.rows(), listener, actor=HOST)
    rejected_file = str(rejects.path) if summary.rejected else None
    if as_json:
        context.print_json(_document(summary) | {"rejected_file": rejected_file})
    else:
        _tell(context, summary)
    if rejected_file:
        context.say(f"the refused rows, with reasons: {rejected_file}")
    if summary.rejected and not summary.created + summary.updated + summary.unchanged:
        context.fail("every row was refused")


@click.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), default="-")
@realm_option
@click.pass_obj
def export_command(context: CliContext, *, file: Path, realm: str) -> None:
    """Write every user to a CSV file, or to standard output.

    The columns are those of the import, without secrets.
    """
    rows = export_users(context.runtime(), context.realm(realm))
    if str(file) == "-":
        _write_rows(csv.writer(sys.stdout, lineterminator="\n"), rows)
        return
    with replacing(file) as stream:
        count = _write_rows(csv.writer(stream), rows)
    context.say(f"users in {file}: {count}")


@dataclass(slots=True)
class _Rejects:
    """The file of refused rows: made with the first one, and away when there is none."""

    path: Path
    columns: tuple[str, ...] = ()
    _stream: IO[str] | None = field(default=None)
    _writer: "Writer | None" = field(default=None)

    @contextmanager
    def open(self) -> Iterator[None]:
        self.path.unlink(missing_ok=True)
        try:
            yield
        finally:
            if self._stream is not None:
                self._stream.close()

    def write(self, bad: BadRow) -> None:
        if self._writer is None:
            self._stream = open_private(self.path)
            self._writer = csv.writer(self._stream)
            self._writer.writerow(("line", "reason", *self.columns))
        cells = (_shown(column, bad.cells.get(column, "")) for column in self.columns)
        self._writer.writerow((bad.line, guard_cell(bad.reason), *cells))


def _shown(column: str, cell: str) -> str:
    if column in SECRET_COLUMNS:
        return _HIDDEN if cell else ""
    return guard_cell(cell)


def _rejected_path(file: Path) -> Path:
    stem = file.stem if file.suffix.casefold() == ".csv" else file.name
    return file.with_name(f"{stem}.rejected.csv")


def _count_lines(file: Path) -> int:
    count, last = 0, b"\n"
    with file.open("rb") as stream:
        while piece := stream.read(_PIECE):
            count, last = count + piece.count(b"\n"), piece[-1:]
    return count + (last != b"\n")


def _write_rows(writer: "Writer", rows: Iterable[list[str]]) -> int:
    writer.writerow(EXPORT_COLUMNS)
    count = 0
    for count, row in enumerate(rows, start=1):  # noqa: B007 - counts
        writer.writerow(row)
    return count


def _document(summary: ImportSummary) -> dict[str, object]:
    return {
        "created": summary.created,
        "updated": summary.updated,
        "unchanged": summary.unchanged,
        "rejected": summary.rejected,
        "passwords_kept": summary.passwords_kept,
        "new_groups": summary.new_groups,
        "hashed": summary.hashed,
        "hashed_per_second": _speed(summary),
    }


def _speed(summary: ImportSummary) -> float | None:
    seconds = summary.hashing_time.total_seconds()
    return round(summary.hashed / seconds, 1) if summary.hashed and seconds else None


def _tell(context: CliContext, summary: ImportSummary) -> None:
    click.echo(
        f"created {summary.created}, updated {summary.updated}, "
        f"unchanged {summary.unchanged}, rejected {summary.rejected}"
    )
    if summary.new_groups:
        context.say(f"new groups: {', '.join(summary.new_groups)}")
    if summary.passwords_kept:
        context.say(
            "passwords of the file that were not used, because the user has one: "
            f"{summary.passwords_kept}"
        )
    if summary.hashed:
        context.say(f"passwords hashed: {summary.hashed}, {_speed(summary) or 'many'} a second")
