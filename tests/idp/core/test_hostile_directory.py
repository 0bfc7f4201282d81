"""A directory that sends whatever it likes: an end to everything, and nobody is changed (D-12).

What single answers do is in `tests/connectors/ldap`; here the worker and somebody who signs in meet
them.
"""

import resource
from collections.abc import Callable, Iterator

import pytest

from idp.clock import FakeClock
from idp.core.directory_sign_in import RETRY_AFTER, DirectoryDown
from idp.core.login import LoggedIn, LoginOutcome, LoginRefused, SignInForm, sign_in
from idp.core.sync.runs import RunMode, RunState, find_last_run
from idp.jobs.runner import Runner
from idp.store.directories import DirectoryStageRow
from idp.store.users import UserRow
from tests.support.directories import PASSWORD
from tests.support.directory_world import CORP, Directory
from tests.support.ldap_proxy import PAGED, LdapProxy, Request, control, write
from tests.support.sizes import is_full_size
from tests.support.syncing import sync_to_end
from tests.support.world import STAFF, World, open_world

POLICY = "1.3.6.1.4.1.42.2.27.8.5.1"
ENDLESS, LAST = (
    control(PAGED.decode(), write(0x30, write(0x02, b"\0") + write(0x04, cookie)))
    for cookie in (b"again", b"")
)
BROKEN = b"0\x05\x02\x01\x02\x7f\x00"
MANY = 1_000_000 if is_full_size() else 200_000
MOST_MIB = 512


@pytest.fixture
def login(directory: Directory) -> str:
    """Give somebody of the directory."""
    return directory.person()[1]


@pytest.fixture
def world(sqlite_url: str, clock: FakeClock, directory: Directory, login: str) -> Iterator[World]:
    """Give a product that read everybody once, when the directory meant well."""
    with open_world(sqlite_url, clock, settings=directory.settings()) as opened:
        sync_to_end(opened, CORP, RunMode.FULL)
        assert login
        yield opened


def _attempt(world: World, login: str, password: str = PASSWORD) -> LoginOutcome:
    world.advance(minutes=1)
    world.runtime.directories.source(CORP).close()
    return sign_in(world.runtime, STAFF, SignInForm(username=login, password=password))


def _everybody(world: World) -> list[tuple[str, str, int]]:
    with world.begin(write=False) as uow:
        return sorted((u.username, u.status, u.version) for u in uow.db.query(UserRow))


def _work(world: World) -> RunState:
    """Let a worker do what is due two days later; return what became of its run."""
    world.advance(days=2)
    Runner(world.runtime).run_once()
    with world.begin(write=False) as uow:
        run = find_last_run(uow, CORP)
        assert run is not None
        return run.state


def _endless(proxy: LdapProxy) -> None:
    proxy.find("uid=x,ou=people,dc=example,dc=test", "uid", "x", extra=ENDLESS)


def _empty(proxy: LdapProxy) -> None:
    proxy.answer(Request.SEARCH, 0, extra=ENDLESS)


def _broken(proxy: LdapProxy) -> None:
    proxy.say(Request.SEARCH, BROKEN)


def _oversized(proxy: LdapProxy) -> None:
    proxy.say(Request.SEARCH, b"0\x84\x7f\xff\xff\xff" + bytes(200 * 1024 * 1024))


HOSTILE: dict[str, Callable[[LdapProxy], None]] = {
    "endless pages": _endless,
    "endless empty pages": _empty,
    "broken BER": _broken,
    "an answer of 200 MB": _oversized,
}


@pytest.mark.parametrize("act", HOSTILE.values(), ids=HOSTILE)
def test_a_worker_outlives_it_and_nobody_is_changed(
    world: World, directory: Directory, login: str, act: Callable[[LdapProxy], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("connectors.ldap.paging.MOST_PAGES", 300)
    before = _everybody(world)
    act(directory.proxy)

    assert _work(world) is RunState.FAILED

    assert _everybody(world) == before
    assert world.count(DirectoryStageRow) == 0
    directory.proxy.behave()
    assert _work(world) is RunState.APPLIED
    assert isinstance(_attempt(world, login), LoggedIn)


def test_very_many_values_cost_bounded_memory_and_nobody(
    world: World, directory: Directory, login: str
) -> None:
    values = [f"{number:07}@example.test" for number in range(MANY)]
    directory.proxy.find(
        f"uid={login},ou=people,dc=example,dc=test", "mail", *values, needle=PAGED, extra=LAST
    )
    before, peak = _everybody(world), _peak_mib()

    state = _work(world)

    assert state is RunState.HELD
    assert _everybody(world) == before
    assert _peak_mib() - peak < MOST_MIB


def _peak_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


@pytest.mark.parametrize("act", [_broken, _oversized], ids=["broken BER", "an answer of 200 MB"])
def test_somebody_who_signs_in_is_told_that_the_directory_does_not_answer(
    world: World, directory: Directory, login: str, act: Callable[[LdapProxy], None]
) -> None:
    act(directory.proxy)

    assert _attempt(world, login) == DirectoryDown()

    directory.proxy.behave()
    world.advance(seconds=RETRY_AFTER)
    assert isinstance(_attempt(world, login), LoggedIn)


@pytest.mark.parametrize("broken", [b"", b"x", b"\x30\x84\x7f\xff\xff\xff"])
def test_a_malformed_password_policy_control_opens_nothing(
    world: World, directory: Directory, login: str, broken: bytes
) -> None:
    own = f"uid={login},".encode()
    directory.proxy.answer(Request.BIND, 0, needle=own, extra=control(POLICY, broken))
    let_in = _attempt(world, login, "wrong")
    directory.proxy.behave()
    directory.proxy.answer(Request.BIND, 49, needle=own, extra=control(POLICY, broken))

    refused = _attempt(world, login, "wrong")

    assert (let_in, refused) == (DirectoryDown(), LoginRefused())
    with world.begin(write=False) as uow:
        user = uow.db.query(UserRow).filter_by(username=login).one()
    assert world.credential(user.id).failures == 1
