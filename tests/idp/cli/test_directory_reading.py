"""How far a directory is read: told to who waits for it, and to who asks."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from connectors import registry
from connectors.csvfile import CsvRead
from connectors.port import DirectorySource, Now
from connectors.records import DirectoryEntry, RejectedEntry
from idp.clock import FakeClock
from tests.support.commands import run_command
from tests.support.waiting import wait_until
from tests.support.world import World, open_world

PEOPLE = 2_500
CORP = "corp"


class _Watched(CsvRead):
    """Tells its last accounts once somebody was told of the first ones."""

    told: str = ""

    def entries(self) -> Iterator[DirectoryEntry | RejectedEntry]:
        for number, entry in enumerate(super().entries()):
            if number == PEOPLE - 1:
                wait_until(lambda: "accounts read: " in _stderr(), what="word of the first ones")
                _Watched.told = _stderr()
            yield entry


def _stderr() -> str:
    """Return what the command said so far."""
    return bytes(sys.stderr.buffer.getvalue()).decode()  # type: ignore[union-attr]


def open_watched(settings: Mapping[str, object], *, now: Now) -> DirectorySource:
    source = registry.open_source("csv", settings, now=now)

    @contextmanager
    def read() -> Iterator[CsvRead]:
        yield _Watched(source._rows())  # type: ignore[attr-defined]

    source.read = read  # type: ignore[method-assign]
    return source


@pytest.fixture
def world(
    sqlite_url: str, clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    file = tmp_path / "people.csv"
    lines = [f"i{number},u{number}" for number in range(PEOPLE)]
    file.write_text("\n".join(("id,login", *lines, "")), encoding="utf-8")
    monkeypatch.setitem(registry.CONNECTORS, "watched", f"{__name__}:open_watched")
    table = {"kind": "watched", "path": str(file)}
    with open_world(sqlite_url, clock, settings={"connectors": {CORP: table}}) as opened:
        yield opened


def test_who_waits_for_a_plan_is_told_how_many_accounts_were_read(world: World) -> None:
    planned = run_command(world.runtime, "directory", "plan", "--connector", CORP)

    assert planned.exit_code == 0, planned.stderr
    assert _Watched.told.splitlines()[0] in ("accounts read: 1000", "accounts read: 2000")


def test_the_next_one_is_told_of_how_many(world: World) -> None:
    done = run_command(world.runtime, "directory", "sync", "--connector", CORP, "--yes")
    assert done.exit_code == 0, done.stderr
    world.advance(minutes=5)

    planned = run_command(world.runtime, "directory", "plan", "--connector", CORP)

    assert planned.exit_code == 0, planned.stderr
    assert _Watched.told.splitlines()[0] in (
        "accounts read: 1000 of 2500",
        "accounts read: 2000 of 2500",
    )
