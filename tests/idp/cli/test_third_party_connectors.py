"""Kinds of directories that other distributions bring, found by their entry points."""

import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors.port import DirectoryMisconfigured
from connectors.registry import GROUP, open_source
from idp.clock import FakeClock
from idp.store.users import UserRow
from tests.support import ROOT
from tests.support.commands import run_command
from tests.support.world import World, open_world

PAGE = (ROOT / "docs" / "third-party-connectors.md").read_text(encoding="utf-8")
MODULE, OTHER = "acme_people", "beta_people"

Install = Callable[..., None]


def _blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


SOURCE = _blocks("python")[0]
PROJECT, CONFIGURATION = map(tomllib.loads, _blocks("toml"))
POINTS: dict[str, str] = PROJECT["project"]["entry-points"][GROUP]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Give a way to install a distribution for the length of a test."""

    def put(source: str = SOURCE, *, name: str = "acme-people", module: str = MODULE) -> None:
        folder = tmp_path / name
        information = folder / f"{name.replace('-', '_')}-1.0.dist-info"
        information.mkdir(parents=True)
        (folder / f"{module}.py").write_text(source, encoding="utf-8")
        (information / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        )
        lines = "".join(f"{kind} = {module}:open_directory\n" for kind in POINTS)
        (information / "entry_points.txt").write_text(f"[{GROUP}]\n{lines}")
        monkeypatch.syspath_prepend(folder)

    yield put
    for module in (MODULE, OTHER):
        sys.modules.pop(module, None)


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Give the file of the page's example, with two people of whom one has left."""
    path = tmp_path / "people.json"
    both = [
        {"number": 1, "login": "ada", "email": "ada@example.com", "name": "Ada", "employed": True},
        {"number": 2, "login": "bob", "email": "bob@example.com", "name": "Bob", "employed": False},
    ]
    path.write_text(json.dumps(both), encoding="utf-8")
    return path


@pytest.fixture
def world(sqlite_url: str, clock: FakeClock, people: Path, install: Install) -> Iterator[World]:
    """Give a product whose directory is the page's example, as its configuration says."""
    install()
    table = CONFIGURATION["connectors"]["office"] | {"path": str(people)}
    with open_world(sqlite_url, clock, settings={"connectors": {"office": table}}) as opened:
        yield opened


def test_a_directory_of_somebody_else_is_checked_and_synced(world: World) -> None:
    checked = run_command(world.runtime, "directory", "check", "--connector", "office")
    assert checked.exit_code == 0, checked.output
    assert "Acme" in checked.output

    run_command(world.runtime, "directory", "plan", "--connector", "office")
    done = run_command(world.runtime, "directory", "sync", "--connector", "office", "--yes")

    assert done.exit_code == 0, done.output
    with world.begin(write=False) as uow:
        found = {user.username: user.status for user in uow.db.query(UserRow)}
    assert (found["ada"], found["bob"]) == ("active", "inactive")


def _refusal(settings: dict[str, object]) -> str:
    with pytest.raises(DirectoryMisconfigured) as refused:
        open_source("acme", settings, now=FakeClock().now)
    return refused.value.reason


def test_a_kind_that_nobody_brings_is_refused_with_those_there_are(install: Install) -> None:
    assert _refusal({}) == "'acme' is no kind of directory; there are csv, ldap"
    install()
    with pytest.raises(DirectoryMisconfigured, match=r"there are acme, csv, ldap$"):
        open_source("acmee", {}, now=FakeClock().now)


def test_a_kind_of_two_distributions_is_refused(install: Install) -> None:
    install()
    install(name="beta-people", module=OTHER)

    assert "several distributions: acme-people and beta-people" in _refusal({"path": "x"})


def test_one_that_cannot_be_loaded_is_refused_with_its_distribution(install: Install) -> None:
    install("import nothing_of_that_name")

    reason = _refusal({"path": "x"})

    assert "of the distribution acme-people cannot be loaded: ModuleNotFoundError" in reason


def test_something_that_is_no_directory_is_refused(install: Install) -> None:
    install("def open_directory(settings, *, now):\n    return object()\n")

    assert "makes no connectors.port.DirectorySource" in _refusal({"path": "x"})


def test_its_settings_are_refused_with_every_mistake(install: Install) -> None:
    install()

    assert "pth" in _refusal({"pth": "x"})


def test_a_built_in_kind_stays_what_it_is(install: Install, tmp_path: Path) -> None:
    install(SOURCE)
    path = tmp_path / "people.csv"
    path.write_text("id,login\n1,ada\n", encoding="utf-8")

    source = open_source("csv", {"path": str(path)}, now=FakeClock().now)

    assert source.check().vendor == "CSV file"
