"""New passwords, as the directory takes or refuses them."""

import pytest

from connectors.ldap.controls import password_modify
from connectors.ldap.source import LdapDirectory
from connectors.port import (
    DirectoryMisconfigured,
    DirectoryUnavailable,
    PasswordWriter,
    WriteUncertain,
)
from connectors.verdicts import Verdict, WriteVerdict
from tests.support.directories import EXPIRED, LATE, PASSWORD, SPELLINGS, OpenLdap
from tests.support.ldap_proxy import LdapProxy, Request, control, write
from tests.support.slapd import BASE, HASHING, SlapdServer

NEW = "an entirely new 1"
POLICY = "1.3.6.1.4.1.42.2.27.8.5.1"


def _id(ldap: LdapDirectory, login: str) -> str:
    found = ldap.find_by_login(login)
    assert found is not None
    return found.stable_id


def _policy(name: str) -> str:
    return f"cn={name},ou=policies,{BASE}"


def _write(
    ldap: LdapDirectory, login: str, new: str, *, old: str | None = None, must_change: bool = False
) -> WriteVerdict:
    known = None if old is None else old.encode()
    return ldap.write_password(
        _id(ldap, login), new.encode(), old=known, must_change=must_change
    ).verdict


def _verdict(ldap: LdapDirectory, login: str, password: str) -> Verdict:
    return ldap.verify(_id(ldap, login), password.encode()).verdict


def test_the_connector_is_a_writer(ldap: LdapDirectory) -> None:
    assert isinstance(ldap, PasswordWriter)


@pytest.mark.parametrize("as_owner", [False, True], ids=["service", "owner"])
@pytest.mark.parametrize("new", SPELLINGS.values(), ids=SPELLINGS)
def test_a_password_is_written_as_it_was_typed_and_stored_hashed(
    slapd: SlapdServer, ldap: LdapDirectory, new: str, *, as_owner: bool
) -> None:
    dn, login = slapd.add_person(PASSWORD)

    assert _write(ldap, login, new, old=PASSWORD if as_owner else None) is WriteVerdict.WRITTEN

    assert _verdict(ldap, login, new) is Verdict.RIGHT
    assert _verdict(ldap, login, PASSWORD) is Verdict.WRONG
    [stored] = slapd.read(dn, "userPassword")["userpassword"]
    assert stored.startswith(b"{SSHA}")


def test_a_temporary_password_must_be_changed_and_is_stored_hashed(
    slapd: SlapdServer, ldap: LdapDirectory
) -> None:
    dn, login = slapd.add_person(PASSWORD)

    assert _write(ldap, login, NEW, must_change=True) is WriteVerdict.WRITTEN

    assert _verdict(ldap, login, NEW) is Verdict.MUST_CHANGE
    read = slapd.read(dn, "userPassword", "pwdReset")
    assert read["pwdreset"] == [b"TRUE"]
    assert read["userpassword"][0].startswith(b"{SSHA}")


def test_a_temporary_password_is_one_write_where_the_server_hashes(
    slapd: SlapdServer, proxy: LdapProxy, open_ldap: OpenLdap
) -> None:
    below = f"ou=people,{HASHING}"
    ldap = open_ldap(url=proxy.tls_url, base=below, group_base=None, hashes_clear_text=True)
    dn, login = slapd.add_person(PASSWORD, below=below)
    _id(ldap, login)
    proxy.requests.clear()

    assert _write(ldap, login, NEW, must_change=True) is WriteVerdict.WRITTEN

    assert [each for each in proxy.requests if each is not Request.SEARCH] == [
        Request.BIND,
        Request.MODIFY,
    ]
    assert _verdict(ldap, login, NEW) is Verdict.MUST_CHANGE
    [stored] = slapd.read(dn, "userPassword")["userpassword"]
    assert stored.startswith(b"{SSHA}")


