"""Sign-in at a running server while servers of its directories are gone (catalogue D-06).

Each directory has two servers, of which one fails in a way of its own; then no server is left.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import NamedTuple

import pytest
import sqlalchemy as sa

from idp.app import assemble, start_quiet_log
from idp.clock import FakeClock
from idp.config import Hashing, load
from idp.core.group_roles import grant_group_role
from idp.core.groups import get_group
from idp.core.profiles import Profile
from idp.core.roles import AdminRole, grant_role, roles_by_user
from idp.core.runtime import Runtime
from idp.core.sync.runs import RunMode
from idp.core.users import NewUser, create_user, find_user
from idp.core.work import HOST
from idp.store.directory_servers import DirectoryServerRow
from idp.store.throttle import ThrottleRow
from idp.store.users import CredentialRow
from tests.campaigns.browsers import Person
from tests.campaigns.fleet import PASSWORD as LOCAL_PASSWORD
from tests.campaigns.fleet import start
from tests.support.directories import PASSWORD
from tests.support.installation import Installation, write_installation
from tests.support.ldap_proxy import LdapProxy, Request, black_hole, mute_server, running_proxy
from tests.support.ports import LOOPBACK, free_port
from tests.support.record import record
from tests.support.sizes import campaign_size, is_full_size
from tests.support.slapd import (
    GROUPS,
    PEOPLE,
    SERVICE,
    SERVICE_PASSWORD,
    SlapdServer,
    person,
    running_slapd,
)
from tests.support.syncing import sync_to_end
from tests.support.world import STAFF, CollectedMail, World

pytestmark = [pytest.mark.campaign, pytest.mark.servers, pytest.mark.timeout(0)]
FAILURES = ("refused", "mute", "black-holed", "busy", "unavailable", "dropping")
CODES = {"busy": 51, "unavailable": 52}
GONE = "gone"
"""The directory whose people are told; one of its groups gives a role."""
SECOND = "second"
"""The server that all others have beside their first."""
OWNERS = "owners"
OWNER = "root"
OK, SEE_OTHER, UNAVAILABLE = 200, 303, 503
_LONGEST, _AT_ONCE, _LOCAL = 8.0, 1.0, 0.3
"""Seconds: the first sign-in past a dead server, the next one, and one that asks no directory."""
_HASTY: dict[str, object] = {"deadline": 2.0, "connect_timeout": 1.0}
"""What `make test` grants the servers; the stated size runs with the defaults."""
_STATED_HASHING = {"memory_kib": Hashing().memory_kib, "time_cost": Hashing().time_cost}
"""What hashes cost in use, at the stated size."""
_ONLY_WHEN_ASKED = {"changes_every": "PT0S", "sweep_every": "PT0S", "full_every": "PT0S"}
_SIGN_INS = 20
_WORKERS = 2
_ON_EVERY_WORKER = 10
"""So many sign-ins reach all of them, but once in five hundred times."""


class Seen(NamedTuple):
    """What became of a sign-in, how many seconds it took, and the page it ended on."""

    status: int
    seconds: float
    page: str


@dataclass
class Site:
    """A running server, and how its directories fail."""

    installation: Installation
    world: World
    proxies: dict[str, LdapProxy]

    def sign_in(self, username: str, password: str = PASSWORD) -> Seen:
        """Sign in with a browser of one's own, from the form to the page behind it."""
        browser = Person(self.installation.port)
        began = time.perf_counter()
        browser.look()
        status, _ = browser.sign_in(username, password)
        if status == SEE_OTHER:
            assert browser.follow() == OK
        seen = Seen(status, time.perf_counter() - began, browser.shown)
        browser.close()
        return seen

    def asked(self) -> int:
        """Return how often any directory was asked something, or connected to."""
        return sum(len(proxy.requests) + proxy.connections for proxy in self.proxies.values())

    def counted(self) -> tuple[set[int], int]:
        """Return how many failures accounts have, and how many brakes count something."""
        with self.world.begin(write=False) as uow:
            failures = set(uow.db.scalars(sa.select(CredentialRow.failures)))
            brakes = uow.db.scalars(sa.select(ThrottleRow).where(ThrottleRow.count > 0)).all()
            return failures, len(brakes)

    def forget_failures(self) -> None:
        """Let no process know of a server that failed."""
        with self.world.begin() as uow:
            uow.db.execute(sa.delete(DirectoryServerRow))

    def roles(self, username: str) -> tuple[str, ...]:
        """Return the administrator roles of somebody."""
        with self.world.begin(write=False) as uow:
            user = find_user(uow, username)
            assert user is not None
            return roles_by_user(uow, [user.id]).get(user.id, ())


def _below(name: str) -> str:
    return f"ou={name},{PEOPLE}"


