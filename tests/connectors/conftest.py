"""Servers of each vendor with awkward people in them, and sources that read them."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from connectors.ldap.source import LdapDirectory, open_directory
from idp.clock import SystemClock
from tests.support import samba_data
from tests.support.directories import (
    PASSWORD,
    OpenLdap,
    list_groups,
    list_odd_people,
    list_people,
)
from tests.support.ds389 import Ds389Server, running_ds389
from tests.support.freeipa import (
    SYSTEM_ACCOUNT,
    SYSTEM_PASSWORD,
    USER_GROUPS,
    USERS,
    add_system_account,
    add_user,
    add_user_group,
    running_freeipa,
)
from tests.support.ldap_proxy import LdapProxy, running_proxy
from tests.support.samba import SambaServer, running_samba
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


@pytest.fixture(scope="session")
def samba() -> Iterator[SambaServer]:
    """Give a real Active Directory domain controller, one per worker of the test run."""
    with running_samba() as server:
        yield server


@pytest.fixture(scope="session")
def ds389() -> Iterator[Ds389Server]:
    """Give a real 389 Directory Server, one per worker of the test run."""
    with running_ds389(list_odd_people(), list_groups()) as server:
        yield server


@pytest.fixture(scope="session")
def freeipa() -> Iterator[Ds389Server]:
    """Give a real server that is laid out as FreeIPA, one per worker of the test run."""
    with running_freeipa() as server:
        add_system_account(server)
        staff = [add_user(server, f"staff{number}", PASSWORD) for number in range(3)]
        inner = add_user_group(server, "inner", staff[:1])
        add_user_group(server, "outer", [*staff[1:], inner])
        yield server


@pytest.fixture
def ad_settings(samba: SambaServer) -> dict[str, Any]:
    """Give settings that work with Active Directory."""
    return {
        "vendor": "active-directory",
        "url": samba.tls_url,
        "ca_file": str(samba.authority.ca_file),
        "bind_dn": samba_data.SERVICE,
        "bind_password": samba_data.SERVICE_PASSWORD,
        "base": PEOPLE,
        "group_base": GROUPS,
        "page_size": 40,
    }


@pytest.fixture
def ds389_settings(ds389: Ds389Server) -> dict[str, Any]:
    """Give settings that work with 389 Directory Server."""
    return {
        "vendor": "389ds",
        "url": ds389.tls_url,
        "ca_file": str(ds389.authority.ca_file),
        "bind_dn": SERVICE,
        "bind_password": SERVICE_PASSWORD,
        "base": PEOPLE,
        "group_base": GROUPS,
        "page_size": 40,
    }


@pytest.fixture
def ipa_settings(freeipa: Ds389Server) -> dict[str, Any]:
    """Give settings that work with FreeIPA."""
    return {
        "vendor": "freeipa",
        "url": freeipa.tls_url,
        "ca_file": str(freeipa.authority.ca_file),
        "bind_dn": SYSTEM_ACCOUNT,
        "bind_password": SYSTEM_PASSWORD,
        "base": USERS,
        "group_base": USER_GROUPS,
        "page_size": 40,
    }


@pytest.fixture
def open_any() -> Iterator[OpenLdap]:
    """Give a way to make a source of whole settings; it is closed afterwards."""
    made: list[LdapDirectory] = []

    def open_one(settings: dict[str, Any], **own: object) -> LdapDirectory:
        made.append(open_directory(settings | own, now=SystemClock().now))
        return made[-1]

    yield open_one
    for directory in made:
        directory.close()


@pytest.fixture
def ad(open_any: OpenLdap, ad_settings: dict[str, Any]) -> LdapDirectory:
    """Give a source of Active Directory."""
    return open_any(ad_settings)


@pytest.fixture
def ds(open_any: OpenLdap, ds389_settings: dict[str, Any]) -> LdapDirectory:
    """Give a source of 389 Directory Server."""
    return open_any(ds389_settings)


@pytest.fixture
def ipa(open_any: OpenLdap, ipa_settings: dict[str, Any]) -> LdapDirectory:
    """Give a source of FreeIPA."""
    return open_any(ipa_settings)


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
def open_ldap(open_any: OpenLdap, ldap_settings: dict[str, Any]) -> OpenLdap:
    """Give a way to make a source with some settings of its own; it is closed afterwards."""
    return partial(open_any, ldap_settings)


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
