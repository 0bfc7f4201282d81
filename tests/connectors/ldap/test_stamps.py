"""What changed since a cursor, where entries bear stamps: numbers, and times."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from connectors.ldap.source import LdapDirectory
from connectors.port import CursorRefused, DirectoryMisconfigured, DirectoryUnavailable
from connectors.records import Cursor, DirectoryChanges, Sighting
from tests.support import samba_data
from tests.support.directories import OpenLdap
from tests.support.ds389 import Ds389Server
from tests.support.ldap_proxy import LdapProxy, Request, running_proxy
from tests.support.samba import SambaServer
from tests.support.slapd import BASE, GROUPS, PEOPLE

pytestmark = pytest.mark.servers

Server = SambaServer | Ds389Server


@pytest.fixture(params=["samba", "ds389"])
def server(request: pytest.FixtureRequest) -> Server:
    """Give a server whose entries bear stamps."""
    found: Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def settings(server: Server, request: pytest.FixtureRequest) -> dict[str, Any]:
    """Give settings that work with that server."""
    name = "ad_settings" if isinstance(server, SambaServer) else "ds389_settings"
    found: dict[str, Any] = request.getfixturevalue(name)
    return found


@pytest.fixture
def directory(open_any: OpenLdap, settings: dict[str, Any]) -> LdapDirectory:
    """Give a source of that server."""
    return open_any(settings)


def _cursor(directory: LdapDirectory) -> Cursor:
    with directory.read() as run:
        assert run.cursor is not None
        return run.cursor


def _changes(directory: LdapDirectory, since: Cursor) -> DirectoryChanges:
    with directory.read() as run:
        return run.changes(since)


def _id(directory: LdapDirectory, login: str) -> str:
    found = directory.find_by_login(login)
    assert found is not None
    return found.stable_id


def _altered(cursor: Cursor, **parts: object) -> Cursor:
    return Cursor(json.dumps(json.loads(cursor) | parts))


def test_who_is_new_or_changed_comes_whole(server: Server, directory: LdapDirectory) -> None:
    old, login = server.add_person()
    cursor = _cursor(directory)
    server.tools.change(old, "replace: displayName", "displayName: New Name")
    _, new = server.add_person()

    people = _changes(directory, cursor).people

    told = {entry.login: entry for entry in people.entries}
    assert {login, new} <= set(told)
    assert told[login].attributes["name"] == ("New Name",)
    assert all(directory.find_by_id(each.stable_id) == each for each in (told[login], told[new]))
    assert people.gone == frozenset()
    assert people.unchanged is None


def test_nothing_changed_is_nothing_with_numbers(samba: SambaServer, ad: LdapDirectory) -> None:
    samba.add_person()
    cursor = _cursor(ad)

    changes = _changes(ad, cursor)

    assert changes.people == type(changes.people)()
    assert changes.groups == type(changes.groups)()
    assert changes.cursor == cursor


def test_times_are_told_again_for_a_minute_and_then_not(ds: LdapDirectory) -> None:
    cursor = _cursor(ds)
    time = int(json.loads(cursor)["time"][:-1])

    assert _changes(ds, cursor).people.entries
    later = _altered(cursor, time=f"{time + 10**10}Z")
    with pytest.raises(CursorRefused, match="no moment"):
        _changes(ds, later)


def test_each_cursor_goes_on_where_the_last_ended(server: Server, directory: LdapDirectory) -> None:
    first = _cursor(directory)
    server.add_person()
    second = _changes(directory, first).cursor
    _, login = server.add_person()

    assert login in {entry.login for entry in _changes(directory, second).people.entries}


def test_a_renamed_entry_keeps_its_id(server: Server, directory: LdapDirectory) -> None:
    dn, login = server.add_person()
    stable_id = _id(directory, login)
    cursor = _cursor(directory)
    new = f"cn=renamed {login}"
    server.tools.change(dn, "changetype: modrdn", f"newrdn: {new}", "deleteoldrdn: 0"
                        if isinstance(server, Ds389Server) else "deleteoldrdn: 1")  # fmt: skip

    told = {each.stable_id: each for each in _changes(directory, cursor).people.entries}

    assert told[stable_id].address == f"{new},{PEOPLE}"


def test_a_group_with_a_new_member_is_told_as_a_group(
    server: Server, directory: LdapDirectory
) -> None:
    dn, _ = server.add_person()
    cursor = _cursor(directory)
    server.tools.change(f"cn=empty,{GROUPS}", "add: member", f"member: {dn}")

    groups = {each.name: each for each in _changes(directory, cursor).groups.entries}

    assert dn in groups["empty"].members
    server.tools.change(f"cn=empty,{GROUPS}", "delete: member", f"member: {dn}")


def test_who_is_deleted_or_moved_away_is_missed_by_a_sweep(
    server: Server, directory: LdapDirectory
) -> None:
    (deleted, first), (moved, second), (_, third) = (server.add_person() for _ in range(3))
    ids = {_id(directory, login) for login in (first, second)}
    staying = _id(directory, third)
    rdn = moved.partition(",")[0]
    server.tools.delete(deleted)
    server.tools.change(
        moved, "changetype: modrdn", f"newrdn: {rdn}", "deleteoldrdn: 0"
        if isinstance(server, Ds389Server) else "deleteoldrdn: 1", f"newsuperior: {GROUPS}",
    )  # fmt: skip

    with directory.read() as run:
        seen = {each.stable_id for each in run.sweep() if isinstance(each, Sighting)}

    assert seen.isdisjoint(ids)
    assert staying in seen
    assert all(directory.find_by_id(each) is None for each in ids)


def test_deleted_objects_are_told_to_an_account_that_is_shown_them(
    samba: SambaServer, ad: LdapDirectory, ad_settings: dict[str, Any], open_any: OpenLdap
) -> None:
    own = {"bind_dn": samba_data.ADMINISTRATOR, "bind_password": samba.tools.password}
    seeing = open_any(ad_settings, **own)
    dn, login = samba.add_person()
    stable_id = _id(ad, login)
    group = f"cn=leaving,{GROUPS}"
    samba.tools.add(group, {"objectClass": ["group"], "sAMAccountName": ["leaving"]})
    cursors = [_cursor(each) for each in (ad, seeing)]
    samba.tools.delete(dn, group)

    plain, told = (_changes(*each) for each in zip((ad, seeing), cursors, strict=True))

    assert plain.people.gone == frozenset()
    assert stable_id in told.people.gone
    assert len(told.groups.gone) == 2
    assert _changes(seeing, told.cursor).people.gone == frozenset()


def test_how_an_account_stands_is_a_change(server: Server, directory: LdapDirectory) -> None:
    dn, login = server.add_person()
    cursor = _cursor(directory)
    if isinstance(server, SambaServer):
        off = samba_data.ORDINARY | samba_data.DISABLED
        server.tools.change(dn, "replace: userAccountControl", f"userAccountControl: {off}")
    else:
        server.tools.change(dn, "replace: nsAccountLock", "nsAccountLock: true")

    told = {entry.login: entry for entry in _changes(directory, cursor).people.entries}

    assert not told[login].is_enabled


def test_a_cursor_of_other_settings_is_refused(
    directory: LdapDirectory, settings: dict[str, Any], open_any: OpenLdap
) -> None:
    cursor = _cursor(directory)

    for own in ({"filter": "(objectClass=person)"}, {"group_base": None}, {"base": BASE}):
        with pytest.raises(CursorRefused):
            _changes(open_any(settings, **own), cursor)


@pytest.mark.parametrize(
    "parts",
    [
        {"server": "CN=NTDS Settings,CN=DC2"},
        {"invocation": "00" * 16},
        {"invocation": None},
        {"usn": 10**12},
        {"usn": -1},
        {"usn": "1"},
        {"usn": None},
    ],
    ids=repr,
)
def test_a_number_of_another_controller_or_life_is_refused(
    ad: LdapDirectory, parts: dict[str, object]
) -> None:
    with pytest.raises(CursorRefused):
        _changes(ad, _altered(_cursor(ad), **parts))


@pytest.mark.parametrize(
    "parts", [{"server": "ldap://other"}, {"time": "20991231000000Z"}, {"time": "x"}, {"time": 5}],
    ids=repr,
)  # fmt: skip
def test_a_time_of_another_server_or_of_none_is_refused(
    ds: LdapDirectory, parts: dict[str, object]
) -> None:
    with pytest.raises(CursorRefused):
        _changes(ds, _altered(_cursor(ds), **parts))


def test_a_cursor_of_another_vendor_is_refused(ad: LdapDirectory, ds: LdapDirectory) -> None:
    for of, by in ((ad, ds), (ds, ad)):
        with pytest.raises(CursorRefused):
            _changes(by, _cursor(of))


def test_more_changes_than_fit_into_memory_are_a_full_read(
    server: Server, directory: LdapDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    cursor = _cursor(directory)
    for _ in range(3):
        server.add_person()
    monkeypatch.setattr("connectors.ldap.stamps.MOST_ENTRIES", 2)

    with pytest.raises(CursorRefused, match="held in memory"):
        _changes(directory, cursor)


CLAUSES = {"samba": b"uSNChanged", "ds389": b"modifyTimestamp"}


def _faulty(
    server: Server, settings: dict[str, Any], open_any: OpenLdap, fault: Callable[[LdapProxy], None]
) -> type[Exception]:
    """Ask for changes through a proxy that has a fault; return what was raised."""
    with running_proxy(server.port, server.authority.certify("proxy")) as proxy:
        directory = open_any(settings, url=proxy.tls_url, read_timeout=1.0, deadline=2.0)
        cursor = _cursor(directory)
        fault(proxy)
        with pytest.raises((DirectoryUnavailable, DirectoryMisconfigured, CursorRefused)) as caught:
            _changes(directory, cursor)
        return caught.type


@pytest.mark.parametrize("code", [1, 3, 4, 11, 32, 50, 51, 52, 53, 80])
def test_changes_with_any_other_code_raise(
    server: Server, settings: dict[str, Any], open_any: OpenLdap, code: int
) -> None:
    needle = CLAUSES["samba" if isinstance(server, SambaServer) else "ds389"]

    raised = _faulty(
        server, settings, open_any, lambda proxy: proxy.answer(Request.SEARCH, code, needle=needle)
    )

    is_to_mend = code in {4, 11, 32, 50}
    assert raised is (DirectoryMisconfigured if is_to_mend else DirectoryUnavailable)


@pytest.mark.parametrize("fault", ["drop", "stall"])
def test_changes_that_do_not_come_raise(
    server: Server, settings: dict[str, Any], open_any: OpenLdap, fault: str
) -> None:
    needle = CLAUSES["samba" if isinstance(server, SambaServer) else "ds389"]

    def deed(proxy: LdapProxy) -> None:
        (proxy.drop if fault == "drop" else proxy.stall)(Request.SEARCH, needle=needle)

    assert _faulty(server, settings, open_any, deed) is DirectoryUnavailable


def test_deleted_objects_that_may_not_be_asked_for_are_left_to_a_sweep(
    samba: SambaServer, ad_settings: dict[str, Any], open_any: OpenLdap
) -> None:
    with running_proxy(samba.port, samba.authority.certify("proxy")) as proxy:
        ad = open_any(ad_settings, url=proxy.tls_url)
        cursor = _cursor(ad)
        dn, _ = samba.add_person()
        samba.tools.delete(dn)
        proxy.answer(Request.SEARCH, 50, needle=b"isDeleted")

        assert _changes(ad, cursor).people.gone == frozenset()


def test_deleted_objects_that_break_off_are_no_answer(
    samba: SambaServer, ad_settings: dict[str, Any], open_any: OpenLdap
) -> None:
    def deed(proxy: LdapProxy) -> None:
        proxy.answer(Request.SEARCH, 52, needle=b"isDeleted")

    assert _faulty(samba, ad_settings, open_any, deed) is DirectoryUnavailable
