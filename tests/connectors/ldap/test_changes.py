"""What changed since a cursor, as the directory tells it."""

import json
from collections.abc import Sequence
from uuid import UUID

import pytest

from connectors.ldap.source import LdapDirectory
from connectors.port import CursorRefused, DirectoryMisconfigured, DirectoryUnavailable
from connectors.records import Cursor, DirectoryChanges, RejectedEntry, Sighting
from tests.support.directories import OpenLdap
from tests.support.ldap_proxy import SYNCHRONISED, LdapProxy, Request, control, write
from tests.support.slapd import GROUPS, PEOPLE, SESSION_LOG, SlapdServer

DONE = "1.3.6.1.4.1.4203.1.9.1.3"
CSN = "20200101000000.000000Z#000000#000#000000"


def _cursor(ldap: LdapDirectory) -> Cursor:
    with ldap.read() as run:
        assert run.cursor is not None
        return run.cursor


def _changes(ldap: LdapDirectory, since: Cursor) -> DirectoryChanges:
    with ldap.read() as run:
        return run.changes(since)


def _id(ldap: LdapDirectory, login: str) -> str:
    found = ldap.find_by_login(login)
    assert found is not None
    return found.stable_id


def _everybody(ldap: LdapDirectory) -> set[str]:
    with ldap.read() as run:
        return {each.stable_id for each in run.sweep() if isinstance(each, Sighting)}


def _logins(changes: DirectoryChanges) -> list[str]:
    return sorted(entry.login for entry in changes.people.entries)


def _add(slapd: SlapdServer, count: int) -> list[tuple[str, str]]:
    return [slapd.add_person() for _ in range(count)]


def _names(people: Sequence[tuple[str, str]]) -> list[str]:
    return sorted(login for _, login in people)


def test_nothing_changed_is_nothing_and_not_that_all_are_gone(ldap: LdapDirectory) -> None:
    cursor = _cursor(ldap)

    changes = _changes(ldap, cursor)

    assert changes.people.entries == ()
    assert changes.people.gone == frozenset()
    assert changes.people.unchanged is None
    assert changes.groups == type(changes.groups)()
    assert changes.cursor == cursor


def test_who_is_new_or_changed_comes_whole_and_once(
    slapd: SlapdServer, ldap: LdapDirectory
) -> None:
    [(old, login), _] = _add(slapd, 2)
    cursor = _cursor(ldap)
    slapd.change(old, "replace: displayName", "displayName: New Name")
    new = _add(slapd, 2)

    changes = _changes(ldap, cursor)

    assert _logins(changes) == sorted([login, *_names(new)])
    assert all(ldap.find_by_id(entry.stable_id) == entry for entry in changes.people.entries)
    assert changes.people.gone == frozenset()
    again = _changes(ldap, changes.cursor)
    assert again.people.entries == ()


def test_who_was_deleted_moved_away_or_left_the_filter_is_gone(
    slapd: SlapdServer, open_ldap: OpenLdap
) -> None:
    ldap = open_ldap(filter="(&(objectClass=inetOrgPerson)(!(description=left)))")
    people = _add(slapd, 3)
    (deleted, _), (moved, _), (left, _) = people
    ids = {_id(ldap, login) for _, login in people}
    cursor = _cursor(ldap)
    slapd.delete(deleted)
    rdn = moved.partition(",")[0]
    slapd.change(
        moved, "changetype: modrdn", f"newrdn: {rdn}", "deleteoldrdn: 0", f"newsuperior: {GROUPS}"
    )
    slapd.change(left, "replace: description", "description: left")

    changes = _changes(ldap, cursor)

    assert ids <= changes.people.gone
    assert changes.people.unchanged is None
    assert _everybody(ldap).isdisjoint(ids)


def test_after_more_changes_than_the_server_remembers_it_lists_who_is_as_before(
    slapd: SlapdServer, ldap: LdapDirectory
) -> None:
    leaving = _add(slapd, SESSION_LOG + 5)
    ids = {_id(ldap, login) for _, login in leaving}
    cursor = _cursor(ldap)
    slapd.delete(*(dn for dn, _ in leaving))
    new = _add(slapd, 1)

    changes = _changes(ldap, cursor)

    assert _logins(changes) == _names(new)
    assert changes.people.unchanged is not None
    told = changes.people.unchanged | {entry.stable_id for entry in changes.people.entries}
    assert told == _everybody(ldap)
    assert told.isdisjoint(ids)


def test_a_group_with_a_new_member_is_told_as_a_group(
    slapd: SlapdServer, ldap: LdapDirectory
) -> None:
    [(dn, _)] = _add(slapd, 1)
    cursor = _cursor(ldap)
    slapd.add(f"cn=fresh,{GROUPS}", {"objectClass": ["groupOfNames"], "member": [dn]})

    changes = _changes(ldap, cursor)

    [group] = changes.groups.entries
    assert (group.name, group.members) == ("fresh", (dn,))


