"""One OpenLDAP server with awkward people in it, and sources that read it."""

from collections.abc import Iterator
from typing import Any

import pytest

from connectors.ldap.source import LdapDirectory, open_directory
from idp.clock import SystemClock
from tests.support.directories import OpenLdap, list_groups, list_people
from tests.support.ldap_proxy import LdapProxy, running_proxy
from tests.support.slapd import (
    BASE,
    GROUPS,
    PEOPLE,
    SERVICE,
    SERVICE_PASSWORD,
    SlapdServer,
    running_slapd,
)


@pytest.fixture(scope="session")
def slapd() -> Iterator[SlapdServer]:
    """Give a real OpenLDAP server, one per worker of the test run."""
    with running_slapd(list_people(f"ou=policies,{BASE}")) as server:
        for dn, attributes in list_groups():
            server.add(dn, attributes)
        yield server


@pytest.fixture
def ldap_settings(slapd: SlapdServer) -> dict[str, Any]:
    """Give settings that work."""
    return {
        "url": slapd.tls_url,
        "ca_file": str(slapd.authority.ca_file),
        "bind_dn": SERVICE,
        "bind_password": SERVICE_PASSWORD,
        "base": PEOPLE,
        "group_base": GROUPS,
        "page_size": 40,
    }


@pytest.fixture
def open_ldap(ldap_settings: dict[str, Any]) -> Iterator[OpenLdap]:
    """Give a way to make a source with some settings of its own; it is closed afterwards."""
    made: list[LdapDirectory] = []

    def open_one(**own: object) -> LdapDirectory:
        made.append(open_directory(ldap_settings | own, now=SystemClock().now))
        return made[-1]

    yield open_one
    for directory in made:
        directory.close()


@pytest.fixture
def ldap(open_ldap: OpenLdap) -> LdapDirectory:
    """Give a source with settings that work."""
    return open_ldap()


@pytest.fixture
def proxy(slapd: SlapdServer) -> Iterator[LdapProxy]:
    """Give a server between us and the directory, with and without TLS."""
    with running_proxy(slapd.port, slapd.authority.certify("proxy")) as found:
        yield found


@pytest.fixture
def through(open_ldap: OpenLdap, proxy: LdapProxy) -> LdapDirectory:
    """Give a source that reads through the proxy, which can look into what is said."""
    return open_ldap(url=proxy.tls_url, read_timeout=1.0, deadline=2.0)