@pytest.mark.parametrize(
    ("code", "verdict"),
    [(50, WriteVerdict.NOT_ALLOWED), (52, WriteVerdict.REFUSED), (10, WriteVerdict.REFUSED)],
)
def test_a_temporary_password_whose_mark_fails_is_known_to_nobody(
    slapd: SlapdServer,
    through: LdapDirectory,
    proxy: LdapProxy,
    code: int,
    verdict: WriteVerdict,
) -> None:
    _, login = slapd.add_person(PASSWORD)
    proxy.answer(Request.MODIFY, code)

    assert _write(through, login, NEW, must_change=True) is verdict

    assert _verdict(through, login, NEW) is Verdict.WRONG
    assert _verdict(through, login, PASSWORD) is Verdict.WRONG


def test_a_mark_that_fails_at_a_server_that_makes_no_passwords(
    slapd: SlapdServer, through: LdapDirectory, proxy: LdapProxy
) -> None:
    dn, login = slapd.add_person(PASSWORD)
    proxy.answer(Request.MODIFY, 50)
    proxy.answer(Request.EXTENDED, 53, needle=password_modify(dn, None))

    assert _write(through, login, NEW, must_change=True) is WriteVerdict.NOT_ALLOWED

    assert _verdict(through, login, NEW) is Verdict.WRONG


def test_a_temporary_password_that_is_refused_is_marked_by_nobody(
    slapd: SlapdServer, through: LdapDirectory, proxy: LdapProxy
) -> None:
    _, login = slapd.add_person(PASSWORD, pwdPolicySubentry=_policy("strict"))

    assert _write(through, login, "short", must_change=True) is WriteVerdict.TOO_SHORT

    assert Request.MODIFY not in proxy.requests
    assert _verdict(through, login, PASSWORD) is Verdict.RIGHT


@pytest.mark.parametrize("is_one_write", [False, True], ids=["two writes", "one write"])
def test_a_mark_whose_answer_is_lost_is_uncertain(
    slapd: SlapdServer, proxy: LdapProxy, open_ldap: OpenLdap, *, is_one_write: bool
) -> None:
    _, login = slapd.add_person(PASSWORD)
    ldap = open_ldap(url=proxy.tls_url, hashes_clear_text=is_one_write)
    proxy.drop(Request.MODIFY)

    with pytest.raises(WriteUncertain):
        _write(ldap, login, NEW, must_change=True)

    assert proxy.requests.count(Request.MODIFY) == 1


def test_a_password_that_can_neither_be_marked_nor_unset_is_told(
    slapd: SlapdServer, through: LdapDirectory, proxy: LdapProxy
) -> None:
    _, login = slapd.add_person(PASSWORD)
    proxy.answer(Request.MODIFY, 50)
    proxy.answer(Request.EXTENDED, 80, at=2)

    with pytest.raises(WriteUncertain, match="need not be changed"):
        _write(through, login, NEW, must_change=True)


def test_whoever_must_change_can(slapd: SlapdServer, ldap: LdapDirectory) -> None:
    _, login = slapd.add_person(PASSWORD)
    _write(ldap, login, NEW, must_change=True)

    assert _write(ldap, login, "my very own 1", old=NEW) is WriteVerdict.WRITTEN

    assert _verdict(ldap, login, "my very own 1") is Verdict.RIGHT


def test_whose_password_expired_can_change_it_while_grace_lasts(ldap: LdapDirectory) -> None:
    assert _verdict(ldap, LATE.login, PASSWORD) is Verdict.EXPIRED
    assert _write(ldap, LATE.login, NEW, old=PASSWORD) is WriteVerdict.WRITTEN
    assert _verdict(ldap, LATE.login, NEW) is Verdict.RIGHT


def test_whose_password_expired_without_grace_cannot(ldap: LdapDirectory) -> None:
    assert _write(ldap, EXPIRED.login, NEW, old=PASSWORD) is WriteVerdict.OLD_EXPIRED


