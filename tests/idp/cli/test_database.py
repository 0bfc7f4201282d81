"""The schema and backups, on both databases: whole or not at all."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import Result

from idp.store.revisions import head_revision
from idp.store.session import Database
from idp.store.users import UserRow
from tests.support.commands import run_command
from tests.support.installation import write_installation
from tests.support.world import World, open_world


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    """Give a world, and a configuration in the test's folder that names its database."""
    write_installation(tmp_path, database_url=database_url)
    with open_world(database_url) as world:
        world.add_user("ada")
        yield world


def _db(folder: Path, *arguments: str) -> Result:
    return run_command(None, "db", *arguments, "--config", str(folder / "config.toml"))


def _users(world: World) -> list[str]:
    with world.begin(write=False) as uow:
        return sorted(uow.db.scalars(sa.select(UserRow.username)))


def _set_revision(world: World, revision: str) -> None:
    with world.runtime.database.connection(write=True) as connection:
        stamp = sa.table("alembic_version", sa.column("version_num"))
        connection.execute(sa.update(stamp).values(version_num=revision))


def test_a_backup_taken_in_use_brings_everything_back(world: World, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    with world.begin() as uow:  # somebody is writing, and has not committed
        uow.db.execute(sa.update(UserRow).values(username="half done"))
        assert _db(tmp_path, "backup", str(file)).exit_code == 0
    world.add_user("bob")

    answer = _db(tmp_path, "restore", str(file), "--force")

    assert answer.exit_code == 0, answer.stderr
    assert f"at schema {head_revision()}" in answer.stderr
    assert _users(world) == ["ada"]
    assert file.stat().st_mode & 0o077 == 0
    assert list(tmp_path.glob("*.partial")) == []


def test_a_backup_replaces_no_file(world: World, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    file.write_text("something dear")

    answer = _db(tmp_path, "backup", str(file))

    assert answer.exit_code == 1
    assert "a file of that name is there already" in answer.stderr
    assert file.read_text() == "something dear"


def test_a_backup_into_nowhere_is_refused(world: World, tmp_path: Path) -> None:
    answer = _db(tmp_path, "backup", str(tmp_path / "missing" / "backup"))

    assert answer.exit_code == 1
    assert "No such file or directory" in answer.stderr


def test_what_is_there_is_replaced_only_when_told_to(world: World, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    _db(tmp_path, "backup", str(file))
    world.add_user("bob")

    answer = _db(tmp_path, "restore", str(file))

    assert answer.exit_code == 1
    assert "--force" in answer.stderr
    assert _users(world) == ["ada", "bob"]


@pytest.mark.parametrize("content", [b"", b"not a backup", b"SQLite format 3\0garbage", None])
def test_a_wrong_file_leaves_everything_as_it_was(
    world: World, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "wrong"
    if content is not None:
        file.write_bytes(content)

    answer = _db(tmp_path, "restore", str(file), "--force")

    assert answer.exit_code == 1
    assert answer.stderr.count("\n") == 1
    assert _users(world) == ["ada"]


def test_a_damaged_backup_leaves_everything_as_it_was(world: World, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    _db(tmp_path, "backup", str(file))
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 3])

    answer = _db(tmp_path, "restore", str(file), "--force")

    assert answer.exit_code == 1
    assert _users(world) == ["ada"]


def test_a_backup_of_a_newer_version_is_refused(world: World, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    _set_revision(world, "9999")
    _db(tmp_path, "backup", str(file))
    _set_revision(world, head_revision())

    answer = _db(tmp_path, "restore", str(file), "--force")

    assert answer.exit_code == 1
    assert "newer version" in answer.stderr
    assert _users(world) == ["ada"]


def test_check_tells_schema_and_damage(world: World, tmp_path: Path) -> None:
    good = _db(tmp_path, "check", "--json")
    assert (good.exit_code, json.loads(good.stdout)["is_good"]) == (0, True)

    _set_revision(world, "9999")
    bad = _db(tmp_path, "check", "--json")

    assert bad.exit_code == 1
    assert "belongs to a newer version" in json.loads(bad.stdout)["problems"][0]


def test_upgrade_says_what_it_did(database_url: str, tmp_path: Path) -> None:
    write_installation(tmp_path, database_url=database_url)

    answer = _db(tmp_path, "upgrade")

    assert answer.exit_code == 0
    assert "already" in answer.stderr


def test_upgrade_from_nothing_and_of_a_newer_database(tmp_path: Path) -> None:
    write_installation(tmp_path)
    answer = _db(tmp_path, "upgrade")
    assert answer.exit_code == 0, answer.stderr
    assert f"schema none -> {head_revision()}" in answer.stderr

    database = Database(f"sqlite:///{tmp_path}/timetrak-idp.db")
    with database.connection(write=True) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    database.close()

    answer = _db(tmp_path, "upgrade")
    assert answer.exit_code == 1
    assert "newer version" in answer.stderr


def test_damage_is_found(sqlite_url: str, tmp_path: Path) -> None:
    database = Database(sqlite_url)
    with database.connection(write=True) as connection:
        connection.exec_driver_sql("PRAGMA writable_schema = ON")
        connection.exec_driver_sql("UPDATE sqlite_master SET sql = '' WHERE name = 'users'")
    database.close()
    write_installation(tmp_path, database_url=sqlite_url)

    answer = _db(tmp_path, "check")

    assert answer.exit_code == 1
    assert "malformed" in answer.stderr


@pytest.mark.servers
def test_missing_postgresql_programs_are_named(
    postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    write_installation(tmp_path, database_url=postgresql_url)

    answer = _db(tmp_path, "backup", str(tmp_path / "backup"))

    assert answer.exit_code == 1
    assert "pg_dump: is not on this machine: install the PostgreSQL client" in answer.stderr
    assert not (tmp_path / "backup").exists()