def test_a_renamed_entry_keeps_its_id(slapd: SlapdServer, ldap: LdapDirectory) -> None:
    [(dn, login)] = _add(slapd, 1)
    stable_id = _id(ldap, login)
    cursor = _cursor(ldap)
    slapd.change(dn, "changetype: modrdn", "newrdn: cn=renamed", "deleteoldrdn: 0")

    [entry] = _changes(ldap, cursor).people.entries

    assert (entry.stable_id, entry.address) == (stable_id, f"cn=renamed,{PEOPLE}")


def test_a_changed_entry_that_is_no_account_any_more_is_rejected_and_not_gone(
    slapd: SlapdServer, ldap: LdapDirectory
) -> None:
    dn, login = slapd.add_person()
    slapd.change(dn, "changetype: modrdn", "newrdn: cn=nameless", "deleteoldrdn: 0")
    stable_id = _id(ldap, login)
    cursor = _cursor(ldap)
    slapd.change(f"cn=nameless,{PEOPLE}", "replace: uid", f"uid: {'y' * 300}")

    changes = _changes(ldap, cursor)

    [rejected] = changes.rejected
    assert rejected == RejectedEntry(rejected.address, "it has no usable uid", stable_id)
    assert changes.people.entries == ()
    assert changes.people.gone == frozenset()
    slapd.delete(f"cn=nameless,{PEOPLE}")


def test_how_an_account_stands_is_a_change(slapd: SlapdServer, ldap: LdapDirectory) -> None:
    (dn, _), (other, _) = _add(slapd, 2)
    cursor = _cursor(ldap)
    slapd.change(dn, "add: pwdAccountLockedTime", "pwdAccountLockedTime: 000001010000Z")
    slapd.change(other, "add: pwdReset", "pwdReset: TRUE")

    told = {entry.address: entry for entry in _changes(ldap, cursor).people.entries}

    assert not told[dn].is_enabled  # type: ignore[index]
    assert told[other].must_change  # type: ignore[index]


def test_a_cursor_of_other_settings_is_refused(ldap: LdapDirectory, open_ldap: OpenLdap) -> None:
    cursor = _cursor(ldap)

    for own in ({"filter": "(uid=*)"}, {"group_base": None}, {"base": GROUPS}):
        with pytest.raises(CursorRefused):
            _changes(open_ldap(**own), cursor)


@pytest.mark.parametrize(
    "cookie", ["", "garbage", "rid=000", "rid=000,csn=", "rid=000,csn=garbage", f"rid=0,csn={CSN}x"]
)
def test_a_broken_cookie_is_refused_before_it_is_sent(
    through: LdapDirectory, proxy: LdapProxy, cookie: str
) -> None:
    cursor = _cursor(through)
    broken = Cursor(_replace_cookies(cursor, cookie))
    proxy.heard.clear()

    with pytest.raises(CursorRefused):
        _changes(through, broken)
    assert SYNCHRONISED not in bytes(proxy.heard)


def test_a_cursor_of_fewer_cookies_than_searches_is_refused(ldap: LdapDirectory) -> None:
    document = json.loads(_cursor(ldap))

    for cookies in (document["cookies"][:1], "cookies", None):
        with pytest.raises(CursorRefused, match="settings"):
            _changes(ldap, Cursor(json.dumps(document | {"cookies": cookies})))


def test_a_cursor_from_the_future_is_refused(ldap: LdapDirectory) -> None:
    later = f"rid=000,csn={CSN.replace('2020', '2099')}"

    with pytest.raises(CursorRefused):
        _changes(ldap, Cursor(_replace_cookies(_cursor(ldap), later)))


def test_an_old_cursor_lists_everybody(ldap: LdapDirectory) -> None:
    since = Cursor(_replace_cookies(_cursor(ldap), f"rid=000,csn={CSN}"))

    changes = _changes(ldap, since)

    told = {entry.stable_id for entry in changes.people.entries} | (
        changes.people.unchanged or set()
    )
    assert told == _everybody(ldap)
    assert changes.people.unchanged is not None


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (3, DirectoryUnavailable),
        (4, DirectoryMisconfigured),
        (11, DirectoryMisconfigured),
        (32, DirectoryMisconfigured),
        (50, DirectoryMisconfigured),
        (51, DirectoryUnavailable),
        (53, CursorRefused),
    ],
)
def test_changes_with_any_other_code_raise(
    through: LdapDirectory, proxy: LdapProxy, code: int, kind: type[Exception]
) -> None:
    cursor = _cursor(through)
    proxy.answer(Request.SEARCH, code, needle=SYNCHRONISED)

    with pytest.raises(kind):
        _changes(through, cursor)


def test_a_refresh_that_the_server_wants_is_a_full_read(
    through: LdapDirectory, proxy: LdapProxy
) -> None:
    cursor = _cursor(through)
    proxy.answer(Request.SEARCH, 4096, needle=SYNCHRONISED)

    with pytest.raises((CursorRefused, DirectoryUnavailable)):
        _changes(through, cursor)


