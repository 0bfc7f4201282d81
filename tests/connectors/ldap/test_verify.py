"""What the directory says to a name and a password (catalogue D-01, D-02, D-03, D-06, D-12)."""

from datetime import timedelta

import pytest

from connectors.ldap.source import LdapDirectory
from connectors.port import DirectoryMisconfigured, DirectoryUnavailable, LoginAmbiguous
from connectors.records import DirectoryEntry
from connectors.verdicts import Verdict
from tests.support import directories
from tests.support.directories import ODD_LOGINS, ODD_NAMES, PASSWORD, SPELLINGS, Case, OpenLdap
from tests.support.ldap_proxy import LdapProxy, Request, control, write
from tests.support.slapd import BASE, PEOPLE, SlapdServer

POLICY = "1.3.6.1.4.1.42.2.27.8.5.1"


def _person(ldap: LdapDirectory, login: str) -> DirectoryEntry:
    found = ldap.find_by_login(login)
    assert found is not None
    return found


def _verdict(ldap: LdapDirectory, login: str, password: str) -> Verdict:
    return ldap.verify(_person(ldap, login).stable_id, password.encode()).verdict


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_a_password_is_verified_as_it_was_typed(
    slapd: SlapdServer, ldap: LdapDirectory, spelling: str
) -> None:
    _, login = slapd.add_person(spelling)

    assert _verdict(ldap, login, spelling) is Verdict.RIGHT
    assert _verdict(ldap, login, spelling + "x") is Verdict.WRONG


def test_two_spellings_of_a_password_are_two_passwords(
    slapd: SlapdServer, ldap: LdapDirectory
) -> None:
    _, login = slapd.add_person(SPELLINGS["composed"])

    assert _verdict(ldap, login, SPELLINGS["decomposed"]) is Verdict.WRONG


@pytest.mark.parametrize("number", range(len(ODD_NAMES)))
def test_whoever_has_an_odd_name_signs_in(ldap: LdapDirectory, number: int) -> None:
    assert _verdict(ldap, f"odd{number}", PASSWORD) is Verdict.RIGHT


@pytest.mark.parametrize("login", ODD_LOGINS)
def test_whoever_has_an_odd_login_signs_in_and_nobody_else(ldap: LdapDirectory, login: str) -> None:
    assert _person(ldap, login).login == login
    assert _verdict(ldap, login, PASSWORD) is Verdict.RIGHT


@pytest.mark.parametrize("spelling", ["UPPER", "upper", " upper ", "\uff35pper"])
def test_the_server_says_which_spellings_are_one_account(
    ldap: LdapDirectory, spelling: str
) -> None:
    assert _person(ldap, spelling) == _person(ldap, "UPPER")


@pytest.mark.parametrize(
    ("case", "right", "wrong"),
    [
        (directories.DISABLED, Verdict.DISABLED, Verdict.DISABLED),
        (directories.MUST_CHANGE, Verdict.MUST_CHANGE, Verdict.WRONG),
        (directories.SHADOW, Verdict.MUST_CHANGE, Verdict.WRONG),
        (directories.EXPIRED, Verdict.EXPIRED, Verdict.WRONG),
        (directories.GRACE, Verdict.EXPIRED, Verdict.WRONG),
    ],
    ids=lambda value: getattr(value, "login", None),
)
def test_how_an_account_stands_is_told(
    ldap: LdapDirectory, case: Case, right: Verdict, wrong: Verdict
) -> None:
    assert _verdict(ldap, case.login, PASSWORD) is right
    assert _verdict(ldap, case.login, PASSWORD + "x") is wrong


def test_a_disabled_account_is_told_where_the_server_lets_it_sign_in(
    slapd: SlapdServer, ldap: LdapDirectory
) -> None:
    policy = f"cn=strict,ou=policies,{BASE}"
    disabled = "000001010000Z"
    _, login = slapd.add_person(PASSWORD, pwdPolicySubentry=policy, pwdAccountLockedTime=disabled)

    said = ldap.verify(_person(ldap, login).stable_id, PASSWORD.encode())

    assert said.detail == "code 0"
    assert said.verdict is Verdict.DISABLED


