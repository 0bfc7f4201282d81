"""What the tests of the edge share."""

from collections.abc import Iterator

import pytest

from tests.support.pages import Visitor, visitor
from tests.support.story import Story, open_story


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    """Give the whole product; what stands before the use cases knows no database."""
    with open_story(database_url) as opened:
        yield opened


@pytest.fixture
def person(story: Story) -> Visitor:
    """Give a person of the staff realm at the pages."""
    return visitor(story)
