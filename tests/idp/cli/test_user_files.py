"""`idp user import` and `export`."""

import csv
import json
import stat
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result

from idp.clock import FakeClock
from idp.core.import_files import COLUMNS
from tests.support.commands import run_command
from tests.support.world import PASSWORD, World, open_world


def user(world: World, *arguments: str, realm: str = "staff") -> Result:
    return run_command(world.runtime, "user", *arguments, "--realm", realm)


def written(tmp_path: Path, text: str, name: str = "people.csv") -> Path:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8", newline="")
    return file


def usernames(world: World, realm: str = "staff") -> list[str]:
    listed = json.loads(user(world, "list", "--json", realm=realm).stdout)
    return [one["username"] for one in listed]


def test_good_rows_are_kept_and_bad_ones_told_in_a_file(world: World, tmp_path: Path) -> None:
    file = written(
        tmp_path,
        "username,email,name,password\n"
        f"ada,ada@example.com,Ada,{PASSWORD}\n"
        "bob,nobody,=1+1,not a secret any more\n"
        "cleo,,,short\n",
    )

    result = user(world, "import", str(file))

    assert result.exit_code == 0
    assert "created 1, updated 0, unchanged 0, rejected 2" in result.stdout
    assert usernames(world) == ["ada"]
    rejected = tmp_path / "people.rejected.csv"
    assert str(rejected) in result.stderr
    with rejected.open(encoding="utf-8", newline="") as stream:
        bob, cleo = csv.DictReader(stream)
    assert (bob["line"], bob["username"], bob["name"]) == ("3", "bob", "'=1+1")
    assert "email" in bob["reason"]
    assert (cleo["line"], cleo["password"]) == ("4", "(not shown)")
    assert "too short" in cleo["reason"]
    assert "secret" not in rejected.read_text(encoding="utf-8")
    assert stat.S_IMODE(rejected.stat().st_mode) == 0o600


def test_running_it_again_changes_nothing(world: World, tmp_path: Path) -> None:
    file = written(tmp_path, f"username,groups,password\nada,Field,{PASSWORD}\n")

    first = json.loads(user(world, "import", str(file), "--json").stdout)
    second = json.loads(user(world, "import", str(file), "--json").stdout)

    assert (first["created"], first["new_groups"], first["hashed"]) == (1, ["Field"], 1)
    assert (second["created"], second["updated"], second["unchanged"]) == (0, 0, 1)
    assert second["rejected_file"] is None


class TickingClock(FakeClock):
    """A clock in whose world every look at it takes a second."""

    def now(self) -> datetime:
        self.advance(timedelta(seconds=1))
        return super().now()


def test_the_speed_of_hashing_is_told(database_url: str, tmp_path: Path) -> None:
    file = written(tmp_path, f"username,password\nada,{PASSWORD}\n")

    with open_world(database_url, TickingClock()) as world:
        told = json.loads(user(world, "import", str(file), "--json").stdout)
        assert 0 < told["hashed_per_second"] <= 1

        written(tmp_path, f"username,password\nbob,{PASSWORD}\n")
        assert "passwords hashed: 1, " in user(world, "import", str(file)).stderr


def test_new_groups_are_mentioned(world: World, tmp_path: Path) -> None:
    result = user(world, "import", str(written(tmp_path, "username,groups\nada,Field\n")))

    assert "new groups: Field" in result.stderr


def test_a_corrected_file_leaves_no_list_of_refused_rows(world: World, tmp_path: Path) -> None:
    file = written(tmp_path, "username,email\nada,nobody\nbob,\n")
    user(world, "import", str(file))
    assert (tmp_path / "people.rejected.csv").exists()

    written(tmp_path, "username,email\nada,ada@example.com\nbob,\n")
    assert "created 1, updated 0, unchanged 1" in user(world, "import", str(file)).stdout
    assert not (tmp_path / "people.rejected.csv").exists()


def test_a_file_without_one_good_row_is_refused(world: World, tmp_path: Path) -> None:
    result = user(world, "import", str(written(tmp_path, "username,email\nada,nobody\n")))

    assert result.exit_code == 1
    assert "every row was refused" in result.stderr


@pytest.mark.parametrize(
    ("text", "part"), [("", "header row"), ("user,email\n", "no column"), ("a;b\n", "commas")]
)
def test_a_header_that_is_not_understood_stops_everything(
    world: World, tmp_path: Path, text: str, part: str
) -> None:
    result = user(world, "import", str(written(tmp_path, text)))

    assert result.exit_code == 1
    assert part in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("content", [b"us\x84rname\n", b"\x89PNG\xff\n"])
def test_a_file_that_is_no_text_is_said_to_be_none(
    world: World, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes(content)

    result = user(world, "import", str(file))

    assert result.exit_code == 1
    assert "not UTF-8 text" in result.stderr


def test_a_place_that_cannot_be_written_to_is_named(world: World, tmp_path: Path) -> None:
    file = tmp_path / "nowhere" / "out.csv"

    result = user(world, "export", str(file))

    assert result.exit_code == 1
    assert result.stderr == f"idp: {file} cannot be written: No such file or directory\n"


def test_a_missing_file_is_wrong_usage(world: World, tmp_path: Path) -> None:
    assert user(world, "import", str(tmp_path / "nothing.csv")).exit_code == 2


def test_progress_is_told_in_lines_when_nobody_watches(world: World, tmp_path: Path) -> None:
    rows = "".join(f"user{number}\n" for number in range(1200))

    result = user(world, "import", str(written(tmp_path, "username\n" + rows, "PEOPLE.CSV")))

    assert "lines: 1201 of 1201" in result.stderr
    assert "created 1200" in result.stdout


def test_passwords_that_were_not_used_are_mentioned(world: World, tmp_path: Path) -> None:
    world.add_user("ada")

    result = user(world, "import", str(written(tmp_path, f"username,password\nada,{PASSWORD}\n")))

    assert "because the user has one: 1" in result.stderr


def test_an_export_can_be_imported_elsewhere(world: World, tmp_path: Path) -> None:
    world.add_user("ada", user={"name": "=cmd", "phone_number": "+64 21 1"})
    file = tmp_path / "out.csv"

    result = user(world, "export", str(file))

    assert result.stderr == f"users in {file}: 1\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with file.open(encoding="utf-8", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert list(row) == [name for name in COLUMNS if name not in ("password", "password_hash")]
    assert (row["name"], row["phone_number"]) == ("'=cmd", "'+64 21 1")
    assert "unchanged 1" in user(world, "import", str(file)).stdout
    assert "created 1" in user(world, "import", str(file), realm="portal").stdout
    assert [path.name for path in tmp_path.glob("*out*")] == ["out.csv"]


def test_an_export_goes_to_standard_output_by_default(world: World) -> None:
    world.add_user("ada")

    result = user(world, "export")

    assert result.stdout.splitlines()[0].startswith("username,email,")
    assert result.stdout.splitlines()[1].startswith("ada,ada@example.com,true,")