@pytest.fixture(scope="module")
def slapd() -> Iterator[SlapdServer]:
    """Give a directory with a branch for each failure, two people in each, and a group."""
    names = (*FAILURES, GONE)
    units = [
        (_below(name), {"objectClass": ["organizationalUnit"], "ou": [name]}) for name in names
    ]
    people = [
        (f"uid={login},{_below(name)}", person(login, PASSWORD))
        for name in names
        for login in (f"{name}-1", f"{name}-2")
    ]
    owners = {
        "objectClass": ["groupOfNames"],
        "cn": [OWNERS],
        "member": [f"uid={GONE}-1,{_below(GONE)}"],
    }
    with running_slapd([*units, *people, (f"cn={OWNERS},{GROUPS}", owners)]) as server:
        yield server


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, slapd: SlapdServer) -> Iterator[Site]:
    """Give a running server with everybody read, before anything failed but what is silent."""
    start_quiet_log()
    folder = tmp_path_factory.mktemp("fail-over")
    certificate = slapd.authority.certify("proxy")
    with ExitStack() as held:
        proxies = {
            name: held.enter_context(running_proxy(slapd.port, certificate))
            for name in (*FAILURES, GONE, SECOND)
        }
        ports = {
            "refused": free_port(),
            "mute": held.enter_context(mute_server()),
            "black-holed": held.enter_context(black_hole()),
        }
        settings: dict[str, dict[str, object]] = {"server": {"workers": _WORKERS}}
        if is_full_size():
            settings["hashing"] = dict(_STATED_HASHING)
        for name in (*FAILURES, GONE):
            first = f"ldaps://{LOOPBACK}:{ports.get(name, proxies[name].tls_port)}"
            settings[f"connectors.{name}"] = {
                "kind": "ldap",
                "url": [first, proxies[SECOND].tls_url],
                "ca_file": str(slapd.authority.ca_file),
                "bind_dn": SERVICE,
                "bind_password": SERVICE_PASSWORD,
                "base": _below(name),
                **({"group_base": GROUPS} if name == GONE else {}),
                **_ONLY_WHEN_ASKED,
                **({} if is_full_size() else _HASTY),
            }
        installation = write_installation(folder, settings=settings)
        installation.set_up()
        runtime = assemble(load(installation.config, {}))
        held.callback(runtime.database.close)
        held.callback(runtime.directories.close)
        world = World(runtime, FakeClock(), CollectedMail())
        for name in (*FAILURES, GONE):
            sync_to_end(world, name, RunMode.FULL)
        _make_owners(runtime)
        server = start(installation)
        held.callback(server.stop)
        yield Site(installation, world, proxies)


def _make_owners(runtime: Runtime) -> None:
    """Have an owner of our own, and owners through a group of a directory."""
    root = NewUser(profile=Profile(username=OWNER), password=LOCAL_PASSWORD)
    user_id = create_user(runtime, STAFF, root, HOST).id
    with runtime.begin(STAFF, actor=HOST) as uow:
        grant_role(uow, user_id, AdminRole.OWNER)
        grant_group_role(uow, get_group(uow, OWNERS).id, AdminRole.OWNER)


@pytest.fixture
def blackout(site: Site) -> Iterator[Site]:
    """Give the site while no server of any directory answers."""
    for proxy in site.proxies.values():
        for request in (Request.BIND, Request.SEARCH):
            proxy.drop(request)
    yield site
    for proxy in site.proxies.values():
        proxy.behave()


@pytest.mark.parametrize("name", FAILURES)
def test_d_06_the_next_server_lets_people_in_and_then_at_once(site: Site, name: str) -> None:
    if name in CODES:
        for request in (Request.BIND, Request.SEARCH):
            site.proxies[name].answer(request, CODES[name])
    elif name == "dropping":
        site.proxies[name].drop(Request.BIND)
    site.forget_failures()

    slow, *others = [site.sign_in(f"{name}-{n % 2 + 1}") for n in range(1 + _ON_EVERY_WORKER)]

    assert {each.status for each in (slow, *others)} == {SEE_OTHER}
    longest = max(each.seconds for each in others)
    told = f"first server {name}: sign-in {slow.seconds:.2f} s"
    record(f"{told}, each of the next {len(others)} within {longest:.2f} s")
    if is_full_size():
        assert slow.seconds <= _LONGEST
        assert longest <= _AT_ONCE


@pytest.mark.parametrize("is_known", [False, True], ids=["unnoticed", "known"])
def test_d_06_a_local_administrator_signs_in_when_every_server_is_gone(
    blackout: Site, *, is_known: bool
) -> None:
    if is_known:
        assert blackout.sign_in(f"{GONE}-2").status == UNAVAILABLE
    asked = blackout.asked()

    # The first may find a process that has just started: its time is told, not judged.
    first = blackout.sign_in(OWNER, LOCAL_PASSWORD)
    others = [blackout.sign_in(OWNER, LOCAL_PASSWORD) for _ in range(campaign_size(_SIGN_INS))]

    assert blackout.roles(OWNER) == (AdminRole.OWNER,)
    assert {each.status for each in (first, *others)} == {SEE_OTHER}
    assert blackout.asked() == asked
    longest = max(each.seconds for each in others)
    told = f"every server gone: an administrator in within {first.seconds:.3f} s"
    record(f"{told}, each of the next {len(others)} within {longest:.3f} s")
    assert not is_full_size() or longest <= _LOCAL


def test_d_06_an_administrator_through_a_directory_that_is_gone_is_told_so_and_not_counted(
    blackout: Site,
) -> None:
    assert blackout.roles(f"{GONE}-1") == (AdminRole.OWNER,)
    counted = blackout.counted()

    right, wrong = blackout.sign_in(f"{GONE}-1"), blackout.sign_in(f"{GONE}-1", "a wrong password")

    assert (right.status, wrong.status) == (UNAVAILABLE, UNAVAILABLE)
    assert "directory does not answer just now" in right.page
    assert counted == blackout.counted() == ({0}, 0)
    record(f"every server gone: told in {right.seconds:.2f} s")
    assert not is_full_size() or right.seconds <= _LONGEST
