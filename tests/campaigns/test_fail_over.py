"""Sign-in at a running server while servers of its directories are gone (catalogue D-06).

Each directory has two servers, of which one fails in a way of its own. The last has none left.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from idp.app import assemble, start_quiet_log
from idp.clock import FakeClock
from idp.config import load
from idp.core.profiles import Profile
from idp.core.sync.runs import RunMode
from idp.core.users import NewUser, create_user
from idp.core.work import HOST
from idp.store.users import CredentialRow
from tests.campaigns.browsers import Person
from tests.campaigns.fleet import PASSWORD as LOCAL_PASSWORD
from tests.campaigns.fleet import start
from tests.support.directories import PASSWORD
from tests.support.installation import Installation, write_installation
from tests.support.ldap_proxy import LdapProxy, Request, black_hole, mute_server, running_proxy
from tests.support.ports import LOOPBACK, free_port
from tests.support.record import record
from tests.support.sizes import is_full_size
from tests.support.slapd import (
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
"""The directory both servers of which are gone."""
SEE_OTHER, REFUSED, UNAVAILABLE = 303, 401, 503
_LONGEST, _AT_ONCE, _LOCAL = 8.0, 1.0, 0.3
"""Seconds: the first sign-in past a dead server, the next one, and one that asks no directory."""
_HASTY: dict[str, object] = {"deadline": 2.0, "connect_timeout": 1.0}
"""What `make test` grants the servers; the stated size runs with the defaults."""


@dataclass
class Site:
    """A running server, and how its directories fail."""

    installation: Installation
    world: World
    proxies: dict[str, LdapProxy]

    def sign_in(self, username: str, password: str = PASSWORD) -> tuple[int, float]:
        """Sign in with a browser of one's own; return the status and how many seconds it took."""
        browser = Person(self.installation.port)
        browser.look()
        began = time.perf_counter()
        status, _ = browser.sign_in(username, password)
        seconds = time.perf_counter() - began
        browser.close()
        return status, seconds

    def asked(self) -> int:
        """Return how often any directory was asked something, or connected to."""
        return sum(len(proxy.requests) + proxy.connections for proxy in self.proxies.values())


def _below(name: str) -> str:
    return f"ou={name},{PEOPLE}"


@pytest.fixture(scope="module")
def slapd() -> Iterator[SlapdServer]:
    """Give a directory with a branch for each failure, and two people in each."""
    names = (*FAILURES, GONE)
    units = [
        (_below(name), {"objectClass": ["organizationalUnit"], "ou": [name]}) for name in names
    ]
    people = [
        (f"uid={login},{_below(name)}", person(login, PASSWORD))
        for name in names
        for login in (f"{name}-1", f"{name}-2")
    ]
    with running_slapd([*units, *people]) as server:
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
            for name in (*FAILURES, GONE)
        }
        ports = {
            "refused": free_port(),
            "mute": held.enter_context(mute_server()),
            "black-holed": held.enter_context(black_hole()),
        }
        settings: dict[str, dict[str, object]] = {"server": {"workers": 1}}
        for name, proxy in proxies.items():
            first = f"ldaps://{LOOPBACK}:{ports.get(name, proxy.tls_port)}"
            settings[f"connectors.{name}"] = {
                "kind": "ldap",
                "url": [first, proxy.tls_url if name == GONE else slapd.tls_url],
                "ca_file": str(slapd.authority.ca_file),
                "bind_dn": SERVICE,
                "bind_password": SERVICE_PASSWORD,
                "base": _below(name),
                **({} if is_full_size() else _HASTY),
            }
        installation = write_installation(folder, settings=settings)
        installation.set_up()
        runtime = assemble(load(installation.config, {}))
        held.callback(runtime.database.close)
        held.callback(runtime.directories.close)
        world = World(runtime, FakeClock(), CollectedMail())
        for name in proxies:
            sync_to_end(world, name, RunMode.FULL)
        admin = NewUser(profile=Profile(username="root"), password=LOCAL_PASSWORD)
        create_user(runtime, STAFF, admin, HOST)
        server = start(installation)
        held.callback(server.stop)
        yield Site(installation, world, proxies)


@pytest.mark.parametrize("name", FAILURES)
def test_d_06_the_next_server_lets_people_in_and_then_at_once(site: Site, name: str) -> None:
    if name in CODES:
        for request in (Request.BIND, Request.SEARCH):
            site.proxies[name].answer(request, CODES[name])
    elif name == "dropping":
        site.proxies[name].drop(Request.BIND)

    (first, slow), (second, fast) = site.sign_in(f"{name}-1"), site.sign_in(f"{name}-2")

    assert (first, second) == (SEE_OTHER, SEE_OTHER)
    record(f"first server {name}: sign-in {slow:.2f} s, the next {fast:.2f} s")
    if is_full_size():
        assert slow <= _LONGEST
        assert fast <= _AT_ONCE


def test_d_06_nobody_is_counted_and_administrators_sign_in_when_every_server_is_gone(
    site: Site,
) -> None:
    for request in (Request.BIND, Request.SEARCH):
        site.proxies[GONE].drop(request)

    status, seconds = site.sign_in(f"{GONE}-1")
    again, _ = site.sign_in(f"{GONE}-1", "a wrong password")
    asked = site.asked()
    local, local_seconds = site.sign_in("root", LOCAL_PASSWORD)

    assert (status, again, local) == (UNAVAILABLE, UNAVAILABLE, SEE_OTHER)
    assert site.asked() == asked
    with site.world.begin(write=False) as uow:
        assert {row.failures for row in uow.db.query(CredentialRow)} == {0}
    record(f"every server gone: told in {seconds:.2f} s, an administrator in {local_seconds:.2f} s")
    if is_full_size():
        assert seconds <= _LONGEST
        assert local_seconds <= _LOCAL
