"""The ten minutes of `docs/directories.md`, with each directory, until somebody signs in."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support import samba_data
from tests.support.certificates import Authority
from tests.support.demo import type_password
from tests.support.directory_guide import (
    add_guide_table,
    guide_account,
    guide_commands,
    guide_sign_in,
)
from tests.support.freeipa import (
    SYSTEM_PASSWORD,
    add_user,
    add_user_group,
    running_freeipa,
)
from tests.support.installation import Installation, write_installation
from tests.support.samba import running_samba
from tests.support.servers import IdpServer, run_idp, start_idp
from tests.support.slapd import GROUPS, PEOPLE, SERVICE_PASSWORD, running_slapd

pytestmark = [pytest.mark.servers, pytest.mark.browser]
PASSWORD = "correct Horse 7"


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """A directory with somebody in it.

    Attributes:
        part: where the guide tells of it.
        there: settings that are its own.
    """

    part: str
    vendor: str
    authority: Authority
    secret: str = field(repr=False)
    there: Mapping[str, str]
    login: str


@contextmanager
def _openldap() -> Iterator[Directory]:
    with running_slapd([]) as server:
        _, login = server.add_person(PASSWORD, givenName="Ada")
        yield Directory(
            part="Ten minutes with OpenLDAP",
            vendor="OpenLDAP",
            authority=server.authority,
            secret=SERVICE_PASSWORD,
            there={"url": server.tls_url},
            login=login,
        )


@contextmanager
def _active_directory() -> Iterator[Directory]:
    with running_samba() as server:
        _, login = server.add_person(PASSWORD)
        yield Directory(
            part="Active Directory",
            vendor="Samba",
            authority=server.authority,
            secret=samba_data.SERVICE_PASSWORD,
            there={
                "url": server.tls_url,
                "bind_dn": samba_data.SERVICE,
                "base": PEOPLE,
                "group_base": GROUPS,
            },
            login=login,
        )


@contextmanager
def _freeipa() -> Iterator[Directory]:
    with running_freeipa() as server:
        dn, *lines = guide_account().replace("…", SYSTEM_PASSWORD).splitlines()
        server.tools.change(dn.removeprefix("dn: "), *lines)
        add_user_group(server, "staff", [add_user(server, "ada", PASSWORD, givenName="Ada")])
        yield Directory(
            part="FreeIPA",
            vendor="FreeIPA",
            authority=server.authority,
            secret=SYSTEM_PASSWORD,
            there={"url": server.tls_url},
            login="ada",
        )


@pytest.fixture(params=[_openldap, _active_directory, _freeipa])
def directory(request: pytest.FixtureRequest) -> Iterator[Directory]:
    """Give each of the directories that the guide connects."""
    with request.param() as running:
        yield running


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """Give one on which `idp init` has been run."""
    made = write_installation(tmp_path, settings={"server": {"workers": 1}})
    _idp(made, "init")
    return made


@pytest.fixture
def server(installation: Installation, directory: Directory) -> Iterator[IdpServer]:
    """Give a running server that the guide connected to the directory."""
    seal, check, plan, sync, status = guide_commands()
    sealed = _idp(installation, *seal, stdin=f"{directory.secret}\n").strip()
    config = installation.config
    add_guide_table(config, directory.part, directory.authority, sealed, directory.there)
    assert directory.vendor in _idp(installation, *check)
    _idp(installation, *plan)
    assert directory.login in (installation.folder / "changes.csv").read_text(encoding="utf-8-sig")
    _idp(installation, *sync, "--yes")
    assert "needs\tnothing" in _idp(installation, *status)
    started = start_idp("serve", directory=installation.folder)
    started.wait_for(f"{installation.url}/readyz")
    yield started
    started.stop()


def test_whoever_is_in_the_directory_signs_in_with_its_password(
    page: Page, installation: Installation, directory: Directory, server: IdpServer
) -> None:
    page.goto(f"{installation.url}{guide_sign_in()}")
    type_password(page, directory.login, "a wrong password")
    expect(page.locator("body[data-page=sign-in]")).to_contain_text("incorrect")

    type_password(page, directory.login.upper(), PASSWORD)

    expect(page.locator("body[data-page=account]")).to_contain_text(directory.login)
    assert server.is_running


def _idp(installation: Installation, *words: str, stdin: str = "") -> str:
    done = run_idp(*words, directory=installation.folder, stdin=stdin)
    assert done.returncode == 0, done.stderr
    return done.stdout
