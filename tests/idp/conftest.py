"""A directory for the tests that need one: OpenLDAP, and a proxy that can take it away."""

from collections.abc import Iterator

import pytest

from tests.support.directory_world import LATE, Directory, list_late
from tests.support.ldap_proxy import running_proxy
from tests.support.slapd import SlapdServer, running_slapd


@pytest.fixture(scope="session")
def slapd() -> Iterator[SlapdServer]:
    """Give a real OpenLDAP server, one per worker of the test run."""
    with running_slapd(list_late()) as server:
        yield server


@pytest.fixture(scope="session")
def late_logins() -> Iterator[str]:
    """Give people whose passwords expired, one after the other."""
    return iter([f"late{number}" for number in range(LATE)])


@pytest.fixture
def directory(slapd: SlapdServer, late_logins: Iterator[str]) -> Iterator[Directory]:
    """Give a directory that can go down, and counts what it is asked."""
    with running_proxy(slapd.port, slapd.authority.certify("proxy")) as proxy:
        yield Directory(slapd, proxy, late_logins)
