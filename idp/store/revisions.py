"""Which schema a database stands at, and which ones this program knows; Alembic is not loaded."""

from functools import cache
from pathlib import Path

import sqlalchemy as sa

from idp.store.session import Database

VERSION_TABLE = "alembic_version"
"""Where Alembic notes the revision that a database stands at."""

_version = sa.table(VERSION_TABLE, sa.column("version_num", sa.String))
_SCRIPTS = Path(__file__).parent / "migrations" / "versions"


def head_revision() -> str:
    """Return the revision this program was written for."""
    return max(_revisions())


def knows_revision(revision: str) -> bool:
    """Tell whether `revision` is one of this program's own (else a newer program's)."""
    return revision in _revisions()


def current_revision(database: Database) -> str | None:
    """Return the revision the database stands at, or None when it is empty."""
    with database.connection(write=False) as connection:
        if not sa.inspect(connection).has_table(VERSION_TABLE):
            return None
        return connection.scalars(sa.select(_version.c.version_num)).one_or_none()


@cache
def _revisions() -> frozenset[str]:
    """Return every revision: the scripts are one line of descent and begin with their numbers."""
    return frozenset(script.name.partition("_")[0] for script in _SCRIPTS.glob("[0-9]*_*.py"))
