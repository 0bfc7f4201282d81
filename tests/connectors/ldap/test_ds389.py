"""389 Directory Server: reading, signing in and new passwords, from a real one."""

from typing import Any

import pytest

from connectors.ldap.names import normalise_dn
from connectors.ldap.source import LdapDirectory
from connectors.port import DirectoryMisconfigured
from connectors.records import DirectoryEntry, DirectoryGroup
from connectors.verdicts import Verdict, WriteVerdict
from tests.support.directories import (
    CROWD,
    ODD_LOGINS,
    ODD_NAMES,
    PASSWORD,
    SPELLINGS,
    OpenLdap,
    escape,
)
from tests.support.ds389 import POLICIES, SHORT_SIGHTED, Ds389Server
from tests.support.ldap_proxy import running_proxy
from tests.support.slapd import GROUPS, PEOPLE

pytestmark = pytest.mark.servers

NEW = "an entirely new 1"
READY_MADE = "braces"
"""Of the spellings, the one that looks like a hash: this server takes none from others."""


def _person(ds: LdapDirectory, login: str) -> DirectoryEntry:
    found = ds.find_by_login(login)
    assert found is not None
    return found


def _verdict(ds: LdapDirectory, login: str, password: str) -> Verdict:
    return ds.verify(_person(ds, login).stable_id, password.encode()).verdict


def _write(
    ds: LdapDirectory, login: str, new: str, *, old: str | None = None, must_change: bool = False
) -> WriteVerdict:
    known = None if old is None else old.encode()
    stable_id = _person(ds, login).stable_id
    return ds.write_password(stable_id, new.encode(), old=known, must_change=must_change).verdict


def _under(server: Ds389Server, policy: str) -> tuple[str, str]:
    return server.add_person(PASSWORD, pwdpolicysubentry=f"cn={policy},{POLICIES}")


def test_the_id_is_the_server_s_own(ds389: Ds389Server, ds: LdapDirectory) -> None:
    dn, login = ds389.add_person()
    [raw] = ds389.tools.read(dn, "nsUniqueId")["nsuniqueid"]

    assert _person(ds, login).stable_id == raw.decode()


def test_awkward_people_are_read(ds: LdapDirectory) -> None:
    with ds.read() as run:
        people = {each.login: each for each in run.entries() if isinstance(each, DirectoryEntry)}

    for number, name in enumerate(ODD_NAMES):
        assert people[f"odd{number}"].address == normalise_dn(f"cn={escape(name)},{PEOPLE}")
    assert set(ODD_LOGINS) <= set(people)
    assert people["multi"].address == f"cn=multi value+uid=multi,{PEOPLE}"
    assert people["mails"].attributes["email"] == ("a@example.test", "z@example.test")
    assert "email" not in people["nomail"].attributes


def test_groups_are_nested_looping_dangling_and_large(ds: LdapDirectory) -> None:
    with ds.read() as run:
        groups = {each.name: each for each in run.groups() if isinstance(each, DirectoryGroup)}

    assert groups["nested"].members == (f"cn=leaf,{GROUPS}",)
    assert groups["loop-a"].members == (groups["loop-b"].address,)
    assert groups["dangling"].members == (f"uid=nobody,{PEOPLE}",)
    assert len(groups["large"].members) == CROWD


@pytest.mark.parametrize("login", [*(f"odd{n}" for n in range(len(ODD_NAMES))), *ODD_LOGINS])
def test_whoever_has_an_odd_name_or_login_signs_in(ds: LdapDirectory, login: str) -> None:
    assert _person(ds, login).login == login
    assert _verdict(ds, login, PASSWORD) is Verdict.RIGHT


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_a_password_is_verified_as_it_was_typed(
    ds389: Ds389Server, ds: LdapDirectory, spelling: str
) -> None:
    _, login = ds389.add_person(spelling)

    assert _verdict(ds, login, spelling) is Verdict.RIGHT
    assert _verdict(ds, login, spelling + "x") is Verdict.WRONG


