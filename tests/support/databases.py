"""Fresh, migrated databases: the migrations run once, each test gets a copy."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from idp.store.migrations import upgrade
from tests.support.postgres import PostgresServer


def sqlite_url(path: Path) -> str:
    """Return the address of a SQLite file as `database.url` in the configuration takes it."""
    return f"sqlite:///{path}"


def create_sqlite_template(path: Path) -> Path:
    """Create and migrate a SQLite file that can be copied while nobody uses it."""
    upgrade(sqlite_url(path))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def copy_sqlite(template: Path, target: Path) -> str:
    """Return the address of a fresh copy of `template`."""
    shutil.copyfile(template, target)
    return sqlite_url(target)


def create_postgres_template(server: PostgresServer) -> str:
    """Create and migrate a database that others are copied from; return its name."""
    name = server.create_database()
    upgrade(server.url(name))
    return name


def fresh_url(request: pytest.FixtureRequest, folder: Path) -> str:
    """Return the address of a fresh, migrated database of the kind that `request.param` names.

    For fixtures that live longer than a test; what is made goes with the server or the folder.
    """
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        return copy_sqlite(template, folder / "idp.db")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name: str = request.getfixturevalue("postgres_template")
    return server.url(server.create_database(template=name))
