"""A desk for each test: the whole application over a fresh database of each kind."""

from collections.abc import Iterator

import pytest

from tests.idp.api.desk import Desk
from tests.support.story import open_story


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    """Give the interface of a product with both realms and their keys."""
    with open_story(database_url) as story:
        yield Desk(story)