@pytest.mark.parametrize("lock", ["TRUE", "true", "yes"])
def test_a_locked_account_is_disabled_whatever_the_password(
    ds389: Ds389Server, ds: LdapDirectory, lock: str
) -> None:
    _, login = ds389.add_person(PASSWORD, nsAccountLock=lock)

    assert not _person(ds, login).is_enabled
    assert _verdict(ds, login, PASSWORD) is Verdict.DISABLED


def test_a_wrong_password_does_not_tell_a_disabled_account_from_its_right_one(
    ds389: Ds389Server, ds: LdapDirectory
) -> None:
    _, login = ds389.add_person(PASSWORD, nsAccountLock="true")

    assert _verdict(ds, login, "wrong") is Verdict.DISABLED


def test_too_many_wrong_passwords_lock(ds389: Ds389Server, ds: LdapDirectory) -> None:
    _, login = ds389.add_person(PASSWORD)
    for _ in range(3):
        assert _verdict(ds, login, "wrong") is Verdict.WRONG

    assert _verdict(ds, login, PASSWORD) is Verdict.LOCKED
    entry = _person(ds, login)
    assert (entry.is_locked, entry.is_enabled) == (True, True)


@pytest.mark.parametrize(
    ("policy", "grace"), [("expiring", None), ("grace", 4)], ids=["expired", "grace"]
)
def test_an_expired_password_is_told_of_the_right_one(
    ds389: Ds389Server, ds: LdapDirectory, policy: str, grace: int | None
) -> None:
    dn, login = _under(ds389, policy)
    ds389.tools.change(dn, "add: passwordExpirationTime", "passwordExpirationTime: 20200101000000Z")

    assert _verdict(ds, login, "wrong") is Verdict.WRONG
    said = ds.verify(_person(ds, login).stable_id, PASSWORD.encode())

    assert (said.verdict, said.grace_left) == (Verdict.EXPIRED, grace)


@pytest.mark.parametrize("as_owner", [False, True], ids=["service", "owner"])
@pytest.mark.parametrize("kind", SPELLINGS)
def test_a_password_is_written_as_it_was_typed_and_stored_hashed(
    ds389: Ds389Server, ds: LdapDirectory, kind: str, *, as_owner: bool
) -> None:
    new = SPELLINGS[kind]
    dn, login = ds389.add_person(PASSWORD)

    written = _write(ds, login, new, old=PASSWORD if as_owner else None)

    if kind == READY_MADE:
        assert written is WriteVerdict.TOO_SIMPLE
        assert _verdict(ds, login, PASSWORD) is Verdict.RIGHT
        return
    assert written is WriteVerdict.WRITTEN
    assert _verdict(ds, login, new) is Verdict.RIGHT
    assert _verdict(ds, login, PASSWORD) is Verdict.WRONG
    [stored] = ds389.tools.read(dn, "userPassword")["userpassword"]
    assert stored.startswith(b"{SSHA}")


def test_a_temporary_password_must_be_changed_and_can_be(
    ds389: Ds389Server, ds: LdapDirectory
) -> None:
    _, login = _under(ds389, "resetting")

    assert _write(ds, login, NEW, must_change=True) is WriteVerdict.WRITTEN

    assert [_verdict(ds, login, NEW) for _ in range(2)] == [Verdict.MUST_CHANGE] * 2
    assert _person(ds, login).must_change
    assert _write(ds, login, "my very own 1", old=NEW) is WriteVerdict.WRITTEN
    assert _verdict(ds, login, "my very own 1") is Verdict.RIGHT


def test_a_temporary_password_that_a_policy_would_let_people_keep_is_known_to_nobody(
    ds389: Ds389Server, ds: LdapDirectory
) -> None:
    _, login = ds389.add_person(PASSWORD)

    assert _write(ds, login, NEW, must_change=True) is WriteVerdict.REFUSED

    assert _verdict(ds, login, NEW) is Verdict.WRONG
    assert _verdict(ds, login, PASSWORD) is Verdict.WRONG


