"""Active Directory, from a real domain controller (Samba): reading and signing in."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from connectors.ldap.completion import join_ranges
from connectors.ldap.messages import Search
from connectors.ldap.names import normalise_dn
from connectors.ldap.session import connect
from connectors.ldap.settings import parse_settings
from connectors.ldap.source import LdapDirectory
from connectors.ldap.wire import Deadline
from connectors.port import DirectoryMisconfigured
from connectors.records import DirectoryEntry, DirectoryGroup
from connectors.verdicts import Verdict
from tests.support import samba_data
from tests.support.directories import CROWD, ODD_NAMES, PASSWORD, SPELLINGS, OpenLdap, escape
from tests.support.ldap_proxy import running_proxy
from tests.support.samba import SambaServer
from tests.support.samba_data import Case
from tests.support.slapd import GROUPS, PEOPLE

pytestmark = pytest.mark.servers


def _person(ad: LdapDirectory, login: str) -> DirectoryEntry:
    found = ad.find_by_login(login)
    assert found is not None
    return found


def _verdict(ad: LdapDirectory, login: str, password: str) -> Verdict:
    return ad.verify(_person(ad, login).stable_id, password.encode()).verdict


def _people(ad: LdapDirectory) -> dict[str, DirectoryEntry]:
    with ad.read() as run:
        return {each.login: each for each in run.entries() if isinstance(each, DirectoryEntry)}


def test_the_defaults_read_people_and_not_computers_or_groups(
    ad_settings: dict[str, Any], open_any: OpenLdap
) -> None:
    whole = _people(open_any(ad_settings, base="DC=example,DC=test", group_base=None))

    assert {"Administrator", "idp", "odd0"} <= set(whole)
    assert "DC1$" not in whole
    assert "strict" not in whole


def test_the_id_is_the_guid_as_the_server_writes_it(samba: SambaServer, ad: LdapDirectory) -> None:
    dn, login = samba.add_person()
    [raw] = samba.tools.read(dn, "objectGUID")["objectguid"]

    assert _person(ad, login).stable_id == str(UUID(bytes_le=raw))
    by_name = samba.tools.read(f"<GUID={_person(ad, login).stable_id}>", "sAMAccountName")
    assert by_name["samaccountname"] == [login.encode()]


def test_another_spelling_of_an_id_is_nobodys(ad: LdapDirectory) -> None:
    stable_id = _person(ad, "odd0").stable_id

    for spelling in (stable_id.upper(), f"{{{stable_id}}}", stable_id.replace("-", "")):
        assert ad.find_by_id(spelling) is None


def test_odd_names_are_read_and_lie_where_their_names_say(ad: LdapDirectory) -> None:
    people = _people(ad)

    for number, name in enumerate(ODD_NAMES):
        entry = people[f"odd{number}"]
        assert entry.address == normalise_dn(f"cn={escape(name)},{PEOPLE}")
        assert entry.warnings == ()


def test_mail_addresses_are_none_one_or_several(
    ad_settings: dict[str, Any], open_any: OpenLdap
) -> None:
    attributes = {"email": ["otherMailbox", "mail"]}
    people = _people(open_any(ad_settings, attributes=attributes))

    assert people["nomail"].attributes == {}
    assert people["mails"].attributes["email"] == ("a@example.test", "z@example.test")
    assert people["same"].attributes["email"] == ("MAILS@example.test",)


def test_groups_are_nested_looping_empty_and_large(ad: LdapDirectory) -> None:
    with ad.read() as run:
        groups = {each.name: each for each in run.groups() if isinstance(each, DirectoryGroup)}

    assert groups["nested"].members == (f"cn=leaf,{GROUPS}",)
    assert groups["loop-a"].members == (groups["loop-b"].address,)
    assert groups["loop-b"].members == (groups["loop-a"].address,)
    assert groups["empty"].members == ()
    assert len(groups["large"].members) == CROWD
    assert normalise_dn(f"cn={escape(ODD_NAMES[0])},{PEOPLE}") in groups["leaf"].members


def test_a_list_that_the_server_tells_in_parts_is_put_together(
    ad_settings: dict[str, Any],
) -> None:
    settings = parse_settings(ad_settings).connecting
    session = connect(settings.servers[0], settings, Deadline(5.0))
    session.bind(settings.bind_dn, settings.bind_password.reveal(), Deadline(5.0))
    asked = Search(base=f"cn=large,{GROUPS}", scope="base", attributes=("member;range=0-49", "cn"))
    [cut] = session.search(asked, Deadline(5.0)).entries
    assert len(cut.attributes["member;range=0-49"]) == 50

    whole = join_ranges(session, cut, Deadline(5.0))

    session.close()
    assert len(set(whole.attributes["member"])) == CROWD
    assert whole.attributes["cn"] == (b"large",)


def test_how_accounts_stand_is_read(ad: LdapDirectory) -> None:
    people = _people(ad)
    off = {login for login, entry in people.items() if not entry.is_enabled}

    assert off == {"disabled", "ended", "disabledmust"}
    assert people["mustchange"].must_change
    assert people["disabledmust"].must_change
    assert not people["neverexpires"].must_change
    assert people["expired"].must_change
    assert people["expired"].password_set_at == datetime(2020, 1, 1, tzinfo=UTC)
    assert people["mustchange"].password_set_at is None


@pytest.mark.parametrize(
    ("case", "right"),
    [
        (samba_data.DISABLED_ONE, Verdict.DISABLED),
        (samba_data.DISABLED_AND_MUST_CHANGE, Verdict.DISABLED),
        (samba_data.ENDED, Verdict.DISABLED),
        (samba_data.MUST_CHANGE, Verdict.MUST_CHANGE),
        (samba_data.EXPIRED, Verdict.EXPIRED),
        (samba_data.NEVER_EXPIRING, Verdict.RIGHT),
        (samba_data.ENDLESS, Verdict.RIGHT),
    ],
    ids=lambda value: getattr(value, "login", None),
)
def test_what_the_server_says_to_a_right_and_a_wrong_password(
    ad: LdapDirectory, case: Case, right: Verdict
) -> None:
    assert _verdict(ad, case.login, PASSWORD) is right
    assert _verdict(ad, case.login, PASSWORD + "x") is Verdict.WRONG


def test_too_many_wrong_passwords_lock(samba: SambaServer, ad: LdapDirectory) -> None:
    _, login = samba.add_person(PASSWORD)
    for _ in range(3):
        assert _verdict(ad, login, "wrong") is Verdict.WRONG

    assert _verdict(ad, login, PASSWORD) is Verdict.LOCKED
    entry = _person(ad, login)
    assert (entry.is_locked, entry.is_enabled) == (True, True)


@pytest.mark.parametrize("number", range(len(ODD_NAMES)))
def test_whoever_has_an_odd_name_signs_in(ad: LdapDirectory, number: int) -> None:
    assert _verdict(ad, f"odd{number}", PASSWORD) is Verdict.RIGHT


@pytest.mark.parametrize("login", samba_data.LOGINS)
def test_whoever_has_an_odd_login_signs_in(ad: LdapDirectory, login: str) -> None:
    assert _person(ad, login).login == login
    assert _verdict(ad, login, PASSWORD) is Verdict.RIGHT


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_a_password_is_verified_as_it_was_typed(
    samba: SambaServer, ad: LdapDirectory, spelling: str
) -> None:
    _, login = samba.add_person(spelling)

    assert _verdict(ad, login, spelling) is Verdict.RIGHT
    assert _verdict(ad, login, spelling + "x") is Verdict.WRONG


def test_an_entry_is_looked_up_afresh_where_it_now_lies(
    samba: SambaServer, ad: LdapDirectory
) -> None:
    dn, login = samba.add_person(PASSWORD)
    before = _person(ad, login)
    samba.tools.change(
        dn, "changetype: modrdn", "newrdn: cn=Moved Elsewhere", "deleteoldrdn: 1",
        f"newsuperior: {PEOPLE}",
    )  # fmt: skip

    said = ad.verify(before.stable_id, PASSWORD.encode())

    assert said.verdict is Verdict.RIGHT
    assert said.entry is not None
    assert said.entry.address == f"cn=moved elsewhere,{PEOPLE}"


def test_a_report_tells_vendor_clock_and_what_is_offered(ad: LdapDirectory) -> None:
    report = ad.check()

    assert "Samba" in report.vendor
    assert report.offers == {"paging", "incremental", "password_write"}
    assert report.clock_ahead is not None
    assert abs(report.clock_ahead.total_seconds()) < 60
    assert report.warnings == ("the certificate expires soon",)
    assert len(report.samples) == 5


@pytest.mark.parametrize("hidden", [b"dsServiceName", b"invocationId"])
def test_a_server_that_says_nothing_of_itself_has_no_cursor(
    samba: SambaServer, ad_settings: dict[str, Any], open_any: OpenLdap, hidden: bytes
) -> None:
    with running_proxy(samba.port, samba.authority.certify("proxy")) as proxy:
        proxy.hide(hidden)
        ad = open_any(ad_settings, url=proxy.tls_url)

        with ad.read() as run:
            assert run.cursor is None
        report = ad.check()

    assert "incremental" not in report.offers
    assert "the server does not tell what changed" in report.warnings[0]


def test_a_wrong_password_of_the_connector_is_told(
    ad_settings: dict[str, Any], open_any: OpenLdap
) -> None:
    with pytest.raises(DirectoryMisconfigured, match="refuses name or password"):
        open_any(ad_settings, bind_password="wrong").check()


def test_another_vendors_settings_are_refused_by_a_check(
    ad_settings: dict[str, Any], open_any: OpenLdap
) -> None:
    wrong = open_any(ad_settings, vendor="openldap", login_attribute="sAMAccountName")

    with pytest.raises(DirectoryMisconfigured, match='vendor = "active-directory"'):
        wrong.check()