@pytest.mark.parametrize(
    ("extra", "kind"),
    [
        (b"", DirectoryUnavailable),
        (control(DONE, write(0x30, write(0x04))), CursorRefused),
        (control(DONE, write(0x30, write(0x04, b"rid=000"))), CursorRefused),
        (control(DONE, b"0\x7f"), DirectoryUnavailable),
        (control(DONE, b""), DirectoryUnavailable),
    ],
    ids=["no end", "empty cookie", "half a cookie", "broken", "empty"],
)
def test_an_answer_without_a_good_end_is_none(
    through: LdapDirectory, proxy: LdapProxy, extra: bytes, kind: type[Exception]
) -> None:
    cursor = _cursor(through)
    proxy.answer(Request.SEARCH, 0, needle=SYNCHRONISED, extra=extra)

    with pytest.raises(kind):
        _changes(through, cursor)


def _state(state: int, stable_id: str) -> bytes:
    inner = write(0x0A, bytes([state])) + write(0x04, UUID(stable_id).bytes)
    return control("1.3.6.1.4.1.4203.1.9.1.2", write(0x30, inner))


def test_entries_may_come_with_their_state_alone(through: LdapDirectory, proxy: LdapProxy) -> None:
    cursor = _cursor(through)
    stable_id = _id(through, "odd0")
    end = control(DONE, write(0x30, write(0x04, f"rid=000,csn={CSN}".encode())))
    told = []

    for state in (0, 3):
        proxy.behave()
        about = _state(state, stable_id)
        proxy.find("cn=a", "uid", "a", needle=SYNCHRONISED, extra=end, about=about)
        told.append(_changes(through, cursor).people)

    assert told[0].unchanged == frozenset({stable_id})
    assert told[0].gone == frozenset()
    assert told[1].unchanged == frozenset()
    assert told[1].gone == {stable_id}


@pytest.mark.parametrize(
    ("about", "kind"),
    [
        (b"", CursorRefused),
        (_state(7, "00000000-0000-0000-0000-000000000000"), DirectoryUnavailable),
    ],
    ids=["none", "unknown"],
)
def test_an_entry_of_no_known_state_is_no_change(
    through: LdapDirectory, proxy: LdapProxy, about: bytes, kind: type[Exception]
) -> None:
    cursor = _cursor(through)
    end = control(DONE, write(0x30, write(0x01, b"\xff")))
    proxy.find("cn=a", "uid", "a", needle=SYNCHRONISED, extra=end, about=about)

    with pytest.raises(kind):
        _changes(through, cursor)


@pytest.mark.parametrize("needle", [b"namingContexts", b"contextCSN"])
def test_a_run_begins_with_a_known_moment_or_not_at_all(
    through: LdapDirectory, proxy: LdapProxy, needle: bytes
) -> None:
    proxy.answer(Request.SEARCH, 52, needle=needle)

    with pytest.raises(DirectoryUnavailable, match="code 52"):
        _cursor(through)


def test_without_groups_only_people_are_told(slapd: SlapdServer, open_ldap: OpenLdap) -> None:
    ldap = open_ldap(group_base=None)
    cursor = _cursor(ldap)
    new = _add(slapd, 1)

    with ldap.read() as run:
        changes = run.changes(cursor)
        assert list(run.groups()) == []

    assert _logins(changes) == _names(new)
    assert changes.groups == type(changes.groups)()


def test_a_server_that_says_nothing_changed_without_saying_deletes_is_not_all_gone(
    through: LdapDirectory, proxy: LdapProxy
) -> None:
    cursor = _cursor(through)
    proxy.answer(Request.SEARCH, 0, needle=SYNCHRONISED, extra=control(DONE, write(0x30)))

    changes = _changes(through, cursor)

    assert changes.people.unchanged is None
    assert changes.cursor == cursor


@pytest.mark.parametrize("fault", ["drop", "stall"])
def test_changes_that_do_not_come_raise(
    through: LdapDirectory, proxy: LdapProxy, fault: str
) -> None:
    cursor = _cursor(through)
    (proxy.drop if fault == "drop" else proxy.stall)(Request.SEARCH, needle=SYNCHRONISED)

    with pytest.raises(DirectoryUnavailable):
        _changes(through, cursor)


def test_more_changes_than_fit_into_memory_are_a_full_read(
    ldap: LdapDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    since = Cursor(_replace_cookies(_cursor(ldap), f"rid=000,csn={CSN}"))
    monkeypatch.setattr("connectors.ldap.changes.MOST_BYTES", 4096)

    with pytest.raises(CursorRefused, match="held in memory"):
        _changes(ldap, since)


def test_a_server_without_synchronisation_has_no_cursor(
    through: LdapDirectory, proxy: LdapProxy
) -> None:
    cursor = _cursor(through)
    proxy.hide(b"supportedControl")

    with through.read() as run:
        assert run.cursor is None
        with pytest.raises(CursorRefused, match="does not tell"):
            run.changes(cursor)


def _replace_cookies(cursor: str, cookie: str) -> str:
    document = json.loads(cursor)
    return json.dumps(document | {"cookies": [cookie for _ in document["cookies"]]})