def test_sign_ins_left_are_counted(ldap: LdapDirectory) -> None:
    stable_id = _person(ldap, "grace").stable_id

    first, second = (ldap.verify(stable_id, PASSWORD.encode()).grace_left for _ in range(2))

    assert first is not None
    assert second == first - 1


def test_a_password_that_expires_soon_is_right_and_warned_of(
    slapd: SlapdServer, ldap: LdapDirectory
) -> None:
    policy = f"cn=warning,ou=policies,{BASE}"
    dn, login = slapd.add_person(PASSWORD, pwdPolicySubentry=policy)
    slapd.change(dn, "replace: userPassword", f"userPassword: {PASSWORD}")

    said = ldap.verify(_person(ldap, login).stable_id, PASSWORD.encode())

    assert said.verdict is Verdict.RIGHT
    assert said.expires_in is not None
    assert timedelta(0) < said.expires_in <= timedelta(days=1)


def test_too_many_wrong_passwords_lock_and_the_right_one_is_not_told_apart(
    slapd: SlapdServer, ldap: LdapDirectory
) -> None:
    _, login = slapd.add_person(PASSWORD)
    for _ in range(3):
        assert _verdict(ldap, login, "wrong") is Verdict.WRONG

    assert _verdict(ldap, login, PASSWORD) is Verdict.LOCKED
    assert _verdict(ldap, login, "wrong") is Verdict.LOCKED
    entry = _person(ldap, login)
    assert entry.is_locked
    assert entry.is_enabled


def test_an_entry_is_looked_up_afresh_where_it_now_lies(
    slapd: SlapdServer, ldap: LdapDirectory
) -> None:
    dn, login = slapd.add_person(PASSWORD)
    before = _person(ldap, login)
    slapd.change(dn, "changetype: modrdn", "newrdn: cn=moved", "deleteoldrdn: 0")

    said = ldap.verify(before.stable_id, PASSWORD.encode())

    assert said.verdict is Verdict.RIGHT
    assert said.entry is not None
    assert said.entry.address == f"cn=moved,{PEOPLE}" != before.address


def test_who_is_gone_is_unknown_and_a_new_entry_of_that_name_is_somebody_else(
    slapd: SlapdServer, ldap: LdapDirectory
) -> None:
    dn, login = slapd.add_person(PASSWORD)
    before = _person(ldap, login)
    slapd.delete(dn)
    assert ldap.verify(before.stable_id, PASSWORD.encode()).verdict is Verdict.UNKNOWN

    slapd.add(dn, {"objectClass": ["inetOrgPerson"], "uid": [login], "cn": ["x"], "sn": ["x"],
                   "userPassword": [PASSWORD]})  # fmt: skip

    assert _person(ldap, login).stable_id != before.stable_id
    assert ldap.verify(before.stable_id, PASSWORD.encode()).verdict is Verdict.UNKNOWN


def test_a_login_of_two_entries_is_nobodys(slapd: SlapdServer, ldap: LdapDirectory) -> None:
    (first, login), (second, _) = (slapd.add_person(PASSWORD) for _ in range(2))
    for dn in (first, second):
        slapd.change(dn, "add: uid", "uid: twice")

    with pytest.raises(LoginAmbiguous):
        ldap.find_by_login("twice")
    assert _verdict(ldap, login, PASSWORD) is Verdict.RIGHT


@pytest.mark.parametrize(
    "password", [b"", b"\0", b"a\0b", PASSWORD.encode() + b"\0", b"x" * 5000], ids=repr
)
def test_what_is_no_password_is_wrong_and_never_sent(
    through: LdapDirectory, proxy: LdapProxy, password: bytes
) -> None:
    stable_id = _person(through, "odd0").stable_id
    before = list(proxy.requests)

    said = through.verify(stable_id, password)

    assert said.verdict is Verdict.WRONG
    assert proxy.requests == before


