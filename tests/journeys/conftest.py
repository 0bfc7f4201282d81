"""One running demo for all the journeys of a file, on each database, and browsers to walk them."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page

from tests.support.demo import Demo, NewPage, running_demo
from tests.support.postgres import PostgresServer


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database_options(request: pytest.FixtureRequest) -> Iterator[tuple[str, ...]]:
    """Give the options that start a demo on its own SQLite file, then on an empty PostgreSQL."""
    if request.param == "sqlite":
        yield ()
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.create_database()
    yield ("--database-url", server.url(name))
    server.drop_database(name)


@pytest.fixture(scope="module")
def demo(
    tmp_path_factory: pytest.TempPathFactory, database_options: tuple[str, ...]
) -> Iterator[Demo]:
    """Give the demo as it is right after `make demo` on a fresh clone."""
    with running_demo(tmp_path_factory.mktemp("demo"), *database_options) as running:
        yield running


@pytest.fixture
def new_page(browser: Browser) -> Iterator[NewPage]:
    """Give a way to open a page in a browser of its own, as another person would."""
    with ExitStack() as stack:

        def open_page() -> Page:
            return stack.enter_context(browser.new_context()).new_page()

        yield open_page
