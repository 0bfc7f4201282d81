"""What is told of revisions without Alembic is what Alembic tells."""

from pathlib import Path

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from idp.store.migrations import alembic_config
from idp.store.revisions import current_revision, head_revision, knows_revision
from idp.store.session import Database
from tests.support.databases import sqlite_url
from tests.support.postgres import PostgresServer

_SCRIPTS = ScriptDirectory.from_config(alembic_config("sqlite://"))


def test_the_revisions_are_alembics() -> None:
    scripts = list(_SCRIPTS.walk_revisions())

    assert head_revision() == _SCRIPTS.get_current_head()
    assert all(knows_revision(script.revision) for script in scripts)
    assert not knows_revision(f"{len(scripts) + 1:04}")
    assert [script.revision for script in scripts] == sorted(
        (script.revision for script in scripts), reverse=True
    )


def test_a_migrated_database_stands_where_alembic_says(database_url: str) -> None:
    database = Database(database_url)

    with database.connection(write=False) as connection:
        told = MigrationContext.configure(connection).get_current_revision()

    assert current_revision(database) == told == head_revision()
    database.close()


def test_an_empty_database_stands_nowhere(postgres_server: PostgresServer, tmp_path: Path) -> None:
    name = postgres_server.create_database()
    for url in (sqlite_url(tmp_path / "empty.db"), postgres_server.url(name)):
        database = Database(url)
        assert current_revision(database) is None
        database.close()
    postgres_server.drop_database(name)
