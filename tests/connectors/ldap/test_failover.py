"""Several servers, one of which is gone (catalogue D-06)."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from connectors.ldap.failover import BAD_FOR, PROBE_AFTER, OwnNotes, ServerList
from connectors.ldap.results import ServerUnusable
from connectors.ldap.settings import Server
from connectors.ldap.source import LdapDirectory
from connectors.ldap.wire import Deadline
from connectors.port import DirectoryMisconfigured, DirectoryUnavailable
from connectors.verdicts import Verdict
from tests.support.directories import PASSWORD, OpenLdap
from tests.support.ldap_proxy import LdapProxy, Request, black_hole, mute_server
from tests.support.ports import free_port
from tests.support.slapd import SlapdServer
from tests.support.waiting import wait_until

DEADLINE = 2.0
LONGEST = 8.0
"""Seconds that a person waits at most; the tests grant a quarter, so that a slow machine passes."""

ONE, TWO = Server("one", 636, is_tls=True), Server("two", 636, is_tls=True)


@contextlib.contextmanager
def _refusing() -> Iterator[int]:
    yield free_port()


SILENT: dict[str, Callable[[], AbstractContextManager[int]]] = {
    "refused": _refusing,
    "mute": mute_server,
    "black-holed": black_hole,
}


@pytest.mark.parametrize("server", SILENT.values(), ids=SILENT)
def test_the_next_server_answers_within_the_deadline_and_then_at_once(
    slapd: SlapdServer, open_ldap: OpenLdap, server: Callable[[], AbstractContextManager[int]]
) -> None:
    with server() as port:
        ldap = open_ldap(url=[f"ldaps://127.0.0.1:{port}", slapd.tls_url], deadline=DEADLINE)
        started = time.monotonic()
        entry = ldap.find_by_login("odd0")
        first = time.monotonic() - started
        assert entry is not None
        started = time.monotonic()

        assert ldap.verify(entry.stable_id, PASSWORD.encode()).verdict is Verdict.RIGHT

        assert first < LONGEST
        assert time.monotonic() - started < LONGEST / 8


@pytest.mark.parametrize("server", SILENT.values(), ids=SILENT)
def test_a_lone_server_is_unavailable_within_the_deadline_and_the_next_caller_at_once(
    open_ldap: OpenLdap, server: Callable[[], AbstractContextManager[int]]
) -> None:
    with server() as port:
        ldap = open_ldap(url=f"ldaps://127.0.0.1:{port}", deadline=0.5)
        started = time.monotonic()
        with pytest.raises(DirectoryUnavailable):
            ldap.find_by_login("odd0")
        assert time.monotonic() - started < LONGEST

        with pytest.raises(DirectoryUnavailable, match="tried again"):
            ldap.find_by_login("odd0")


@pytest.mark.parametrize("code", [51, 52, 80])
@pytest.mark.parametrize("request_kind", [Request.BIND, Request.SEARCH])
def test_a_server_that_says_it_cannot_is_left_for_the_next(
    slapd: SlapdServer,
    proxy: LdapProxy,
    open_ldap: OpenLdap,
    request_kind: Request,
    code: int,
) -> None:
    ldap = open_ldap(url=[proxy.tls_url, slapd.tls_url])
    proxy.answer(request_kind, code)

    assert ldap.find_by_login("odd0") is not None

    heard = len(proxy.requests)
    entry = ldap.find_by_login("odd1")
    assert entry is not None
    assert ldap.verify(entry.stable_id, PASSWORD.encode()).verdict is Verdict.RIGHT
    assert len(proxy.requests) == heard


def test_a_sign_in_that_is_dropped_goes_to_the_next_server(
    slapd: SlapdServer, proxy: LdapProxy, open_ldap: OpenLdap
) -> None:
    ldap = open_ldap(url=[proxy.tls_url, slapd.tls_url])
    entry = ldap.find_by_login("odd0")
    assert entry is not None
    proxy.drop(Request.BIND)

    assert ldap.verify(entry.stable_id, PASSWORD.encode()).verdict is Verdict.RIGHT


def test_a_wrong_password_is_asked_of_one_server_only(
    slapd: SlapdServer, proxy: LdapProxy, open_ldap: OpenLdap
) -> None:
    _, login = slapd.add_person(PASSWORD)
    ldap = open_ldap(url=[slapd.tls_url, proxy.tls_url])
    entry = ldap.find_by_login(login)
    assert entry is not None

    assert ldap.verify(entry.stable_id, b"wrong").verdict is Verdict.WRONG

    assert proxy.requests == []


def test_a_refused_account_of_the_connector_is_not_tried_on_every_server(
    slapd: SlapdServer, proxy: LdapProxy, open_ldap: OpenLdap
) -> None:
    ldap = open_ldap(url=[slapd.tls_url, proxy.tls_url], bind_password="wrong")

    with pytest.raises(DirectoryMisconfigured):
        ldap.find_by_login("odd0")

    assert proxy.requests == []


def test_a_run_stays_on_its_server(
    slapd: SlapdServer, proxy: LdapProxy, open_ldap: OpenLdap
) -> None:
    ldap = open_ldap(url=[proxy.tls_url, slapd.tls_url])

    with ldap.read() as run:
        proxy.drop(Request.SEARCH)
        with pytest.raises(DirectoryUnavailable):
            list(run.entries())


def test_a_server_that_comes_back_is_used_again(proxy: LdapProxy, open_ldap: OpenLdap) -> None:
    ldap = open_ldap(url=proxy.tls_url, deadline=0.5)
    proxy.drop(Request.BIND)
    with pytest.raises(DirectoryUnavailable):
        ldap.find_by_login("odd0")
    proxy.behave()

    def answers() -> bool:
        with contextlib.suppress(DirectoryUnavailable):
            return ldap.find_by_login("odd0") is not None
        return False

    wait_until(answers, what="the server to be tried again", seconds=4 * PROBE_AFTER)


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
def servers(clock: _Time) -> ServerList:
    """Give two servers."""
    return ServerList([ONE, TWO], OwnNotes(clock))


def _tried(servers: ServerList, clock: _Time, *bad: Server) -> list[Server]:
    tried: list[Server] = []

    def attempt(server: Server, _: Deadline) -> Server:
        tried.append(server)
        if server in bad:
            raise DirectoryUnavailable(server.host)
        return server

    with contextlib.suppress(DirectoryUnavailable):
        servers.try_each(Deadline(8.0, clock), attempt)
    return tried


def test_servers_are_tried_in_order(servers: ServerList, clock: _Time) -> None:
    assert _tried(servers, clock) == [ONE]
    assert _tried(servers, clock, ONE) == [ONE, TWO]


def test_one_that_failed_is_left_alone_and_then_tried_once(
    servers: ServerList, clock: _Time
) -> None:
    assert _tried(servers, clock, ONE) == [ONE, TWO]
    assert _tried(servers, clock) == [TWO]
    clock.now += BAD_FOR
    assert _tried(servers, clock, ONE) == [ONE, TWO]
    assert _tried(servers, clock) == [TWO]
    clock.now += BAD_FOR
    assert _tried(servers, clock) == [ONE]
    assert _tried(servers, clock) == [ONE]


def test_when_none_answers_one_caller_tries_again_soon(servers: ServerList, clock: _Time) -> None:
    assert _tried(servers, clock, ONE, TWO) == [ONE, TWO]
    assert _tried(servers, clock, ONE, TWO) == []
    clock.now += PROBE_AFTER
    assert _tried(servers, clock, ONE, TWO) == [ONE, TWO]
    assert _tried(servers, clock) == []
    clock.now += PROBE_AFTER
    assert _tried(servers, clock) == [ONE]


def test_while_one_caller_tries_a_server_the_others_do_not(
    servers: ServerList, clock: _Time
) -> None:
    _tried(servers, clock, ONE)
    clock.now += BAD_FOR
    seen: list[list[Server]] = []

    def attempt(server: Server, _: Deadline) -> Server:
        if server is ONE:
            seen.append(_tried(servers, clock))
        return server

    servers.try_each(Deadline(8.0, clock), attempt)

    assert seen == [[TWO]]


def test_the_time_is_shared_among_the_servers(clock: _Time) -> None:
    servers = ServerList([ONE, TWO], OwnNotes(clock))
    granted: list[float] = []

    def attempt(server: Server, part: Deadline) -> None:
        granted.append(part.remaining())
        clock.now += part.remaining()
        raise DirectoryUnavailable(server.host)

    with pytest.raises(DirectoryUnavailable, match="one; two"):
        servers.try_each(Deadline(8.0, clock), attempt)

    assert granted == [4.0, 4.0]


def test_servers_whose_certificates_are_all_refused_are_misconfigured(
    servers: ServerList, clock: _Time
) -> None:
    def attempt(server: Server, _: Deadline) -> None:
        raise ServerUnusable(server.host)

    with pytest.raises(DirectoryMisconfigured, match="one; two"):
        servers.try_each(Deadline(8.0, clock), attempt)


def test_many_threads_share_a_source(open_ldap: OpenLdap) -> None:
    ldap = open_ldap(pool_size=3)
    wrong: list[object] = []

    def look() -> None:
        for number in range(20):
            login = f"u{number:06}"
            entry = ldap.find_by_login(login)
            if entry is None or entry.login != login:
                wrong.append((login, entry))

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


def test_no_more_connections_are_open_than_were_granted(
    proxy: LdapProxy, open_ldap: OpenLdap
) -> None:
    ldap: LdapDirectory = open_ldap(url=proxy.tls_url, pool_size=2, deadline=0.5)
    proxy.stall(Request.SEARCH)
    reasons: list[str] = []

    def look() -> None:
        try:
            ldap.find_by_login("odd0")
        except DirectoryUnavailable as error:
            reasons.append(error.reason)

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(reasons) == 6
    assert proxy.requests.count(Request.SEARCH) <= 2
