"""How answers look: JSON documents, tables, progress; never a control character from the data."""

import dataclasses
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol

import click

from idp.durations import format_duration

_PLAIN_STEPS = 10


class Progress(Protocol):
    """Takes how much of the work is done."""

    def __call__(self, done: int, total: int | None = None) -> None:
        """Show that `done` of `total` (the one given at the start, if absent) are done."""
        ...


def printable(value: object) -> str:
    """Return `value` as one line of text in which control characters are escaped."""
    text = "" if value is None else str(value)
    return "".join(
        mark if mark.isprintable() else mark.encode("unicode_escape", "backslashreplace").decode()
        for mark in text
    )


def printable_lines(text: str) -> str:
    """Return `text` with its line breaks; other control characters are escaped."""
    return "\n".join(map(printable, text.split("\n")))


def json_text(value: object) -> str:
    """Return one JSON document: frozen dataclasses as objects, moments and durations ISO 8601."""
    text = json.dumps(_plain(value), ensure_ascii=False, indent=2)
    # JSON lets through what steers a terminal beyond ASCII, such as U+009B, and DEL.
    return "\n".join(map(_with_escapes, text.split("\n")))


def _with_escapes(line: str) -> str:
    """Return a line of a JSON document with everything escaped that no terminal should get."""
    if line.isprintable():
        return line
    return "".join(mark if mark.isprintable() else json.dumps(mark)[1:-1] for mark in line)


def _plain(value: object) -> object:
    match value:
        case Enum():
            return _plain(value.value)
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case Set():
            return sorted(map(str, value))
        case list() | tuple():
            return [_plain(item) for item in value]
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = dataclasses.fields(value)
            return {field.name: _plain(getattr(value, field.name)) for field in fields}
        case _:
            return _plain_scalar(value)


def _plain_scalar(value: object) -> object:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case timedelta():
            return format_duration(value)
        case _:
            msg = f"{type(value).__name__} has no JSON form"
            raise TypeError(msg)


def print_table(rows: Iterable[Sequence[object]], columns: Sequence[str]) -> None:
    """Print rows under their headings: drawn on a terminal, tab-separated elsewhere."""
    lines = [[_cell(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _draw(lines, columns)
        return
    click.echo("\t".join(columns))
    for line in lines:
        click.echo("\t".join(line))


def _cell(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M:%SZ")
        case timedelta():
            return format_duration(value)
        case list() | tuple() | Set():
            return ", ".join(printable(item) for item in value)
        case _:
            return printable(value)


def _draw(lines: list[list[str]], columns: Sequence[str]) -> None:
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 - only a terminal pays for it
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for line in lines:
        table.add_row(*map(Text, line))
    Console().print(table)


@contextmanager
def progress(label: str, total: int | None) -> Iterator[Progress]:
    """Show how far long work is, on stderr: a bar on a terminal, about ten lines elsewhere.

    Without a total, which nobody knows then, the lines tell each doubling.
    """
    if not sys.stderr.isatty():
        yield _PlainProgress(label, total)
        return
    from rich.console import Console  # noqa: PLC0415 - only a terminal pays for it
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn  # noqa: PLC0415
    from rich.progress import Progress as Bar  # noqa: PLC0415

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Bar(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(label, total=total)

        def show(done: int, total: int | None = None) -> None:
            bar.update(task, completed=done, total=total)

        yield show


class _PlainProgress:
    def __init__(self, label: str, total: int | None) -> None:
        self._label = label
        self._total = total
        self._step = -1

    def __call__(self, done: int, total: int | None = None) -> None:
        self._total = total if total is not None else self._total
        is_known = self._total is not None
        step = done * _PLAIN_STEPS // max(self._total or 0, 1) if is_known else done.bit_length()
        if step > self._step:
            self._step = step
            whole = f" of {self._total}" if is_known else ""
            click.echo(f"{self._label}: {done}{whole}", err=True)
