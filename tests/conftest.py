"""Fixtures that every room uses. A missing part fails the test and says what to install."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import pytest
from hypothesis import settings
from playwright.sync_api import Browser, Page

from idp.clock import FakeClock
from tests.support import databases
from tests.support.browser import running_chromium
from tests.support.loopback import stay_on_loopback
from tests.support.mailbox import SmtpServer
from tests.support.memory import database_folder
from tests.support.postgres import PostgresServer, running_postgres
from tests.support.servers import IdpServer, start_idp

# A fixture that is slow to bring up marks its tests, so that `make check` can leave them out.
_MARKS = {
    "servers": {"postgres_server", "postgresql_url", "start", "slapd", "samba", "ds389"},
    "browser": {"browser", "page"},
    "database": {"sqlite_url", "database_url", "sqlite_template"},
}

# Tests assert no times; neither does Hypothesis.
settings.register_profile("tree", deadline=None)
settings.load_profile("tree")


def pytest_configure() -> None:
    """Keep the whole session on this machine."""
    stay_on_loopback()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by the fixtures it asks for."""
    for item in items:
        asked = set(getattr(item, "fixturenames", ()))
        for mark, fixtures in _MARKS.items():
            if asked & fixtures:
                item.add_marker(mark)


class StartIdp(Protocol):
    """Starts `idp ARGUMENTS`; with `ready`, returns once that address answers 200."""

    def __call__(self, *arguments: str, ready: str | None = None) -> IdpServer: ...


@pytest.fixture
def clock() -> FakeClock:
    """Give a clock that moves only when told to."""
    return FakeClock()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Give a real PostgreSQL server, one per worker of the test run."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> str:
    """Give the name of a migrated database to copy."""
    return databases.create_postgres_template(postgres_server)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a migrated SQLite file to copy."""
    return databases.create_sqlite_template(tmp_path_factory.mktemp("sqlite") / "template.db")


@pytest.fixture
def sqlite_url(sqlite_template: Path) -> Iterator[str]:
    """Give the address of a fresh, migrated SQLite database, alone in its folder."""
    with TemporaryDirectory(prefix="idp-sqlite-", dir=database_folder()) as folder:
        yield databases.copy_sqlite(sqlite_template, Path(folder) / "idp.db")


@pytest.fixture
def postgresql_url(postgres_server: PostgresServer, postgres_template: str) -> Iterator[str]:
    """Give the address of a fresh, migrated PostgreSQL database."""
    name = postgres_server.create_database(template=postgres_template)
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)],
)
def database_url(request: pytest.FixtureRequest) -> str:
    """Give the address of a fresh, migrated database; the test runs once on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def smtp_server() -> Iterator[SmtpServer]:
    """Give a mail server on the loopback interface."""
    server = SmtpServer()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Give the Chromium of this machine, one per worker of the test run."""
    with running_chromium() as chromium:
        yield chromium


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Give a page in a profile of its own: no cookies, no history."""
    with browser.new_context() as context:
        yield context.new_page()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[StartIdp]:
    """Give a way to start `idp` in the test's directory; whatever was started is ended."""
    started: list[IdpServer] = []

    def start_one(*arguments: str, ready: str | None = None) -> IdpServer:
        server = start_idp(*arguments, directory=tmp_path)
        started.append(server)
        if ready is not None:
            server.wait_for(ready)
        return server

    yield start_one
    for server in reversed(started):
        server.stop()
