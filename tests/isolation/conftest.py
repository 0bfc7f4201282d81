"""A story for each test: the whole application over a fresh database of each kind."""

from collections.abc import Iterator

import pytest

from tests.support.story import Story, open_story


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    """Give the product with both realms, their keys, and nobody signed in."""
    with open_story(database_url) as opened:
        yield opened
