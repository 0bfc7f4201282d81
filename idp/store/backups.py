"""Backups of the whole database: made while it is in use, restored whole or not at all."""

import os
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from shutil import which

import sqlalchemy as sa
from sqlalchemy.engine import URL

from idp.errors import ConfigError, Conflict, InvalidInput
from idp.store.revisions import VERSION_TABLE, knows_revision
from idp.store.session import Database

_TOOLS = "the PostgreSQL client programs (Debian: apt-get install postgresql-client)"
_BUSY_S = 10
_PG_SETTINGS = {"host": "PGHOST", "port": "PGPORT", "sslmode": "PGSSLMODE", "service": "PGSERVICE"}


def back_up(database: Database, target: Path) -> None:
    """Write a consistent copy of a database in use to a new file that only this user can read.

    SQLite: a database file. PostgreSQL: the custom format of `pg_dump`.

    Raises:
        Conflict: the file exists already, or the copy could not be made; no file is left.
        ConfigError: the programs that PostgreSQL needs for it are not here.
    """
    partial = target.with_name(f"{target.name}.partial")
    try:
        with target.open("xb"):
            pass
    except FileExistsError as error:
        raise Conflict("backup.file_exists", file=str(target)) from error
    except OSError as error:
        raise InvalidInput("backup.file", file=str(target), reason=error.strerror) from error
    try:
        partial.touch(mode=0o600)
        if database.is_sqlite:
            _copy_sqlite(_sqlite_file(database), partial)
        else:
            _run(["pg_dump", "--format=custom", f"--file={partial}"], database.url)
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        target.unlink(missing_ok=True)
        raise


def restore(database: Database, source: Path, *, force: bool) -> None:
    """Put a backup in the place of the database's content, in one transaction.

    Args:
        force: also when the database holds something, which is lost.

    Raises:
        InvalidInput: the file is not a backup of this product, or of a newer version.
        Conflict: the database is not empty, or is in use; it is as it was.
        ConfigError: the programs that PostgreSQL needs for it are not here.
    """
    if not source.is_file():
        raise InvalidInput("backup.file", file=str(source), reason="does not exist")
    if database.is_sqlite:
        _check_sqlite(source)
    else:
        _check_dump(source, database.url)
    with database.connection(write=False) as connection:
        tables = sa.inspect(connection).get_table_names()
    if tables and not force:
        raise Conflict("backup.database_not_empty")
    if database.is_sqlite:
        _restore_sqlite(source, _sqlite_file(database))
    else:
        _restore_dump(source, database.url, tables)


def find_damage(database: Database) -> list[str]:
    """Return what the database's own checks find; PostgreSQL keeps no such check."""
    if not database.is_sqlite:
        return []
    try:
        with database.connection(write=False) as connection:
            damage = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check")]
            rows = connection.exec_driver_sql("PRAGMA foreign_key_check")
            broken = [str(row[0]) for row in rows]
    except sa.exc.DatabaseError as error:
        return [str(error.orig)]
    return [line for line in damage if line != "ok"] + [f"foreign key of {t}" for t in broken]


def _sqlite_file(database: Database) -> Path:
    return Path(database.url.database or "")


def _copy_sqlite(source: Path, target: Path) -> None:
    with _sqlite_errors(), _opened(source) as reading, closing(sqlite3.connect(target)) as writing:
        reading.backup(writing)
        # A backup is one file: without this it would ask for a log beside it.
        writing.execute("PRAGMA journal_mode=DELETE")


def _restore_sqlite(source: Path, target: Path) -> None:
    with (
        _sqlite_errors(),
        _opened(source) as reading,
        closing(sqlite3.connect(target, timeout=_BUSY_S)) as writing,
    ):
        reading.backup(writing)


def _check_sqlite(source: Path) -> None:
    try:
        with _opened(source) as connection:
            verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
            found = connection.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone()  # noqa: S608 - a constant
    except sqlite3.Error as error:
        raise InvalidInput("backup.not_a_backup", file=str(source), reason=str(error)) from error
    if verdict != "ok":
        raise InvalidInput("backup.damaged", file=str(source), reason=verdict)
    if found is None or not knows_revision(found[0]):
        raise InvalidInput("backup.newer", file=str(source))


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        yield connection


@contextmanager
def _sqlite_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise Conflict("backup.failed", reason=str(error)) from error


def _check_dump(source: Path, url: URL) -> None:
    listing = _run(["pg_restore", "--list", str(source)], url, is_about=source)
    if f" TABLE DATA public {VERSION_TABLE} " not in listing:
        reason = f"it has no table {VERSION_TABLE}"
        raise InvalidInput("backup.not_a_backup", file=str(source), reason=reason)
    table = ["--data-only", f"--table={VERSION_TABLE}", "--file=-", str(source)]
    script = _run(["pg_restore", *table], url, is_about=source)
    if not any(knows_revision(line.strip()) for line in script.splitlines()):
        raise InvalidInput("backup.newer", file=str(source))


def _restore_dump(source: Path, url: URL, tables: Iterable[str]) -> None:
    """Drop the tables that are there and run the dump, as one transaction.

    The dump is unpacked whole first: a damaged one is found before anything is touched.
    """
    with tempfile.TemporaryDirectory() as folder:
        drops, script = Path(folder, "drops.sql"), Path(folder, "dump.sql")
        drops.write_text("".join(f'DROP TABLE IF EXISTS "{table}" CASCADE;\n' for table in tables))
        unpack = ["pg_restore", "--no-owner", "--no-privileges", f"--file={script}", str(source)]
        _run(unpack, url, is_about=source)
        command = ["psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"]
        _run([*command, "--single-transaction", f"--file={drops}", f"--file={script}"], url)


def _run(command: list[str], url: URL, *, is_about: Path | None = None) -> str:
    """Run a PostgreSQL client program and return its output; the password is not an argument."""
    program = which(command[0])
    if program is None:
        raise ConfigError(command[0], f"is not on this machine: install {_TOOLS}")
    done = subprocess.run(  # noqa: S603 - a fixed program, arguments of our own
        [program, *command[1:]],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **_pg_environment(url)},
    )
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or [f"{command[0]} failed"])[0]
        if is_about is not None:
            raise InvalidInput("backup.not_a_backup", file=str(is_about), reason=said)
        raise Conflict("backup.failed", reason=said)
    return done.stdout


def _pg_environment(url: URL) -> Mapping[str, str]:
    values: dict[str, object] = {**url.query, "host": url.host or url.query.get("host")}
    values |= {"port": url.port or url.query.get("port")}
    named = {_PG_SETTINGS[key]: value for key, value in values.items() if key in _PG_SETTINGS}
    named |= {"PGUSER": url.username, "PGPASSWORD": url.password, "PGDATABASE": url.database}
    return {name: str(value) for name, value in named.items() if value is not None}
