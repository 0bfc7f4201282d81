"""Fresh, migrated databases: the migrations run once, each test gets a copy."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

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
