"""Connections that are kept for the next question, and how long."""

import socket
import threading
from collections.abc import Iterator

import pytest

from connectors.ldap.failover import OwnNotes, ServerList
from connectors.ldap.messages import Search
from connectors.ldap.pool import IDLE_SECONDS, LIFE_SECONDS, Pool
from connectors.ldap.session import Session
from connectors.ldap.settings import parse_settings
from connectors.ldap.wire import AnswerTooLarge, Deadline, Wire, resolve
from connectors.port import DirectoryMisconfigured, DirectoryUnavailable
from tests.support.ldap_proxy import LdapProxy, mute_server
from tests.support.slapd import PEOPLE


class _Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> _Time:
    """Give a clock that moves only when told to."""
    return _Time()


@pytest.fixture
def pool(proxy: LdapProxy, ldap_settings: dict[str, object], clock: _Time) -> Iterator[Pool]:
    """Give a pool whose connections go through the proxy, which counts them."""
    connecting = parse_settings(ldap_settings | {"url": proxy.tls_url, "pool_size": 2}).connecting
    made = Pool(connecting, ServerList(connecting.servers, OwnNotes(clock)), clock)
    yield made
    made.close()


def _look(session: Session, deadline: Deadline) -> int:
    return session.search(Search(base=PEOPLE, scope="base"), deadline).code


def _ask(pool: Pool) -> None:
    assert pool.run(_look, Deadline(5.0)) == 0


def test_a_connection_is_used_again(pool: Pool, proxy: LdapProxy) -> None:
    for _ in range(5):
        _ask(pool)

    assert proxy.connections == 1


def test_one_that_was_idle_too_long_is_replaced(pool: Pool, proxy: LdapProxy, clock: _Time) -> None:
    _ask(pool)
    clock.now += IDLE_SECONDS
    _ask(pool)
    assert proxy.connections == 1

    clock.now += IDLE_SECONDS + 1
    _ask(pool)

    assert proxy.connections == 2


def test_one_that_is_too_old_is_replaced_though_it_is_busy(
    pool: Pool, proxy: LdapProxy, clock: _Time
) -> None:
    while clock.now <= LIFE_SECONDS:
        _ask(pool)
        clock.now += IDLE_SECONDS / 2
    assert proxy.connections == 1

    _ask(pool)

    assert proxy.connections == 2


def test_one_that_died_is_replaced_before_anybody_notices(pool: Pool, proxy: LdapProxy) -> None:
    _ask(pool)
    proxy.end()

    _ask(pool)

    assert proxy.connections == 2


def test_one_on_which_something_failed_is_not_used_again(pool: Pool, proxy: LdapProxy) -> None:
    def fail(session: Session, deadline: Deadline) -> None:
        raise DirectoryMisconfigured("made up")

    with pytest.raises(DirectoryMisconfigured, match="made up"):
        pool.run(fail, Deadline(5.0))
    _ask(pool)

    assert proxy.connections == 2


def test_a_write_has_a_fresh_connection_and_no_second_try(pool: Pool, proxy: LdapProxy) -> None:
    tries: list[Session] = []

    def fail(session: Session, _: Deadline) -> None:
        tries.append(session)
        raise DirectoryUnavailable("made up")

    _ask(pool)
    with pytest.raises(DirectoryUnavailable, match="made up"):
        pool.run_once(fail, Deadline(5.0))

    assert len(tries) == 1
    assert proxy.connections == 2


def test_no_more_are_kept_than_may_be_open(pool: Pool, proxy: LdapProxy) -> None:
    for _ in range(4):
        pool.run_once(_look, Deadline(5.0))

    kept = [pool._take() for _ in range(4)]
    for each in kept:
        if each is not None:
            each.session.close()
    assert len([each for each in kept if each is not None]) == 2


def test_whoever_finds_all_in_use_is_told(pool: Pool) -> None:
    def nested(session: Session, deadline: Deadline) -> None:
        pool.run(lambda *_: pool.run(_look, Deadline(0.05)), deadline)

    with pytest.raises(DirectoryUnavailable, match="all 2 connections are in use"):
        pool.run(nested, Deadline(5.0))


def test_a_deadline_is_shared_and_never_longer_than_its_whole(clock: _Time) -> None:
    whole = Deadline(8.0, clock)

    assert whole.share(2).remaining() == 4.0
    assert whole.part(100.0).remaining() == 8.0
    clock.now += 9.0
    assert whole.remaining() == 0.0
    assert whole.share(0).remaining() == 0.0


def test_a_wire_gives_no_more_than_was_granted() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        wire = Wire(ours, Deadline(5.0))
        wire.grant(Deadline(5.0), 4)
        theirs.sendall(b"12345")

        with pytest.raises(AnswerTooLarge):
            wire.recv(100)
        with pytest.raises(TimeoutError):
            Wire(ours, Deadline(0.0)).sendall(b"x")


def test_a_wire_waits_no_longer_than_its_deadline_however_slowly_bytes_come() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        wire = Wire(ours, Deadline(5.0))
        wire.grant(Deadline(0.05), 10**9)

        def trickle() -> None:
            while True:
                theirs.sendall(b"x")
                wire.recv(1)

        with pytest.raises(TimeoutError):
            trickle()


def test_an_address_is_not_looked_up() -> None:
    assert resolve("127.0.0.1", 1, Deadline(0.0)) == ("127.0.0.1",)
    assert resolve("::1", 1, Deadline(0.0)) == ("::1",)


def test_a_host_is_looked_up() -> None:
    assert "127.0.0.1" in resolve("localhost", 1, Deadline(5.0))


def test_a_look_up_without_an_answer_has_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = threading.Event()

    def wait(*_: object, **__: object) -> list[object]:
        answers.wait(10.0)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", wait)
    try:
        with pytest.raises(TimeoutError):
            resolve("slow.example.test", 1, Deadline(0.05))
    finally:
        answers.set()


def test_a_mute_server_costs_its_deadline(ldap_settings: dict[str, object]) -> None:
    with mute_server() as port:
        url = f"ldap://127.0.0.1:{port}"
        connecting = parse_settings(ldap_settings | {"url": url}).connecting
        pool = Pool(connecting, ServerList(connecting.servers))

        with pytest.raises(DirectoryUnavailable, match="no answer in time"):
            pool.run(_look, Deadline(0.2))
