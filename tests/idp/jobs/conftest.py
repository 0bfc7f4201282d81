"""What the tests of the jobs share."""

from collections.abc import Iterator

import pytest

from idp.clock import FakeClock
from tests.support.world import World, open_world


@pytest.fixture
def world(database_url: str, clock: FakeClock) -> Iterator[World]:
    """Give a running product over a fresh database; the test runs once on each kind."""
    with open_world(database_url, clock) as opened:
        yield opened
