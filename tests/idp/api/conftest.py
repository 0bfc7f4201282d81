"""A desk for each test: the whole application over a fresh database of each kind."""

from collections.abc import Iterator

import pytest

from idp.clock import FakeClock
from tests.idp.api.bridge import NAME, Bridge
from tests.idp.api.desk import Desk
from tests.support.slapd import SlapdServer, running_slapd
from tests.support.story import open_story


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    """Give the interface of a product with both realms and their keys."""
    with open_story(database_url) as story:
        yield Desk(story)


@pytest.fixture(scope="module")
def slapd() -> Iterator[SlapdServer]:
    """Give an OpenLDAP server with nobody in it yet."""
    with running_slapd([]) as server:
        yield server


@pytest.fixture
def bridge(database_url: str, clock: FakeClock, slapd: SlapdServer) -> Iterator[Bridge]:
    """Give the product with an owner of its own and everybody of the directory in it."""
    settings = {"connectors": {NAME: slapd.connector()}}
    with open_story(database_url, clock=clock, settings=settings) as story:
        made = Bridge(Desk(story), slapd)
        made.desk.administrator("olga")
        yield made
        story.world.runtime.directories.source(NAME).close()
