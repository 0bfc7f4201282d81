"""Long lists that a server tells in parts, and members that are named by their logins."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from connectors.ldap.completion import join_ranges
from connectors.ldap.messages import Found
from connectors.ldap.session import Session, connect
from connectors.ldap.settings import parse_settings
from connectors.ldap.source import LdapDirectory
from connectors.ldap.wire import Deadline
from connectors.port import ConnectorError, DirectoryMisconfigured, DirectoryUnavailable
from connectors.records import DirectoryGroup
from tests.support.directories import OpenLdap
from tests.support.ldap_proxy import PAGED, LdapProxy, Request, control, write
from tests.support.slapd import GROUPS, PEOPLE, SlapdServer, person

LAST_PAGE = control(PAGED.decode(), write(0x30, write(0x02, b"\0") + write(0x04)))
CUT = Found("cn=g", {"cn": [b"g"], "member;range=0-0": [b"cn=m0"]})


@pytest.fixture
def session(proxy: LdapProxy, ldap_settings: dict[str, Any]) -> Iterator[Session]:
    """Give a connection through the proxy."""
    settings = parse_settings(ldap_settings | {"url": proxy.tls_url}).connecting
    with closing(connect(settings.servers[0], settings, Deadline(2.0))) as found:
        found.bind(settings.bind_dn, settings.bind_password.reveal(), Deadline(2.0))
        yield found


def _tell(proxy: LdapProxy, start: int, told: str, value: str) -> None:
    proxy.find("cn=g", f"member;range={told}", value, needle=b"member;range=%d-*" % start)


def test_a_cut_list_is_asked_for_to_its_end(session: Session, proxy: LdapProxy) -> None:
    _tell(proxy, 1, "1-1", "cn=m1")
    _tell(proxy, 2, "2-*", "cn=m2")

    whole = join_ranges(session, CUT, Deadline(2.0))

    assert dict(whole.attributes) == {"cn": [b"g"], "member": (b"cn=m0", b"cn=m1", b"cn=m2")}


def test_a_list_that_is_not_cut_is_not_asked_for(session: Session, proxy: LdapProxy) -> None:
    found = Found("cn=g", {"member": [b"cn=m0"]})
    before = list(proxy.requests)

    assert join_ranges(session, found, Deadline(2.0)) == found
    assert proxy.requests == before


@pytest.mark.parametrize(
    "told", ["0-0", "2-2", "1-0", "1-x"], ids=["again", "gap", "backwards", "nonsense"]
)
def test_a_list_that_does_not_go_on_where_it_must_is_none(
    session: Session, proxy: LdapProxy, told: str
) -> None:
    _tell(proxy, 1, told, "cn=m1")

    with pytest.raises(DirectoryUnavailable, match=r"instead of value 1|does not go on"):
        join_ranges(session, CUT, Deadline(2.0))


@pytest.mark.parametrize("code", [1, 3, 4, 11, 32, 50, 51, 52, 53, 80])
def test_a_list_whose_rest_is_answered_with_a_code_is_none(
    session: Session, proxy: LdapProxy, code: int
) -> None:
    _tell(proxy, 1, "1-1", "cn=m1")
    proxy.answer(Request.SEARCH, code, needle=b"member;range=2-*")

    with pytest.raises(ConnectorError, match=f"code {code}"):
        join_ranges(session, CUT, Deadline(2.0))


def test_a_list_whose_rest_is_left_out_is_none(session: Session, proxy: LdapProxy) -> None:
    proxy.find("cn=g", "cn", "g", needle=b"member;range=1-*")

    with pytest.raises(DirectoryUnavailable, match="rest of its member"):
        join_ranges(session, CUT, Deadline(2.0))


@pytest.mark.parametrize("fault", ["drop", "stall", "refuse"])
def test_a_group_whose_rest_does_not_come_ends_the_run(
    through: LdapDirectory, proxy: LdapProxy, fault: str
) -> None:
    proxy.find("cn=g", "member;range=0-0", "cn=m0", needle=b"groupOfNames", extra=LAST_PAGE)
    rest = b"member;range=1-*"
    if fault == "refuse":
        proxy.answer(Request.SEARCH, 50, needle=rest)
    else:
        (proxy.drop if fault == "drop" else proxy.stall)(Request.SEARCH, needle=rest)
    kind = DirectoryMisconfigured if fault == "refuse" else DirectoryUnavailable

    with through.read() as run, pytest.raises(kind):
        list(run.groups())


def test_members_named_by_their_logins_are_told_by_their_places(
    slapd: SlapdServer, open_ldap: OpenLdap
) -> None:
    people = [slapd.add_person() for _ in range(3)]
    logins = [login for _, login in people]
    dn = f"cn=posix,{GROUPS}"
    numbers = {"objectClass": ["posixGroup"], "cn": ["posix"], "gidNumber": ["5000"]}
    slapd.add(dn, {**numbers, "memberUid": [*logins, "latecomer", "nobody-of-this-login", "u0*"]})
    ldap = open_ldap(group_filter="(objectClass=posixGroup)", group_member_attribute="memberUid")

    with ldap.read() as run:
        [group] = [each for each in run.groups() if isinstance(each, DirectoryGroup)]
        cursor = run.cursor
    slapd.change(dn, "delete: memberUid", f"memberUid: {logins[0]}")
    with ldap.read() as run:
        assert cursor is not None
        later = run.changes(cursor)
    [changed] = later.groups.entries
    slapd.add(f"uid=latecomer,{PEOPLE}", {**person("latecomer")})
    with ldap.read() as run:
        [again] = run.changes(later.cursor).groups.entries
    slapd.delete(dn, f"uid=latecomer,{PEOPLE}")

    assert set(group.members) == {f"uid={login},{PEOPLE}" for login in logins}
    assert set(changed.members) == {f"uid={login},{PEOPLE}" for login in logins[1:]}
    assert set(again.members) == {*changed.members, f"uid=latecomer,{PEOPLE}"}
