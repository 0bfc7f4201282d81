"""One running demo for all the journeys of a file, and browsers to walk them."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page

from tests.support.demo import Demo, NewPage, running_demo


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Give the demo as it is right after `make demo` on a fresh clone."""
    with running_demo(tmp_path_factory.mktemp("demo")) as running:
        yield running


@pytest.fixture
def new_page(browser: Browser) -> Iterator[NewPage]:
    """Give a way to open a page in a browser of its own, as another person would."""
    with ExitStack() as stack:

        def open_page() -> Page:
            return stack.enter_context(browser.new_context()).new_page()

        yield open_page
