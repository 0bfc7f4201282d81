"""What an administrator sees of a directory, and what is wrong with one (catalogue D-13)."""

from datetime import timedelta

import pytest

from connectors.ldap.source import LdapDirectory, open_directory
from connectors.port import ConnectorError, DirectoryMisconfigured, DirectoryUnavailable
from idp.clock import FakeClock, SystemClock
from tests.support.directories import OpenLdap
from tests.support.ldap_proxy import LdapProxy, Request, running_proxy
from tests.support.slapd import BASE, PEOPLE, SlapdServer


def test_a_report_tells_vendor_controls_clock_and_certificate(ldap: LdapDirectory) -> None:
    report = ldap.check()

    assert report.vendor == "OpenLDAP"
    assert report.server.startswith("ldaps://")
    assert report.offers == {
        "paging", "incremental", "password_policy", "password_write", "start_tls",
    }  # fmt: skip
    assert report.clock_ahead is not None
    assert abs(report.clock_ahead) < timedelta(minutes=1)
    assert report.certificate_expires_at is not None
    assert report.certificate_expires_at > SystemClock().now()
    assert len(report.samples) == 5
    assert report.warnings == ("the certificate expires soon",)


def test_a_clock_that_is_wrong_is_told(ldap_settings: dict[str, object]) -> None:
    late = FakeClock(SystemClock().now() - timedelta(hours=1))
    ldap = open_directory(ldap_settings, now=late.now)

    ahead = ldap.check().clock_ahead

    assert ahead is not None
    assert timedelta(minutes=59) < ahead < timedelta(minutes=61)


def test_what_a_server_does_not_tell_is_not_made_up(
    through: LdapDirectory, proxy: LdapProxy
) -> None:
    proxy.hide(b"monitorContext")

    report = through.check()

    assert (report.vendor, report.clock_ahead, report.offers) == (
        "not told",
        None,
        frozenset({"incremental"}),
    )


def test_a_connection_without_tls_is_warned_of(slapd: SlapdServer, open_ldap: OpenLdap) -> None:
    report = open_ldap(url=slapd.url, start_tls=False, allow_insecure=True).check()

    assert report.certificate_expires_at is None
    assert report.warnings == ("connections are not encrypted",)


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ({"base": f"ou=typo,{BASE}"}, "no such entry as the base"),
        ({"group_base": f"ou=typo,{BASE}"}, "no such entry as the base"),
        ({"filter": "(uid=nobody-at-all)"}, "matches the filter"),
        ({"filter": "(uid=)(x)"}, "matches the filter|filter cannot be read|filter"),
        ({"filter": "(&(uid=*)"}, "filter cannot be read"),
        ({"login_attribute": "description"}, "no usable description"),
        ({"bind_password": "wrong"}, "refuses name or password"),
        ({"bind_dn": f"cn=weak,{BASE}"}, "limit"),
        ({"bind_dn": f"cn=blind,{BASE}"}, "may not read|no such entry|not shown any"),
    ],
)
def test_what_cannot_work_is_told(open_ldap: OpenLdap, own: dict[str, object], words: str) -> None:
    with pytest.raises(DirectoryMisconfigured, match=words):
        open_ldap(**own).check()


def test_an_entry_that_is_no_account_is_told(slapd: SlapdServer, open_ldap: OpenLdap) -> None:
    dn = f"cn=nameless,{PEOPLE}"
    classes = {"objectClass": ["inetOrgPerson"], "cn": ["nameless"], "sn": ["x"]}
    slapd.add(dn, {**classes, "uid": ["nameless-person"], "description": ["one"]})
    other, _ = slapd.add_person(description="other")

    report = open_ldap(
        filter="(|(uid=nameless-person)(description=other))", login_attribute="mail"
    ).check()

    assert report.warnings[0] == f"{dn}: it has no usable mail"
    assert [sample.address for sample in report.samples] == [other]
    slapd.delete(dn)


def test_a_server_that_does_not_tell_changes_is_told(
    through: LdapDirectory, proxy: LdapProxy
) -> None:
    proxy.hide(b"contextCSN")

    report = through.check()

    assert "incremental" not in report.offers
    assert "the server does not tell what changed: no syncprov overlay" in report.warnings


@pytest.mark.parametrize("code", [1, 3, 4, 11, 32, 50, 51, 52, 53, 80])
def test_a_check_that_is_answered_with_a_code_fails(
    through: LdapDirectory, proxy: LdapProxy, code: int
) -> None:
    proxy.answer(Request.SEARCH, code)

    with pytest.raises(ConnectorError, match=f"code {code}"):
        through.check()


@pytest.mark.parametrize("fault", ["drop", "stall"])
def test_a_check_that_is_not_answered_fails(
    through: LdapDirectory, proxy: LdapProxy, fault: str
) -> None:
    (proxy.drop if fault == "drop" else proxy.stall)(Request.SEARCH)

    with pytest.raises(DirectoryUnavailable):
        through.check()


def test_the_service_password_goes_only_where_the_settings_say(
    slapd: SlapdServer, open_ldap: OpenLdap
) -> None:
    with running_proxy(slapd.port) as elsewhere:
        open_ldap(base=PEOPLE).check()

        assert elsewhere.connections == 0
