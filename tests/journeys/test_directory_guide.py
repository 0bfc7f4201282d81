"""The end of the ten minutes of `docs/directories.md`: somebody of the directory signs in."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.demo import type_password
from tests.support.directory_guide import guide_commands, guide_sign_in, write_guide_table
from tests.support.installation import Installation, write_installation
from tests.support.servers import IdpServer, run_idp, start_idp
from tests.support.slapd import SERVICE_PASSWORD, SlapdServer, running_slapd

pytestmark = [pytest.mark.servers, pytest.mark.browser]
PASSWORD = "correct Horse 7"


@pytest.fixture
def slapd() -> Iterator[SlapdServer]:
    """Give an OpenLDAP server with nobody in it."""
    with running_slapd([]) as server:
        yield server


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """Give one on which `idp init` has been run."""
    made = write_installation(tmp_path, settings={"server": {"workers": 1}})
    done = run_idp("init", directory=made.folder)
    assert done.returncode == 0, done.stderr
    return made


@pytest.fixture
def server(installation: Installation, slapd: SlapdServer) -> Iterator[IdpServer]:
    """Give a running server that the guide connected to the directory."""
    slapd.add_person(PASSWORD, givenName="Ada")
    seal, _, _, sync, _ = guide_commands()
    folder = installation.folder
    sealed = run_idp(*seal, directory=folder, stdin=f"{SERVICE_PASSWORD}\n").stdout.strip()
    write_guide_table(installation.config, sealed, slapd)
    done = run_idp(*sync, "--yes", directory=folder)
    assert done.returncode == 0, done.stderr
    started = start_idp("serve", directory=folder)
    started.wait_for(f"{installation.url}/readyz")
    yield started
    started.stop()


def test_whoever_is_in_the_directory_signs_in_with_its_password(
    page: Page, installation: Installation, server: IdpServer
) -> None:
    page.goto(f"{installation.url}{guide_sign_in()}")
    type_password(page, "p1", "a wrong password")
    expect(page.locator("body[data-page=sign-in]")).to_contain_text("incorrect")

    type_password(page, "P1", PASSWORD)

    expect(page.locator("body[data-page=account]")).to_contain_text("p1")
    assert server.is_running
