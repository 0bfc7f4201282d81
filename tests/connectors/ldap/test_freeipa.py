"""FreeIPA: reading and signing in, from a real server with FreeIPA's tree and access rules."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.ldap.controls import PASSWORD_IS_OVER, PASSWORD_POLICY
from connectors.ldap.source import LdapDirectory
from connectors.ldap.stamps import NUMBERS_AGAIN
from connectors.port import CursorRefused, DirectoryMisconfigured
from connectors.records import Cursor, DirectoryChanges, DirectoryEntry, DirectoryGroup
from connectors.verdicts import Verdict, WriteVerdict
from tests.support.directories import PASSWORD, OpenLdap
from tests.support.ds389 import Ds389Server, grant
from tests.support.freeipa import (
    SYSTEM_ACCOUNTS,
    add_system_account,
    add_user,
    add_user_group,
    preserve,
)
from tests.support.ldap_proxy import LdapProxy, Request, control, running_proxy
from tests.support.slapd import BASE

pytestmark = pytest.mark.servers

PAST, FUTURE = datetime(2020, 1, 1, tzinfo=UTC), datetime(2090, 1, 1, tzinfo=UTC)
IS_EXPIRED = b"\x30\x03\x81\x01\x00"
SHORT_SIGHTED = f"uid=short-sighted,{SYSTEM_ACCOUNTS}"
ONE_GRACE = b"\x30\x05\xa0\x03\x81\x01\x01"


@pytest.fixture
def proxy(freeipa: Ds389Server) -> Iterator[LdapProxy]:
    """Give a server before FreeIPA that says what its plug-ins do."""
    with running_proxy(freeipa.port, freeipa.authority.certify("proxy")) as found:
        yield found


@pytest.fixture
def through(open_any: OpenLdap, ipa_settings: dict[str, Any], proxy: LdapProxy) -> LdapDirectory:
    """Give a source of FreeIPA that reads through the proxy."""
    return open_any(ipa_settings, url=proxy.tls_url)


def _person(source: LdapDirectory, login: str) -> DirectoryEntry:
    found = source.find_by_login(login)
    assert found is not None
    return found


def _verdict(source: LdapDirectory, login: str, password: str) -> Verdict:
    return source.verify(_person(source, login).stable_id, password.encode()).verdict


def _change(source: LdapDirectory, stable_id: str) -> WriteVerdict:
    new, old = b"an entirely new 1", PASSWORD.encode()
    return source.write_password(stable_id, new, old=old).verdict


def test_people_and_their_groups_are_read_by_the_ids_that_all_may_read(
    ipa: LdapDirectory, freeipa: Ds389Server
) -> None:
    dn = add_user(freeipa, "reader", PASSWORD, mail="reader@example.test", krbLastPwdChange=PAST)
    add_user_group(freeipa, "readers", [dn])
    [own] = freeipa.tools.read(dn, "ipaUniqueID")["ipauniqueid"]

    with ipa.read() as run:
        people = {each.login: each for each in run.entries() if isinstance(each, DirectoryEntry)}
        groups = {each.name: each for each in run.groups() if isinstance(each, DirectoryGroup)}

    person = people["reader"]
    assert person.stable_id == own.decode()
    assert person.attributes["email"] == ("reader@example.test",)
    assert person.password_set_at == PAST
    assert (person.is_enabled, person.must_change) == (True, False)
    assert groups["readers"].members == (person.address,)
    assert "reader" not in groups
    assert "idp" not in people


@pytest.mark.parametrize("vendor", ["freeipa", "389ds"])
def test_the_check_knows_freeipa_and_tells_who_takes_it_for_another(
    open_any: OpenLdap, ipa_settings: dict[str, Any], freeipa: Ds389Server, vendor: str
) -> None:
    add_user(freeipa, f"sample-{vendor}", PASSWORD)

    report = open_any(ipa_settings, vendor=vendor).check()

    assert report.vendor.startswith("FreeIPA, 389 Project")
    assert "incremental" in report.offers
    assert any("this is FreeIPA" in each for each in report.warnings) == (vendor == "389ds")


def test_another_vendors_settings_are_refused_by_a_check(
    open_any: OpenLdap, ipa_settings: dict[str, Any]
) -> None:
    with pytest.raises(DirectoryMisconfigured, match='vendor = "freeipa"'):
        open_any(ipa_settings, vendor="openldap").check()


@pytest.mark.parametrize(
    ("own", "verdict"),
    [
        ({}, Verdict.RIGHT),
        ({"nsAccountLock": "FALSE", "krbPrincipalExpiration": FUTURE}, Verdict.RIGHT),
        ({"nsAccountLock": "TRUE"}, Verdict.DISABLED),
        ({"krbPrincipalExpiration": PAST}, Verdict.DISABLED),
        ({"krbPasswordExpiration": FUTURE}, Verdict.RIGHT),
        ({"krbPasswordExpiration": PAST}, Verdict.MUST_CHANGE),
        ({"krbPrincipalExpiration": PAST, "krbPasswordExpiration": PAST}, Verdict.DISABLED),
    ],
)
def test_an_account_and_a_password_that_are_over_are_seen_at_the_entry(
    ipa: LdapDirectory,
    freeipa: Ds389Server,
    request: pytest.FixtureRequest,
    own: dict[str, str | datetime],
    verdict: Verdict,
) -> None:
    login = f"over{request.node.callspec.indices['own']}"
    add_user(freeipa, login, PASSWORD, **own)

    assert _verdict(ipa, login, PASSWORD) is verdict
    if verdict is not Verdict.DISABLED:
        assert _verdict(ipa, login, f"{PASSWORD}x") is Verdict.WRONG


@pytest.mark.parametrize("message", ["Password is expired.\n", "in other words"])
def test_an_expiry_that_is_told_before_the_password_is_looked_at_proves_none(
    through: LdapDirectory, proxy: LdapProxy, freeipa: Ds389Server, message: str
) -> None:
    add_user(freeipa, f"told-{len(message)}", PASSWORD)
    stable_id = _person(through, f"told-{len(message)}").stable_id
    told = control(PASSWORD_POLICY, IS_EXPIRED) + control(PASSWORD_IS_OVER, b"0")
    proxy.answer(Request.BIND, 49, needle=b"uid=told-", extra=told, message=message)

    assert through.verify(stable_id, PASSWORD.encode()).verdict in {Verdict.REFUSED, Verdict.WRONG}
    assert _change(through, stable_id) in {WriteVerdict.NOT_LET_IN, WriteVerdict.OLD_WRONG}


@pytest.mark.parametrize(
    ("extra", "verdict"),
    [
        (control(PASSWORD_IS_OVER, b"0"), Verdict.MUST_CHANGE),
        (control(PASSWORD_IS_OVER, b"0") + control(PASSWORD_POLICY, ONE_GRACE), Verdict.EXPIRED),
        (b"", Verdict.RIGHT),
    ],
    ids=["over", "grace", "right"],
)
def test_whoever_is_let_in_with_a_password_that_is_over_must_change_it(
    through: LdapDirectory,
    proxy: LdapProxy,
    freeipa: Ds389Server,
    request: pytest.FixtureRequest,
    extra: bytes,
    verdict: Verdict,
) -> None:
    login = f"overdue-{request.node.callspec.indices['extra']}"
    add_user(freeipa, login, PASSWORD)
    stable_id = _person(through, login).stable_id
    proxy.answer(Request.BIND, 0, needle=b"uid=overdue-", extra=extra)

    assert through.verify(stable_id, PASSWORD.encode()).verdict is verdict


def test_a_code_behind_the_old_password_makes_that_wrong_and_the_directory_not_broken(
    through: LdapDirectory, proxy: LdapProxy, freeipa: Ds389Server
) -> None:
    add_user(freeipa, "coded", PASSWORD)
    stable_id = _person(through, "coded").stable_id
    proxy.answer(Request.EXTENDED, 49)

    assert _change(through, stable_id) is WriteVerdict.OLD_WRONG


def test_nobody_whose_state_may_not_be_read_is_taken_for_enabled(
    open_any: OpenLdap, ipa_settings: dict[str, Any], freeipa: Ds389Server
) -> None:
    add_user(freeipa, "unread", PASSWORD, nsAccountLock="TRUE")
    add_system_account(freeipa, SHORT_SIGHTED)
    hides = grant("read", "krbPrincipalName || nsAccountLock", SHORT_SIGHTED)
    freeipa.tools.change(BASE, "add: aci", f"aci: {hides}".replace("allow(", "deny("))

    short_sighted = open_any(ipa_settings, bind_dn=SHORT_SIGHTED)

    assert short_sighted.find_by_login("unread") is None
    with pytest.raises(DirectoryMisconfigured, match="does not tell its krbPrincipalName"):
        short_sighted.check()


@pytest.mark.parametrize(("ends", "is_over"), [(PAST, True), (FUTURE, False)])
def test_a_temporary_password_is_one_that_ended_when_it_was_set(
    open_any: OpenLdap,
    ipa_settings: dict[str, Any],
    freeipa: Ds389Server,
    ends: datetime,
    *,
    is_over: bool,
) -> None:
    writer, login = f"uid=writer-{is_over},{SYSTEM_ACCOUNTS}", f"new-{is_over}"
    add_system_account(freeipa, writer)
    freeipa.tools.change(BASE, "add: aci", f"aci: {grant('write', 'userPassword', writer)}")
    add_user(freeipa, login, PASSWORD, krbLastPwdChange=PAST, krbPasswordExpiration=ends)
    writing = open_any(ipa_settings, bind_dn=writer)

    written = writing.write_password(
        _person(writing, login).stable_id, b"an entirely new 1", must_change=True
    )

    assert written.verdict is (WriteVerdict.WRITTEN if is_over else WriteVerdict.REFUSED)
    assert "krbPasswordExpiration" in written.detail
    held = Verdict.MUST_CHANGE if is_over else Verdict.WRONG
    assert _verdict(writing, login, "an entirely new 1") is held


def _cursor(source: LdapDirectory) -> Cursor:
    with source.read() as run:
        assert run.cursor is not None
        return run.cursor


def _changes(source: LdapDirectory, since: Cursor) -> DirectoryChanges:
    with source.read() as run:
        return run.changes(since)


def test_what_changed_is_told_since_a_cursor(ipa: LdapDirectory, freeipa: Ds389Server) -> None:
    dn = add_user(freeipa, "changing", PASSWORD)
    group = add_user_group(freeipa, "growing", [])
    cursor = _cursor(ipa)
    freeipa.tools.change(dn, "replace: displayName", "displayName: Somebody Else")
    freeipa.tools.change(group, "add: member", f"member: {dn}")

    changes = _changes(ipa, cursor)

    people = {each.login: each for each in changes.people.entries}
    groups = {each.name: each for each in changes.groups.entries}
    assert people["changing"].attributes["name"] == ("Somebody Else",)
    assert groups["growing"].members == (people["changing"].address,)


def test_a_change_is_told_by_its_number_and_again_for_a_few_others(
    ipa: LdapDirectory, freeipa: Ds389Server
) -> None:
    add_user(freeipa, "early", PASSWORD)
    dn = add_user(freeipa, "often", PASSWORD)
    for number in range(NUMBERS_AGAIN - 10):
        freeipa.tools.change(dn, "replace: displayName", f"displayName: {number}")
    cursor = _cursor(ipa)
    assert "early" in {each.login for each in _changes(ipa, cursor).people.entries}

    for number in range(20):
        freeipa.tools.change(dn, "replace: displayName", f"displayName: {number}")
    later = _changes(ipa, _cursor(ipa))

    assert {"often"} == {each.login for each in later.people.entries}
    assert later.cursor == _cursor(ipa)


@pytest.mark.parametrize(
    "parts", [{"server": "another"}, {"usn": 10**12}, {"usn": -1}, {"usn": "1"}, {"usn": None}],
    ids=repr,
)  # fmt: skip
def test_a_number_of_another_server_or_life_is_refused(
    ipa: LdapDirectory, parts: dict[str, object]
) -> None:
    with pytest.raises(CursorRefused):
        _changes(ipa, Cursor(json.dumps(json.loads(_cursor(ipa)) | parts)))


def test_a_preserved_user_is_there_no_more(ipa: LdapDirectory, freeipa: Ds389Server) -> None:
    dn = add_user(freeipa, "leaving", PASSWORD)
    stable_id = _person(ipa, "leaving").stable_id

    freeipa.tools.change(dn, *preserve("leaving"))

    assert ipa.verify(stable_id, PASSWORD.encode()).verdict is Verdict.UNKNOWN


def test_an_owner_changes_a_password_that_is_over(ipa: LdapDirectory, freeipa: Ds389Server) -> None:
    add_user(freeipa, "late", PASSWORD, krbPasswordExpiration=PAST)
    stable_id = _person(ipa, "late").stable_id

    written = ipa.write_password(
        stable_id, b"an entirely new 1", old=PASSWORD.encode(), must_change=False
    )

    assert written.verdict is WriteVerdict.WRITTEN, written.detail
    assert _verdict(ipa, "late", "an entirely new 1") is Verdict.MUST_CHANGE