@pytest.mark.parametrize("code", [1, 51, 52, 80, 123])
def test_a_server_that_cannot_tell_counts_as_no_attempt(
    through: LdapDirectory, proxy: LdapProxy, code: int
) -> None:
    stable_id = _person(through, "odd0").stable_id
    proxy.answer(Request.BIND, code)

    with pytest.raises(DirectoryUnavailable, match=f"code {code}"):
        through.verify(stable_id, PASSWORD.encode())


@pytest.mark.parametrize("code", [8, 10, 13])
def test_a_server_that_wants_something_else_is_misconfigured(
    through: LdapDirectory, proxy: LdapProxy, code: int
) -> None:
    stable_id = _person(through, "odd0").stable_id
    proxy.answer(Request.BIND, code)

    with pytest.raises(DirectoryMisconfigured, match=f"code {code}"):
        through.verify(stable_id, PASSWORD.encode())


@pytest.mark.parametrize(
    ("code", "error", "verdict"),
    [
        (49, None, Verdict.WRONG),
        (49, 0, Verdict.EXPIRED),
        (49, 1, Verdict.LOCKED),
        (49, 99, Verdict.WRONG),
        (0, 2, Verdict.MUST_CHANGE),
        (0, 0, Verdict.EXPIRED),
        (0, None, Verdict.RIGHT),
        (53, None, Verdict.REFUSED),
        (53, 1, Verdict.REFUSED),
        (48, None, Verdict.REFUSED),
        (19, None, Verdict.REFUSED),
        (32, None, Verdict.UNKNOWN),
    ],
)
def test_the_table_of_answers(
    through: LdapDirectory, proxy: LdapProxy, code: int, error: int | None, verdict: Verdict
) -> None:
    stable_id = _person(through, "odd0").stable_id
    inner = write(0x81, bytes([error])) if error is not None else b""
    proxy.answer(Request.BIND, code, extra=control(POLICY, write(0x30, inner)))

    assert through.verify(stable_id, PASSWORD.encode()).verdict is verdict


_BROKEN = [b"0\x7f", b"\xff\xff\xff\xff", b"0\x02\x81\x00", b"0\x80\x81\x01\x01\0\0"]


@pytest.mark.parametrize("value", _BROKEN, ids=repr)
def test_d_12_a_refused_password_is_wrong_whatever_a_broken_policy_control_says(
    through: LdapDirectory, proxy: LdapProxy, value: bytes
) -> None:
    stable_id = _person(through, "odd0").stable_id
    proxy.answer(Request.BIND, 49, extra=control(POLICY, value))

    assert through.verify(stable_id, b"wrong").verdict is Verdict.WRONG


@pytest.mark.parametrize("value", _BROKEN, ids=repr)
def test_a_broken_policy_control_of_a_success_is_no_verdict(
    through: LdapDirectory, proxy: LdapProxy, value: bytes
) -> None:
    stable_id = _person(through, "odd0").stable_id
    proxy.answer(Request.BIND, 0, extra=control(POLICY, value))

    with pytest.raises(DirectoryUnavailable):
        through.verify(stable_id, PASSWORD.encode())
    proxy.behave()
    assert _verdict(through, "odd0", PASSWORD) is Verdict.RIGHT


def test_a_connection_that_dies_while_it_is_kept_is_not_noticed_by_whoever_asks(
    through: LdapDirectory, proxy: LdapProxy
) -> None:
    _person(through, "odd0")

    proxy.end()

    assert _verdict(through, "odd0", PASSWORD) is Verdict.RIGHT


def test_passwords_are_not_tried_on_the_connection_that_searches(
    through: LdapDirectory, proxy: LdapProxy
) -> None:
    stable_id = _person(through, "odd0").stable_id
    before = proxy.connections

    assert through.verify(stable_id, b"wrong").verdict is Verdict.WRONG
    assert _person(through, "odd0").stable_id == stable_id
    assert proxy.connections == before + 1


def test_a_wrong_account_of_the_connector_says_so(open_ldap: OpenLdap) -> None:
    with pytest.raises(DirectoryMisconfigured, match="name or password of the connector"):
        open_ldap(bind_password="wrong").find_by_login("odd0")