@pytest.mark.parametrize(
    ("stamp", "verdict"),
    [("000001010000Z", WriteVerdict.DISABLED), ("20250101000000Z", WriteVerdict.LOCKED)],
)
def test_whoever_is_shut_out_is_told_from_a_new_password_that_is_refused(
    slapd: SlapdServer, ldap: LdapDirectory, stamp: str, verdict: WriteVerdict
) -> None:
    dn, login = slapd.add_person(PASSWORD)
    slapd.change(dn, "replace: pwdAccountLockedTime", f"pwdAccountLockedTime: {stamp}")

    assert _write(ldap, login, NEW, old=PASSWORD) is verdict
    assert _write(ldap, login, NEW, old="wrong") is verdict


def test_whoever_may_not_sign_in_does_not_change_anything(
    slapd: SlapdServer, through: LdapDirectory, proxy: LdapProxy
) -> None:
    _, login = slapd.add_person(PASSWORD)
    _id(through, login)
    proxy.answer(Request.BIND, 53)

    assert _write(through, login, NEW, old=PASSWORD) is WriteVerdict.NOT_LET_IN


@pytest.mark.parametrize("as_owner", [False, True], ids=["service", "owner"])
def test_too_short_is_told(slapd: SlapdServer, ldap: LdapDirectory, *, as_owner: bool) -> None:
    _, login = slapd.add_person(PASSWORD, pwdPolicySubentry=_policy("strict"))

    refused = _write(ldap, login, "short", old=PASSWORD if as_owner else None)

    assert refused is WriteVerdict.TOO_SHORT
    assert _verdict(ldap, login, PASSWORD) is Verdict.RIGHT


def test_used_before_is_told_to_its_owner(slapd: SlapdServer, ldap: LdapDirectory) -> None:
    _, login = slapd.add_person(PASSWORD, pwdPolicySubentry=_policy("strict"))
    assert _write(ldap, login, NEW, old=PASSWORD) is WriteVerdict.WRITTEN

    assert _write(ldap, login, PASSWORD, old=NEW) is WriteVerdict.IN_HISTORY


def test_too_young_is_told(slapd: SlapdServer, ldap: LdapDirectory) -> None:
    _, login = slapd.add_person(PASSWORD, pwdPolicySubentry=_policy("young"))
    assert _write(ldap, login, NEW, old=PASSWORD) is WriteVerdict.TOO_YOUNG
    assert _write(ldap, login, NEW) is WriteVerdict.TOO_YOUNG


def test_a_policy_that_lets_nobody_change_is_told(slapd: SlapdServer, ldap: LdapDirectory) -> None:
    _, login = slapd.add_person(PASSWORD, pwdPolicySubentry=_policy("frozen"))

    assert _write(ldap, login, NEW, old=PASSWORD) is WriteVerdict.NOT_ALLOWED


def test_a_wrong_old_password_is_told(slapd: SlapdServer, ldap: LdapDirectory) -> None:
    _, login = slapd.add_person(PASSWORD)

    assert _write(ldap, login, NEW, old="wrong") is WriteVerdict.OLD_WRONG
    assert _verdict(ldap, login, PASSWORD) is Verdict.RIGHT


def test_a_server_that_does_not_take_the_old_password_is_told(
    slapd: SlapdServer, through: LdapDirectory, proxy: LdapProxy
) -> None:
    _, login = slapd.add_person(PASSWORD)
    proxy.answer(Request.EXTENDED, 53)

    assert _write(through, login, NEW, old=PASSWORD) is WriteVerdict.OLD_WRONG


def test_an_account_without_the_right_to_write_is_told(
    slapd: SlapdServer, open_ldap: OpenLdap
) -> None:
    _, login = slapd.add_person(PASSWORD)
    weak = open_ldap(bind_dn=f"cn=weak,{BASE}")

    assert _write(weak, login, NEW) is WriteVerdict.NOT_ALLOWED


def test_an_unknown_id_is_told(ldap: LdapDirectory) -> None:
    nobody = "00000000-0000-0000-0000-000000000000"

    assert ldap.write_password(nobody, NEW.encode()).verdict is WriteVerdict.UNKNOWN


