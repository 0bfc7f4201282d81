"""A story for each test: the whole application over a fresh database of each kind."""

from collections.abc import Iterator

import pytest

from tests.matrix.case import Case, open_case
from tests.support.story import Story, open_story


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    """Give the product with both realms, their keys, and nobody signed in."""
    with open_story(database_url) as opened:
        yield opened


@pytest.fixture
def case(story: Story) -> Case:
    """Give ada, her apps and an administrator; she is not signed in yet."""
    return open_case(story)
