"""FreeIPA: reading and signing in, from a real server with FreeIPA's tree and access rules."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from connectors.ldap.controls import PASSWORD_IS_OVER, PASSWORD_POLICY
from connectors.ldap.freeipa import FREEIPA
from connectors.ldap.messages import Answer
from connectors.ldap.sign_in import judge
from connectors.ldap.source import LdapDirectory
from connectors.records import DirectoryEntry, DirectoryGroup
from connectors.verdicts import Verdict, WriteVerdict
from tests.support.directories import PASSWORD, OpenLdap
from tests.support.ds389 import Ds389Server
from tests.support.freeipa import (
    SYSTEM_ACCOUNT,
    SYSTEM_PASSWORD,
    USER_GROUPS,
    USERS,
    add_system_account,
    add_user,
    add_user_group,
    preserve,
    running_freeipa,
)

pytestmark = pytest.mark.servers

PAST, FUTURE = datetime(2020, 1, 1, tzinfo=UTC), datetime(2090, 1, 1, tzinfo=UTC)
IS_EXPIRED = b"\x30\x03\x81\x01\x00"


@pytest.fixture(scope="module")
def server() -> Iterator[Ds389Server]:
    """Give a server with the account that reads, and nobody else."""
    with running_freeipa() as running:
        add_system_account(running)
        yield running


@pytest.fixture
def ipa(open_any: OpenLdap, server: Ds389Server) -> LdapDirectory:
    """Give a source of FreeIPA."""
    return _open(open_any, server, "freeipa")


def _open(open_any: OpenLdap, server: Ds389Server, vendor: str) -> LdapDirectory:
    return open_any(
        {
            "vendor": vendor,
            "url": server.tls_url,
            "ca_file": str(server.authority.ca_file),
            "bind_dn": SYSTEM_ACCOUNT,
            "bind_password": SYSTEM_PASSWORD,
            "base": USERS,
            "group_base": USER_GROUPS,
        }
    )


def _person(source: LdapDirectory, login: str) -> DirectoryEntry:
    found = source.find_by_login(login)
    assert found is not None
    return found


def _verdict(source: LdapDirectory, login: str, password: str) -> Verdict:
    return source.verify(_person(source, login).stable_id, password.encode()).verdict


def test_people_and_their_groups_are_read_by_the_ids_that_all_may_read(
    ipa: LdapDirectory, server: Ds389Server
) -> None:
    dn = add_user(server, "reader", PASSWORD, mail="reader@example.test", krbLastPwdChange=PAST)
    add_user_group(server, "readers", [dn])
    [own] = server.tools.read(dn, "ipaUniqueID")["ipauniqueid"]

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
    open_any: OpenLdap, server: Ds389Server, vendor: str
) -> None:
    add_user(server, f"sample-{vendor}", PASSWORD)

    report = _open(open_any, server, vendor).check()

    assert report.vendor.startswith("FreeIPA, 389 Project")
    assert "incremental" in report.offers
    assert any("this is FreeIPA" in each for each in report.warnings) == (vendor == "389ds")


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
    server: Ds389Server,
    request: pytest.FixtureRequest,
    own: dict[str, str | datetime],
    verdict: Verdict,
) -> None:
    login = f"over{request.node.callspec.indices['own']}"
    add_user(server, login, PASSWORD, **own)

    assert _verdict(ipa, login, PASSWORD) is verdict
    if verdict is not Verdict.DISABLED:
        assert _verdict(ipa, login, f"{PASSWORD}x") is Verdict.WRONG


@pytest.mark.parametrize("vendor", ["freeipa", "389ds"])
def test_an_expiry_that_is_told_before_the_password_is_looked_at_proves_none(
    open_any: OpenLdap, server: Ds389Server, vendor: str
) -> None:
    add_user(server, f"told-{vendor}", PASSWORD)
    source = _open(open_any, server, vendor)
    entry = _person(source, f"told-{vendor}")
    control = {PASSWORD_POLICY: IS_EXPIRED}

    of_freeipa = judge(
        entry, Answer(code=49, message="Password is expired.\n", controls=control), FREEIPA
    )
    of_the_engine = judge(
        entry, Answer(code=49, message="password expired!", controls=control), FREEIPA
    )

    assert of_freeipa.verdict is Verdict.REFUSED
    assert of_the_engine.verdict is Verdict.EXPIRED


def test_whoever_is_let_in_with_a_password_that_is_over_must_change_it(
    ipa: LdapDirectory, server: Ds389Server
) -> None:
    add_user(server, "overdue", PASSWORD)
    entry = _person(ipa, "overdue")
    is_over = {PASSWORD_IS_OVER: b"0"}

    assert judge(entry, Answer(code=0, controls=is_over), FREEIPA).verdict is Verdict.MUST_CHANGE
    assert judge(entry, Answer(code=49, controls=is_over), FREEIPA).verdict is Verdict.WRONG
    assert judge(entry, Answer(code=0), FREEIPA).verdict is Verdict.RIGHT


def test_whoever_changed_is_told_since_the_cursor(ipa: LdapDirectory, server: Ds389Server) -> None:
    dn = add_user(server, "changing", PASSWORD)
    with ipa.read() as run:
        list(run.entries())
        cursor = run.cursor
    assert cursor is not None
    server.tools.change(dn, "replace: displayName", "displayName: Somebody Else")

    with ipa.read() as run:
        told = run.changes(cursor)
        changed = {each.login: each for each in told.people.entries}

    assert changed["changing"].attributes["name"] == ("Somebody Else",)


def test_a_preserved_user_is_there_no_more(ipa: LdapDirectory, server: Ds389Server) -> None:
    dn = add_user(server, "leaving", PASSWORD)
    stable_id = _person(ipa, "leaving").stable_id

    server.tools.change(dn, *preserve("leaving"))

    assert ipa.verify(stable_id, PASSWORD.encode()).verdict is Verdict.UNKNOWN


def test_an_owner_changes_a_password_that_is_over(ipa: LdapDirectory, server: Ds389Server) -> None:
    add_user(server, "late", PASSWORD, krbPasswordExpiration=PAST)
    stable_id = _person(ipa, "late").stable_id

    written = ipa.write_password(
        stable_id, b"an entirely new 1", old=PASSWORD.encode(), must_change=False
    )

    assert written.verdict is WriteVerdict.WRITTEN, written.detail
    assert _verdict(ipa, "late", "an entirely new 1") is Verdict.MUST_CHANGE
