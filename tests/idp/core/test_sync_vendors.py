"""The whole bridge over each vendor: import, no change, sign-in, disabled, gone.

Also what Windows says to a sign-in, and passwords that somebody would normalise (D-08, D-11).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from connectors.port import PasswordVerifier
from connectors.verdicts import Verdict
from idp.clock import FakeClock, SystemClock
from idp.core.gate import find_account, must_change
from idp.core.login import LoggedIn, LoginRefused, SignInForm, sign_in
from idp.core.sync.runs import RunMode
from idp.core.sync_schedule import Synced
from idp.ids import UserId
from idp.store.directories import DirectoryLinkRow
from idp.store.users import UserRow
from tests.support import samba_data
from tests.support.directories import PASSWORD, SPELLINGS, list_groups, list_odd_people
from tests.support.directory_world import add_entry
from tests.support.ds389 import Ds389Server, running_ds389
from tests.support.freeipa import (
    SYSTEM_ACCOUNT,
    SYSTEM_PASSWORD,
    USER_GROUPS,
    USERS,
    add_system_account,
    add_user,
    preserve,
    running_freeipa,
)
from tests.support.ldap_proxy import Request, running_proxy
from tests.support.pages import visitor
from tests.support.samba import SambaServer, running_samba
from tests.support.slapd import GROUPS, PEOPLE, SERVICE, SERVICE_PASSWORD
from tests.support.story import open_story
from tests.support.syncing import sync_to_end
from tests.support.world import STAFF, World, open_world

NAME = "corp"
UNAUTHORIZED = 401


@pytest.fixture(scope="module")
def samba() -> Iterator[SambaServer]:
    """Give a real Active Directory domain controller."""
    with running_samba() as server:
        yield server


@pytest.fixture(scope="module")
def ds389() -> Iterator[Ds389Server]:
    """Give a real 389 Directory Server."""
    with running_ds389(list_odd_people(), list_groups()) as server:
        yield server


@pytest.fixture
def freeipa() -> Iterator[Ds389Server]:
    """Give a real server that is laid out as FreeIPA."""
    with running_freeipa() as server:
        add_system_account(server)
        yield server


@dataclass
class Bridge:
    """The product beside a directory."""

    world: World

    def sync(self, mode: RunMode = RunMode.INCREMENTAL) -> Synced:
        """Read and apply to the end."""
        self.world.advance(minutes=1)
        synced = sync_to_end(self.world, NAME, mode)
        assert synced.run.held_because == ()
        return synced

    def user(self, login: str) -> UserRow:
        """Return the account of a login."""
        with self.world.begin(write=False) as uow:
            link = uow.db.query(DirectoryLinkRow).filter_by(login=login).one()
            user: UserRow = uow.db.get_one(UserRow, (STAFF, link.user_id))
            return user

    def gets_in(self, login: str) -> bool:
        """Tell whether somebody signs in."""
        form = SignInForm(username=login, password=PASSWORD)
        return isinstance(sign_in(self.world.runtime, STAFF, form), LoggedIn)

    def must_change(self, login: str) -> bool:
        """Tell whether somebody is asked for a new password."""
        user_id = UserId(self.user(login).id)
        with self.world.begin(write=False) as uow:
            facts = find_account(uow, user_id)
            assert facts is not None
            return must_change(facts, uow.now)


def _open(database_url: str, **connector: Any) -> Iterator[Bridge]:  # noqa: ANN401 - settings
    settings = {
        "kind": "ldap",
        "base": PEOPLE,
        "group_base": GROUPS,
        "bind_password": SERVICE_PASSWORD,
        **connector,
    }
    clock = FakeClock(SystemClock().now())
    with open_world(database_url, clock, settings={"connectors": {NAME: settings}}) as world:
        yield Bridge(world)


@pytest.fixture
def at_ad(database_url: str, samba: SambaServer) -> Iterator[Bridge]:
    """Give the product beside Active Directory."""
    yield from _open(
        database_url,
        vendor="active-directory",
        url=samba.tls_url,
        ca_file=str(samba.authority.ca_file),
        bind_dn=samba_data.SERVICE,
    )


@pytest.fixture
def at_389(database_url: str, ds389: Ds389Server) -> Iterator[Bridge]:
    """Give the product beside 389-ds."""
    yield from _open(
        database_url,
        vendor="389ds",
        url=ds389.tls_url,
        ca_file=str(ds389.authority.ca_file),
        bind_dn=SERVICE,
    )


@pytest.fixture
def at_ipa(database_url: str, freeipa: Ds389Server) -> Iterator[Bridge]:
    """Give the product beside FreeIPA."""
    yield from _open(
        database_url,
        vendor="freeipa",
        url=freeipa.tls_url,
        ca_file=str(freeipa.authority.ca_file),
        bind_dn=SYSTEM_ACCOUNT,
        bind_password=SYSTEM_PASSWORD,
        base=USERS,
        group_base=USER_GROUPS,
    )


def _import(bridge: Bridge, *, at_least: int = 50) -> None:
    first = bridge.sync(RunMode.FULL)
    assert first.run.counts["create"] >= at_least
    again = bridge.sync(RunMode.FULL)
    assert again.plan_id is None, again.run.counts


def test_active_directory(at_ad: Bridge, samba: SambaServer) -> None:
    dn, login = samba.add_person(PASSWORD)
    _import(at_ad)
    sub = at_ad.user(login).sub
    assert at_ad.gets_in(login)

    samba.tools.change(dn, "replace: displayName", "displayName: Somebody Else")
    assert at_ad.sync().run.mode is RunMode.INCREMENTAL
    assert at_ad.user(login).name == "Somebody Else"

    off = samba_data.ORDINARY | samba_data.DISABLED
    samba.tools.change(dn, "replace: userAccountControl", f"userAccountControl: {off}")
    at_ad.sync()
    assert at_ad.user(login).status == "inactive"
    assert not at_ad.gets_in(login)

    samba.tools.delete(dn)
    at_ad.sync(RunMode.SWEEP)
    assert (at_ad.user(login).status, at_ad.user(login).sub) == ("inactive", sub)


def test_389_directory_server(at_389: Bridge, ds389: Ds389Server) -> None:
    dn, login = ds389.add_person(PASSWORD)
    _import(at_389)
    sub = at_389.user(login).sub
    assert at_389.gets_in(login)

    ds389.tools.change(dn, "replace: displayName", "displayName: Somebody Else")
    assert at_389.sync().run.mode is RunMode.INCREMENTAL
    assert at_389.user(login).name == "Somebody Else"

    ds389.tools.change(dn, "replace: nsAccountLock", "nsAccountLock: true")
    at_389.sync()
    assert at_389.user(login).status == "inactive"
    assert not at_389.gets_in(login)

    ds389.tools.delete(dn)
    at_389.sync(RunMode.SWEEP)
    assert (at_389.user(login).status, at_389.user(login).sub) == ("inactive", sub)


def test_freeipa_ends_accounts_and_passwords_when_their_time_is_over(
    at_ipa: Bridge, freeipa: Ds389Server
) -> None:
    soon = at_ipa.world.runtime.clock.now() + timedelta(hours=1)
    dn = add_user(freeipa, "leaving", PASSWORD, krbPrincipalExpiration=soon)
    add_user(freeipa, "late", PASSWORD, krbPasswordExpiration=soon)
    _import(at_ipa, at_least=2)
    assert at_ipa.gets_in("leaving")
    assert at_ipa.gets_in("late")
    assert not at_ipa.must_change("late")

    at_ipa.world.advance(hours=2)

    assert not at_ipa.gets_in("leaving")
    assert at_ipa.gets_in("late")
    assert at_ipa.must_change("late")

    freeipa.tools.change(dn, "delete: krbPrincipalExpiration")
    assert at_ipa.sync().run.mode is RunMode.INCREMENTAL
    assert at_ipa.gets_in("leaving")

    freeipa.tools.change(dn, *preserve("leaving"))
    at_ipa.sync(RunMode.SWEEP)
    assert at_ipa.user("leaving").status == "inactive"
    assert not at_ipa.gets_in("leaving")


def _beside_ad(samba: SambaServer, **own: object) -> dict[str, dict[str, object]]:
    """Return the settings of a product that nobody was imported into."""
    return {
        "connectors": {
            NAME: {
                "kind": "ldap",
                "vendor": "active-directory",
                "url": samba.tls_url,
                "ca_file": str(samba.authority.ca_file),
                "bind_dn": samba_data.SERVICE,
                "bind_password": SERVICE_PASSWORD,
                "base": PEOPLE,
                **own,
            }
        }
    }


def test_passwords_that_somebody_would_normalise_work_on_our_pages(
    sqlite_url: str, samba: SambaServer
) -> None:
    clock = FakeClock(SystemClock().now())
    settings = _beside_ad(samba, write_back=True)
    with open_story(sqlite_url, clock=clock, settings=settings) as story:
        story.world.publish_policy({"rules": {"length": {"min": 1, "max": 256}}})
        source = story.world.runtime.directories.source(NAME)
        assert isinstance(source, PasswordVerifier)
        for name, spelling in SPELLINGS.items():
            _, login = samba.add_person(spelling)
            add_entry(story.world, login)
            person = visitor(story)

            assert person.sign_in(login, spelling).page == "account", name
            assert person.change_password(spelling, PASSWORD).page == "account", name
            assert person.change_password(PASSWORD, spelling).page == "account", name

            entry = source.find_by_login(login)
            assert entry is not None
            said = source.verify(entry.stable_id, spelling.encode())
            assert said.verdict is Verdict.RIGHT, name
            assert visitor(story).sign_in(login, f"{spelling}x").status == UNAUTHORIZED, name


WINDOWS_ERRORS = {
    "525": "directory_unknown",
    "52e": "wrong_password",
    "530": "directory_refused",
    "531": "directory_refused",
    "533": "directory_disabled",
    "701": "directory_disabled",
    "775": "directory_locked",
}
ASKS_FOR_CHANGE = ("532", "773")


def test_d_11_what_windows_says_is_told_to_the_trail_alone(
    sqlite_url: str, samba: SambaServer
) -> None:
    clock = FakeClock(SystemClock().now())
    with running_proxy(samba.port, samba.authority.certify("proxy")) as proxy:
        settings = _beside_ad(samba, url=proxy.tls_url)
        with open_world(sqlite_url, clock, settings=settings) as world:
            for data in (*WINDOWS_ERRORS, *ASKS_FOR_CHANGE):
                dn, login = samba.add_person(PASSWORD)
                user_id = add_entry(world, login)
                proxy.behave()
                said = f"80090308: LdapErr: DSID-0C0903A9, comment: ..., data {data}, v4563"
                needle = dn.partition(",")[0].partition("=")[2].encode() + b","
                proxy.answer(Request.BIND, 49, needle=needle, message=said)

                outcome = sign_in(world.runtime, STAFF, SignInForm(username=login, password="x"))

                if data in ASKS_FOR_CHANGE:
                    assert isinstance(outcome, LoggedIn), data
                    with world.begin(write=False) as uow:
                        facts = find_account(uow, user_id)
                        assert facts is not None
                        assert must_change(facts, uow.now), data
                else:
                    assert outcome == LoginRefused(), data
                    params = world.events()[-1].params
                    assert params["reason"] == WINDOWS_ERRORS[data]
                    assert params["detail"] == f"code 49, data {data}"
