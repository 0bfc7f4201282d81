"""A CSV file as a directory, and what is wrong with some."""

from pathlib import Path

import pytest

from connectors.csvfile import CsvDirectory, open_directory
from connectors.port import (
    DirectoryMisconfigured,
    DirectoryUnavailable,
    LoginAmbiguous,
    PasswordVerifier,
    PasswordWriter,
)
from connectors.records import DirectoryEntry, DirectoryGroup, RejectedEntry, Sighting
from idp.clock import FakeClock


def _open(folder: Path, text: str | bytes, **own: object) -> CsvDirectory:
    path = folder / "people.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return open_directory({"path": str(path), **own}, now=FakeClock().now)


def _read(directory: CsvDirectory) -> list[DirectoryEntry | RejectedEntry]:
    with directory.read() as run:
        return list(run.entries())


def test_columns_are_told_apart(tmp_path: Path) -> None:
    text = "\ufeffid\tlogin\tenabled\tmust_change\tgroups\tdept\n7\t ada \tNO\tyes\ta; b;\tx\n"

    assert _read(_open(tmp_path, text, delimiter="\t")) == [
        DirectoryEntry(
            stable_id="7",
            login="ada",
            address="7",  # type: ignore[arg-type]
            attributes={"dept": ("x",)},
            groups=("group a", "group b"),  # type: ignore[arg-type]
            is_enabled=False,
            must_change=True,
        )
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (",ada,", "no id"),
        ("7,,", "no login"),
        ("7,ada", "cells"),
        ("7,ada,true,x", "cells"),
        ("7,ada,maybe", "true or false"),
        ("7\0,ada,", "its id has control characters"),
        (f"{'7' * 257},ada,", "its id has control characters, or is too long"),
        ("7,a\0da,", "its login has control characters"),
    ],
)
def test_a_bad_line_is_rejected_and_the_next_one_read(
    tmp_path: Path, line: str, reason: str
) -> None:
    rejected, entry = _read(_open(tmp_path, f"id,login,enabled\n{line}\n8,bob,\n"))

    assert isinstance(rejected, RejectedEntry)
    assert rejected.address == "line 2"
    assert reason in rejected.reason
    assert isinstance(entry, DirectoryEntry)


def test_a_bad_line_is_no_sighting_and_in_no_group(tmp_path: Path) -> None:
    with _open(tmp_path, "id,login,groups\n,ada,a\n8,bob,b\n").read() as run:
        rejected, sighting = run.sweep()
        [group] = run.groups()

    assert isinstance(rejected, RejectedEntry)
    assert isinstance(sighting, Sighting)
    assert isinstance(group, DirectoryGroup)
    assert group.name == "b"


def test_who_has_no_usable_login_keeps_id_and_groups(tmp_path: Path) -> None:
    directory = _open(tmp_path, "id,login,groups\n7,a\0da,a\n7,ada,b\n8,bob,a\n")

    first, second, _ = _read(directory)
    with directory.read() as run:
        [group] = run.groups()

    assert isinstance(first, RejectedEntry)
    assert first.stable_id == "7"
    assert second == RejectedEntry("line 3", "another line has its id")  # type: ignore[arg-type]
    assert isinstance(group, DirectoryGroup)
    assert group.members == ("7", "8")


def test_a_name_that_nobody_can_read_is_no_group_and_no_attribute(tmp_path: Path) -> None:
    directory = _open(tmp_path, "id,login,groups,x\0\n7,ada,a;b\0,1\n")

    [entry] = _read(directory)
    with directory.read() as run:
        kept, rejected = run.groups()

    assert isinstance(entry, DirectoryEntry)
    assert entry.attributes == {}
    assert isinstance(kept, DirectoryGroup)
    assert isinstance(rejected, RejectedEntry)
    assert "control characters" in rejected.reason


def test_a_second_line_of_one_id_is_rejected(tmp_path: Path) -> None:
    _, second = _read(_open(tmp_path, "id,login\n7,ada\n7,bob\n"))

    assert second == RejectedEntry("line 3", "another line has its id")  # type: ignore[arg-type]


def test_a_login_of_two_lines_is_nobodys(tmp_path: Path) -> None:
    directory = _open(tmp_path, "id,login\n7,Ada\n8,ADA\n")

    with pytest.raises(LoginAmbiguous):
        directory.find_by_login("ada")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no column id"),
        (b"login\nada\n", "no column id"),
        (b"id,name\n7,ada\n", "no column login"),
        (b"id,login\n7,\xff\n", "UTF-8"),
        (b'id,login\n7,"ada\n', "no CSV"),
    ],
)
def test_what_is_no_such_file_is_misconfigured(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(DirectoryMisconfigured, match=words):
        _read(_open(tmp_path, content))


def test_a_file_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    directory = open_directory({"path": str(tmp_path / "none.csv")}, now=FakeClock().now)

    with pytest.raises(DirectoryUnavailable, match="No such file"):
        directory.check()


def test_a_file_with_nobody_in_it_does_not_pass_the_check(tmp_path: Path) -> None:
    with pytest.raises(DirectoryMisconfigured, match="no account"):
        _open(tmp_path, "id,login\n,x\n").check()


def test_a_check_tells_of_bad_lines(tmp_path: Path) -> None:
    report = _open(tmp_path, "id,login\n7,ada\n,x\n").check()

    assert report.warnings == ("line 3: it has no id or no login",)


def test_a_file_verifies_and_writes_nothing(tmp_path: Path) -> None:
    directory = _open(tmp_path, "id,login\n7,ada\n")

    assert not isinstance(directory, PasswordVerifier)
    assert not isinstance(directory, PasswordWriter)
    directory.close()
