"""No password leaves for a server that is not the one that was meant (catalogue D-04)."""

import ssl
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.ldap.results import ServerUnusable, tls_error
from connectors.ldap.settings import Server, parse_settings
from connectors.ldap.source import LdapDirectory
from connectors.port import ConnectorError, DirectoryMisconfigured, DirectoryUnavailable
from connectors.verdicts import Verdict
from tests.support.certificates import Authority
from tests.support.directories import PASSWORD, OpenLdap
from tests.support.ldap_proxy import LdapProxy, Request, running_proxy
from tests.support.slapd import SERVICE_PASSWORD, SlapdServer

MakeCertificate = Callable[[Authority, Path], Path]
REFUSED: dict[str, tuple[MakeCertificate, str]] = {
    "wrong authority": (
        lambda _, folder: Authority(folder, "other").certify("server"),
        "issuer certificate|self-signed",
    ),
    "wrong host": (
        lambda authority, _: authority.certify("elsewhere", host="ldap.example.test"),
        "not valid for",
    ),
    "wildcard": (
        lambda authority, _: authority.certify("wild", host="*.example.test"),
        "not valid for",
    ),
    "expired": (
        lambda authority, _: authority.certify("old", valid_for=-timedelta(days=2)),
        "expired",
    ),
}


@pytest.mark.parametrize("starts_tls", [False, True], ids=["ldaps", "StartTLS"])
@pytest.mark.parametrize(("make", "words"), REFUSED.values(), ids=REFUSED)
def test_a_bad_certificate_is_refused_and_no_password_was_sent(
    slapd: SlapdServer,
    open_ldap: OpenLdap,
    tmp_path: Path,
    make: MakeCertificate,
    words: str,
    *,
    starts_tls: bool,
) -> None:
    certificate = make(slapd.authority, tmp_path)
    with running_proxy(slapd.port, certificate) as proxy:
        proxy.start_tls(certificate)
        ldap = open_ldap(url=proxy.url if starts_tls else proxy.tls_url)

        with pytest.raises(DirectoryMisconfigured, match=words):
            ldap.find_by_login("odd0")

        assert Request.BIND not in proxy.requests
        assert SERVICE_PASSWORD.encode() not in bytes(proxy.heard)


@pytest.mark.parametrize("code", [1, 2, 52, 53])
def test_a_refused_start_tls_is_not_gone_on_without(
    slapd: SlapdServer, open_ldap: OpenLdap, code: int
) -> None:
    with running_proxy(slapd.port) as proxy:
        proxy.answer(Request.EXTENDED, code)

        with pytest.raises(DirectoryMisconfigured, match=f"StartTLS \\(code {code}\\)"):
            open_ldap(url=proxy.url).find_by_login("odd0")

        assert proxy.requests == [Request.EXTENDED]
        assert SERVICE_PASSWORD.encode() not in bytes(proxy.heard)


@pytest.mark.parametrize("fault", ["drop", "stall", "plain"])
def test_a_start_tls_that_is_stripped_is_not_gone_on_without(
    slapd: SlapdServer, open_ldap: OpenLdap, fault: str
) -> None:
    with running_proxy(slapd.port) as proxy:
        deeds: dict[str, Callable[[], object]] = {
            "drop": lambda: proxy.drop(Request.EXTENDED),
            "stall": lambda: proxy.stall(Request.EXTENDED),
            "plain": lambda: proxy.answer(Request.EXTENDED, 0),
        }
        deeds[fault]()

        with pytest.raises(ConnectorError):
            open_ldap(url=proxy.url, deadline=0.5).find_by_login("odd0")

        assert Request.BIND not in proxy.requests
        assert SERVICE_PASSWORD.encode() not in bytes(proxy.heard)


def test_start_tls_works_where_the_server_offers_it(
    slapd: SlapdServer, open_ldap: OpenLdap
) -> None:
    ldap = open_ldap(url=slapd.url)
    entry = ldap.find_by_login("odd0")
    assert entry is not None

    assert ldap.verify(entry.stable_id, PASSWORD.encode()).verdict is Verdict.RIGHT
    assert ldap.check().certificate_expires_at is not None


def test_nothing_that_was_said_after_start_tls_can_be_read_on_the_way(
    slapd: SlapdServer, open_ldap: OpenLdap
) -> None:
    with running_proxy(slapd.port) as proxy:
        assert open_ldap(url=proxy.url).find_by_login("odd0") is not None

        assert SERVICE_PASSWORD.encode() not in bytes(proxy.heard)
        assert b"odd0" not in bytes(proxy.heard)


def test_old_protocols_are_not_spoken(ldap_settings: dict[str, Any]) -> None:
    context = parse_settings(ldap_settings).connecting.tls

    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_what_is_no_tls_is_told_apart_from_a_line_that_broke() -> None:
    server = Server("ldap.example.test", 636, is_tls=True)

    assert isinstance(tls_error(server, ssl.SSLError(1, "WRONG_VERSION_NUMBER")), ServerUnusable)
    assert tls_error(server, ssl.SSLEOFError(8, "EOF")) is None
    assert tls_error(server, ConnectionResetError()) is None
    assert tls_error(server, None) is None


def test_a_server_without_tls_is_refused(proxy: LdapProxy, open_ldap: OpenLdap) -> None:
    url = f"ldaps://127.0.0.1:{proxy.port}"

    with pytest.raises(ConnectorError):
        open_ldap(url=url, deadline=1.0).find_by_login("odd0")

    assert proxy.requests == []


def test_the_systems_authorities_do_not_vouch_for_ours(
    slapd: SlapdServer, open_ldap: OpenLdap
) -> None:
    with pytest.raises(DirectoryMisconfigured, match="certificate"):
        open_ldap(ca_file=None).find_by_login("odd0")


def test_a_host_name_is_checked_as_it_was_given(slapd: SlapdServer, open_ldap: OpenLdap) -> None:
    ldap = open_ldap(url=f"ldaps://localhost:{slapd.tls_port}")

    assert ldap.find_by_login("odd0") is not None


def test_a_host_that_does_not_exist_is_unavailable(open_ldap: OpenLdap) -> None:
    with pytest.raises(DirectoryUnavailable, match="address is not found"):
        open_ldap(url="ldaps://nowhere.localhost:636").find_by_login("odd0")


@pytest.mark.parametrize("where", [Request.BIND, Request.SEARCH, Request.EXTENDED])
def test_a_referral_is_not_followed(
    slapd: SlapdServer, through: LdapDirectory, proxy: LdapProxy, where: Request
) -> None:
    _, login = slapd.add_person(PASSWORD)
    entry = through.find_by_login(login)
    assert entry is not None
    with running_proxy(slapd.port) as elsewhere:
        proxy.refers_to = elsewhere.url
        proxy.answer(where, 10)

        ask = through.write_password if where is Request.EXTENDED else through.verify
        with pytest.raises(DirectoryMisconfigured, match="another"):
            ask(entry.stable_id, PASSWORD.encode())

        assert elsewhere.connections == 0


def test_referral_objects_among_the_entries_are_not_followed(
    through: LdapDirectory, proxy: LdapProxy
) -> None:
    with through.read() as run:
        found = list(run.entries())

    assert not [each for each in found if "elsewhere" in each.address]
