"""Which servers of directories failed: known to all who share the notes, and to nobody else."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from connectors.ldap.failover import BAD_FOR, OwnNotes
from connectors.port import DirectorySource, ServerNotes
from idp.adapters.directories import DirectorySources
from idp.adapters.server_notes import StoredNotes
from idp.clock import FakeClock
from idp.ids import RealmName
from tests.support.directory_world import CORP, Directory
from tests.support.ldap_proxy import Request
from tests.support.world import PORTAL, STAFF, World, make_config, open_world

ONE, TWO = "ldaps://one:636", "ldaps://two:636"


@pytest.fixture
def world(database_url: str, clock: FakeClock) -> Iterator[World]:
    """Give a running product over a fresh database; the test runs once on each kind."""
    with open_world(database_url, clock) as opened:
        yield opened


def _stored(world: World, realm: RealmName = STAFF, connector: str = CORP) -> StoredNotes:
    return StoredNotes(world.runtime.database, world.clock, realm, connector)


@pytest.fixture(params=["own", "stored"])
def notes(request: pytest.FixtureRequest, world: World) -> ServerNotes:
    """Give each kind of notes; both go by the clock of the test."""
    if request.param == "stored":
        return _stored(world)
    return OwnNotes(lambda: world.clock.now().timestamp())


def test_a_failure_is_noted_until_an_answer(notes: ServerNotes) -> None:
    assert notes.ages() == {}

    notes.note(ONE)
    notes.note(TWO)
    notes.note(ONE)
    notes.clear(TWO)
    notes.clear(TWO)

    assert notes.ages() == {ONE: 0.0}


def test_one_of_many_takes_a_server_whose_time_is_over(world: World) -> None:
    _stored(world).note(ONE)
    world.advance(seconds=BAD_FOR - 1)
    assert not _stored(world).take(ONE, BAD_FOR)
    world.advance(seconds=1)
    assert _stored(world).ages() == {ONE: BAD_FOR}
    gate = threading.Barrier(8)
    taken: list[bool] = []

    def take() -> None:
        gate.wait()
        taken.append(_stored(world).take(ONE, BAD_FOR))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(taken) == [False] * 7 + [True]
    assert _stored(world).ages() == {ONE: 0.0}
    assert not _stored(world).take(TWO, BAD_FOR)


def test_a_note_by_a_clock_that_is_ahead_keeps_nobody_away_for_long(world: World) -> None:
    world.advance(hours=1)
    _stored(world).note(ONE)
    world.advance(hours=-1)

    assert _stored(world).ages() == {ONE: 3600.0}
    assert _stored(world).take(ONE, BAD_FOR)
    assert _stored(world).ages() == {ONE: 0.0}


def test_other_directories_and_realms_have_their_own(world: World) -> None:
    others = [_stored(world, connector="other"), _stored(world, PORTAL)]

    _stored(world).note(ONE)
    for other in others:
        assert (other.ages(), other.take(ONE, 0)) == ({}, False)
        other.note(TWO)
        other.clear(ONE)

    assert _stored(world).ages() == {ONE: 0.0}


@contextmanager
def _process(world: World, directory: Directory) -> Iterator[DirectorySource]:
    """Give the directory as another process opens it: the proxy first, then the server itself."""
    config = make_config(
        world.runtime.config.database.url.reveal(),
        directory.settings(url=[directory.proxy.tls_url, directory.server.tls_url]),
    )
    runtime = world.runtime
    sources = DirectorySources(config.connectors, runtime.box, world.clock, runtime.database)
    with closing(sources):
        yield sources.source(CORP)


def test_a_process_leaves_a_server_alone_that_failed_for_another(
    world: World, directory: Directory
) -> None:
    _, login = directory.person()
    with _process(world, directory) as one, _process(world, directory) as two:
        assert one.find_by_login(login) == two.find_by_login(login)
        directory.proxy.drop(Request.SEARCH)
        asked = directory.count(Request.SEARCH)
        assert one.find_by_login(login) is not None
        assert directory.count(Request.SEARCH) > asked
        asked, connected = directory.count(Request.SEARCH), directory.proxy.connections

        assert two.find_by_login(login) is not None

        assert (directory.count(Request.SEARCH), directory.proxy.connections) == (asked, connected)


def test_all_processes_use_a_server_again_once_one_found_it_there(
    world: World, directory: Directory
) -> None:
    _, login = directory.person()
    processes = [_process(world, directory) for _ in range(3)]
    with processes[0] as one, processes[1] as two, processes[2] as three:
        directory.proxy.drop(Request.BIND)
        assert one.find_by_login(login) is not None
        directory.proxy.behave()
        world.advance(seconds=BAD_FOR)
        directory.proxy.requests.clear()
        assert two.find_by_login(login) is not None
        assert three.find_by_login(login) is not None

        assert directory.count(Request.SEARCH) == 2
        assert _stored(world).ages() == {}


def test_a_check_looks_for_itself(world: World, directory: Directory) -> None:
    _, login = directory.person()
    with _process(world, directory) as one:
        directory.proxy.drop(Request.BIND)
        assert one.find_by_login(login) is not None
        noted = _stored(world).ages()
        directory.proxy.behave()

        assert one.check().server == directory.proxy.tls_url
        assert _stored(world).ages() == noted != {}