@pytest.mark.parametrize("new", [b"", b"\0", b"a\0b", b"x" * 5000], ids=repr)
def test_what_is_no_password_is_never_sent(
    through: LdapDirectory, proxy: LdapProxy, new: bytes
) -> None:
    stable_id = _id(through, "odd0")
    before = list(proxy.requests)

    for old in (None, PASSWORD.encode()):
        assert through.write_password(stable_id, new, old=old).verdict is WriteVerdict.REFUSED
    assert through.write_password(stable_id, b"x", old=new).verdict is WriteVerdict.REFUSED
    assert proxy.requests == before


def test_an_owner_sets_no_temporary_password(ldap: LdapDirectory) -> None:
    with pytest.raises(ValueError, match="temporary"):
        ldap.write_password("any", b"new", old=b"old", must_change=True)


@pytest.mark.parametrize("as_owner", [False, True], ids=["service", "owner"])
@pytest.mark.parametrize("fault", ["drop", "stall"])
def test_a_lost_answer_is_uncertain_and_nothing_is_sent_twice(
    slapd: SlapdServer, through: LdapDirectory, proxy: LdapProxy, fault: str, *, as_owner: bool
) -> None:
    _, login = slapd.add_person(PASSWORD)
    stable_id = _id(through, login)
    (proxy.drop if fault == "drop" else proxy.stall)(Request.EXTENDED)

    with pytest.raises(WriteUncertain):
        through.write_password(stable_id, NEW.encode(), old=PASSWORD.encode() if as_owner else None)

    assert proxy.requests.count(Request.EXTENDED) == 1


@pytest.mark.parametrize("code", [51, 52, 80])
def test_a_server_that_cannot_now_wrote_nothing(
    through: LdapDirectory, proxy: LdapProxy, code: int
) -> None:
    proxy.answer(Request.EXTENDED, code)

    with pytest.raises(DirectoryUnavailable, match=f"code {code}") as caught:
        _write(through, "odd0", NEW)
    assert not isinstance(caught.value, WriteUncertain)


@pytest.mark.parametrize("request_kind", [Request.EXTENDED, Request.MODIFY])
def test_a_replica_names_the_server_that_takes_writes(
    proxy: LdapProxy, open_ldap: OpenLdap, request_kind: Request
) -> None:
    is_one_write = request_kind is Request.MODIFY
    replica = open_ldap(url=proxy.tls_url, hashes_clear_text=is_one_write)
    proxy.answer(request_kind, 10)

    with pytest.raises(DirectoryMisconfigured, match=r"ldap://other\.example\.test"):
        _write(replica, "odd0", NEW, must_change=is_one_write)


@pytest.mark.parametrize(
    ("code", "error", "verdict"),
    [
        (19, 5, WriteVerdict.TOO_SIMPLE),
        (19, 6, WriteVerdict.TOO_SHORT),
        (19, 7, WriteVerdict.TOO_YOUNG),
        (19, 8, WriteVerdict.IN_HISTORY),
        (19, 9, WriteVerdict.TOO_LONG),
        (19, None, WriteVerdict.REFUSED),
        (50, 3, WriteVerdict.NOT_ALLOWED),
        (50, 4, WriteVerdict.NOT_ALLOWED),
        (50, None, WriteVerdict.NOT_ALLOWED),
        (53, None, WriteVerdict.REFUSED),
        (32, None, WriteVerdict.UNKNOWN),
    ],
)
def test_the_table_of_answers(
    through: LdapDirectory,
    proxy: LdapProxy,
    code: int,
    error: int | None,
    verdict: WriteVerdict,
) -> None:
    inner = write(0x81, bytes([error])) if error is not None else b""
    proxy.answer(Request.EXTENDED, code, extra=control(POLICY, write(0x30, inner)))

    assert _write(through, "odd0", NEW) is verdict