def test_a_mark_that_cannot_be_looked_for_is_none(
    ds389: Ds389Server, ds: LdapDirectory, ds389_settings: dict[str, Any], open_any: OpenLdap
) -> None:
    _, login = _under(ds389, "resetting")
    short_sighted = open_any(ds389_settings, bind_dn=SHORT_SIGHTED)

    assert _write(short_sighted, login, NEW, must_change=True) is WriteVerdict.REFUSED
    assert _verdict(ds, login, NEW) is Verdict.WRONG


@pytest.mark.parametrize(
    ("policy", "new", "verdict"),
    [
        ("strict", "short", WriteVerdict.TOO_SIMPLE),
        ("complex", "allsmallletters", WriteVerdict.TOO_SIMPLE),
        ("frozen", NEW, WriteVerdict.NOT_ALLOWED),
    ],
)
def test_what_breaks_a_rule_is_told(
    ds389: Ds389Server, ds: LdapDirectory, policy: str, new: str, verdict: WriteVerdict
) -> None:
    _, login = _under(ds389, policy)

    assert _write(ds, login, new, old=PASSWORD) is verdict
    assert _verdict(ds, login, PASSWORD) is Verdict.RIGHT


@pytest.mark.parametrize(
    ("policy", "verdict"),
    [("strict", WriteVerdict.IN_HISTORY), ("young", WriteVerdict.TOO_YOUNG)],
)
def test_used_before_and_too_young_are_told(
    ds389: Ds389Server, ds: LdapDirectory, policy: str, verdict: WriteVerdict
) -> None:
    _, login = _under(ds389, policy)
    assert _write(ds, login, NEW, old=PASSWORD) is WriteVerdict.WRITTEN

    assert _write(ds, login, PASSWORD, old=NEW) is verdict


def test_a_wrong_old_password_is_told(ds389: Ds389Server, ds: LdapDirectory) -> None:
    _, login = ds389.add_person(PASSWORD)

    assert _write(ds, login, NEW, old="wrong") is WriteVerdict.OLD_WRONG


def test_a_password_is_never_written_in_the_clear(
    ds389: Ds389Server, ds389_settings: dict[str, Any], open_any: OpenLdap
) -> None:
    _, login = ds389.add_person(PASSWORD)
    plain = {"url": ds389.url, "start_tls": False, "allow_insecure": True}

    with pytest.raises(DirectoryMisconfigured, match="asks for TLS"):
        _write(open_any(ds389_settings, **plain), login, NEW)
    assert _write(open_any(ds389_settings, url=ds389.url), login, NEW) is WriteVerdict.WRITTEN


def test_a_report_tells_vendor_clock_and_what_is_offered(ds: LdapDirectory) -> None:
    report = ds.check()

    assert report.vendor.startswith("389 Project 389-Directory/")
    assert report.offers >= {"paging", "incremental", "password_policy", "password_write"}
    assert report.clock_ahead is not None
    assert abs(report.clock_ahead.total_seconds()) < 60
    assert report.warnings == ("the certificate expires soon",)


def test_another_vendors_settings_are_refused_by_a_check(
    ds389_settings: dict[str, Any], open_any: OpenLdap
) -> None:
    with pytest.raises(DirectoryMisconfigured, match='vendor = "389ds"'):
        open_any(ds389_settings, vendor="openldap").check()


def test_a_server_whose_clock_is_hidden_has_no_cursor(
    ds389: Ds389Server, ds389_settings: dict[str, Any], open_any: OpenLdap
) -> None:
    with running_proxy(ds389.port, ds389.authority.certify("proxy")) as proxy:
        proxy.hide(b"cn=monitor")
        ds = open_any(ds389_settings, url=proxy.tls_url)

        with ds.read() as run:
            assert run.cursor is None
        report = ds.check()

    assert "incremental" not in report.offers
    assert "cannot read the time in cn=monitor" in report.warnings[0]
