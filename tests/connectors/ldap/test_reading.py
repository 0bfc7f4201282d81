"""What is read of awkward people and groups, from a real server."""

import pytest

from connectors.ldap.names import normalise_dn
from connectors.ldap.source import LdapDirectory
from connectors.records import Address, DirectoryEntry, DirectoryGroup, Sighting
from tests.support import directories
from tests.support.directories import CROWD, ODD_NAMES, OpenLdap, escape
from tests.support.ldap_proxy import LdapProxy
from tests.support.slapd import GROUPS, PEOPLE, SlapdServer


def _people(ldap: LdapDirectory) -> dict[str, DirectoryEntry]:
    with ldap.read() as run:
        return {each.login: each for each in run.entries() if isinstance(each, DirectoryEntry)}


def _groups(ldap: LdapDirectory) -> dict[str, DirectoryGroup]:
    with ldap.read() as run:
        return {each.name: each for each in run.groups() if isinstance(each, DirectoryGroup)}


def test_odd_names_are_read_and_lie_where_their_names_say(ldap: LdapDirectory) -> None:
    people = _people(ldap)

    for number, name in enumerate(ODD_NAMES):
        entry = people[f"odd{number}"]
        assert entry.address == normalise_dn(f"cn={escape(name)},{PEOPLE}")
        assert entry.warnings == ()


def test_mail_addresses_are_none_one_or_several_in_a_stable_order(ldap: LdapDirectory) -> None:
    people = _people(ldap)

    assert "email" not in people["nomail"].attributes
    assert people["mails"].attributes["email"] == ("a@example.test", "z@example.test")
    assert people["same"].attributes["email"] == ("MAILS@example.test",)


def test_a_name_of_two_parts_is_in_order(ldap: LdapDirectory) -> None:
    assert _people(ldap)["multi"].address == f"cn=multi value+uid=multi,{PEOPLE}"


def test_how_accounts_stand_is_read(ldap: LdapDirectory) -> None:
    people = _people(ldap)

    assert not people[directories.DISABLED.login].is_enabled
    assert people[directories.MUST_CHANGE.login].must_change
    assert people[directories.SHADOW.login].must_change
    expired = people[directories.EXPIRED.login].password_set_at
    assert expired is not None
    assert expired.year == 2020
    ordinary = people["u000001"]
    assert (ordinary.is_enabled, ordinary.is_locked, ordinary.must_change) == (True, False, False)


def test_groups_are_nested_looping_empty_and_dangling(ldap: LdapDirectory) -> None:
    groups = _groups(ldap)

    assert groups["nested"].members == (f"cn=leaf,{GROUPS}",)
    assert groups["loop-a"].members == (groups["loop-b"].address,)
    assert groups["loop-b"].members == (groups["loop-a"].address,)
    assert groups["empty"].members == ()
    assert groups["dangling"].members == (f"uid=nobody,{PEOPLE}",)
    assert len(groups["large"].members) == CROWD
    assert normalise_dn(f"cn={escape(ODD_NAMES[0])},{PEOPLE}") in groups["leaf"].members


def test_only_what_is_named_is_asked_for_and_photos_are_not(
    through: LdapDirectory, proxy: LdapProxy
) -> None:
    _people(through)

    heard = bytes(proxy.heard)
    assert b"entryUUID" in heard
    for never in (b"jpegPhoto", b"userPassword", b"\x04\x01*", b"\x04\x01+"):
        assert never not in heard


def test_a_flat_scope_does_not_go_deeper(slapd: SlapdServer, open_ldap: OpenLdap) -> None:
    below = f"ou=below,{PEOPLE}"
    slapd.add(below, {"objectClass": ["organizationalUnit"], "ou": ["below"]})
    _, login = slapd.add_person(below=below)
    flat, deep = open_ldap(scope="one"), open_ldap()

    assert deep.find_by_login(login) is not None
    assert flat.find_by_login(login) is None
    assert login not in _people(flat)
    assert login in _people(deep)
    assert flat.find_by_login("odd0") is not None


@pytest.mark.parametrize("page_size", [1, 3, 5000])
def test_the_size_of_a_page_changes_nothing(
    ldap: LdapDirectory, open_ldap: OpenLdap, page_size: int
) -> None:
    assert _people(open_ldap(page_size=page_size)) == _people(ldap)


def test_a_renamed_unit_is_seen_by_a_sweep(slapd: SlapdServer, ldap: LdapDirectory) -> None:
    before = f"ou=before,{PEOPLE}"
    slapd.add(before, {"objectClass": ["organizationalUnit"], "ou": ["before"]})
    _, login = slapd.add_person(below=before)
    stable_id = _people(ldap)[login].stable_id
    slapd.change(before, "changetype: modrdn", "newrdn: ou=after", "deleteoldrdn: 1")

    with ldap.read() as run:
        seen = {each.stable_id: each.address for each in run.sweep() if isinstance(each, Sighting)}

    assert seen[stable_id] == Address(f"uid={login},ou=after,{PEOPLE}")
