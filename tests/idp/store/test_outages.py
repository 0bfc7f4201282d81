"""An outage is told as one, and a bug as a bug: nothing hides behind "try again"."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
import structlog
from sqlalchemy.exc import DBAPIError

from idp.errors import Unavailable
from idp.store.session import Database
from tests.support.databases import sqlite_url as sqlite_url_of
from tests.support.story import open_story

_WRITE = "UPDATE throttle SET count = 1"


def run(database: Database, *statements: str, write: bool = True) -> None:
    """Do statements in one transaction."""
    with database.connection(write=write) as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT nothing FROM users",
        "SELECT * FROM nothing",
        "SELEKT",
        "INSERT INTO users VALUES (1)",
    ],
)
def test_a_wrong_statement_is_a_bug(database_url: str, statement: str) -> None:
    database = Database(database_url)

    with pytest.raises(DBAPIError):
        run(database, statement)

    database.close()


def test_a_missing_column_is_an_error_of_ours_and_its_traceback_is_logged(
    database_url: str,
) -> None:
    with open_story(database_url) as story:
        app = story.app()
        with story.world.runtime.database.connection(write=True) as connection:
            connection.exec_driver_sql("ALTER TABLE authorization_requests DROP COLUMN consented")
        with structlog.testing.capture_logs() as logged:
            answer = story.authorize(app)

        assert answer.status == 500
        assert "Retry-After" not in answer.response.headers
        [bug] = [entry for entry in logged if entry["event"] == "bug"]
        assert isinstance(bug["exc_info"], DBAPIError)


@pytest.mark.parametrize(
    "harm", ["PRAGMA query_only=ON", "PRAGMA max_page_count=1"], ids=["read-only", "full"]
)
def test_sqlite_that_takes_nothing_is_an_outage(sqlite_url: str, harm: str) -> None:
    database = Database(sqlite_url)

    with pytest.raises(Unavailable):
        run(database, harm, "CREATE TABLE much AS SELECT zeroblob(1000000)")

    database.close()


def test_sqlite_that_somebody_holds_is_an_outage(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    file = sqlite_url.removeprefix("sqlite:///")

    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable):
            run(database, "PRAGMA busy_timeout=0", _WRITE, write=False)

    database.close()


def test_sqlite_that_cannot_be_opened_is_an_outage(tmp_path: Path) -> None:
    database = Database(sqlite_url_of(tmp_path))  # a folder

    with pytest.raises(Unavailable):
        run(database, "SELECT 1")


@pytest.mark.parametrize(
    "statements",
    [
        ("SET TRANSACTION READ ONLY", _WRITE),
        ("SET LOCAL statement_timeout = 1", "SELECT pg_sleep(60)"),
        ("SELECT pg_terminate_backend(pg_backend_pid())",),
    ],
    ids=["read-only", "too slow", "shut down"],
)
def test_postgresql_that_is_away_or_takes_nothing_is_an_outage(
    postgresql_url: str, statements: tuple[str, ...]
) -> None:
    database = Database(postgresql_url)

    with pytest.raises(Unavailable):
        run(database, *statements)

    database.close()


def test_postgresql_that_is_not_there_is_an_outage(postgresql_url: str) -> None:
    url = sa.make_url(postgresql_url)
    for wrong in (url.set(port=1), url.set(database="nowhere"), url.set(username="nobody")):
        database = Database(wrong.render_as_string(hide_password=False))

        with pytest.raises(Unavailable):
            run(database, "SELECT 1")
