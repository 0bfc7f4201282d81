"""What every connector must do, run by each of them."""

from itertools import islice
from pathlib import Path

import pytest

from connectors.ldap.dialects import DIALECTS
from connectors.port import CursorRefused, DirectorySource
from connectors.records import (
    Address,
    Cursor,
    DirectoryEntry,
    DirectoryGroup,
    RejectedEntry,
    Sighting,
)
from connectors.registry import CONNECTORS, open_source
from idp.clock import FakeClock

CSV = (
    "id,login,enabled,must_change,groups,email,name",
    "1,Ada,true,false,makers;readers,ada@example.test,Ada Lovelace",
    "2,bob,no,,readers,bob@example.test,Bob",
    '3,"odd, ""one""",,yes,,,\N{FOX FACE}',
)


LDAP_SOURCES = {"openldap": "ldap", "active-directory": "ad", "389ds": "ds", "freeipa": "ipa"}
"""Vendor → fixture."""


@pytest.fixture(
    params=[
        "csv_source",
        *(pytest.param(name, marks=pytest.mark.servers) for name in LDAP_SOURCES.values()),
    ],
    ids=["csv", *LDAP_SOURCES],
)
def source(request: pytest.FixtureRequest) -> DirectorySource:
    """Give a source of each kind and vendor, with people and groups in it."""
    found: DirectorySource = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def csv_source(tmp_path: Path) -> DirectorySource:
    path = tmp_path / "people.csv"
    path.write_text("\n".join(CSV), encoding="utf-8")
    return open_source("csv", {"path": str(path)}, now=FakeClock().now)


def _entries(source: DirectorySource) -> dict[str, DirectoryEntry]:
    with source.read() as run:
        found = list(run.entries())
    assert not [each for each in found if isinstance(each, RejectedEntry)]
    entries = [each for each in found if isinstance(each, DirectoryEntry)]
    by_id = {entry.stable_id: entry for entry in entries}
    assert len(by_id) == len(entries) >= 3
    return by_id


def test_there_is_a_source_of_every_kind_and_vendor() -> None:
    assert set(CONNECTORS) == {"csv", "ldap"}
    assert set(LDAP_SOURCES) == set(DIALECTS)


def test_every_kind_of_connector_is_a_source(source: DirectorySource) -> None:
    assert isinstance(source, DirectorySource)


def test_every_entry_has_an_id_a_login_and_a_place_of_its_own(source: DirectorySource) -> None:
    entries = _entries(source).values()

    assert all(entry.stable_id and entry.login and entry.address for entry in entries)
    assert len({entry.address for entry in entries}) == len(entries)
    assert len({entry.login for entry in entries}) == len(entries)


def test_two_readings_tell_the_same(source: DirectorySource) -> None:
    assert _entries(source) == _entries(source)


def test_attributes_have_values_and_several_are_sorted(source: DirectorySource) -> None:
    values = [v for entry in _entries(source).values() for v in entry.attributes.values()]

    assert all(found and list(found) == sorted(set(found)) for found in values)
    assert all(text == text.strip() and text for found in values for text in found)


def test_entries_are_found_by_login_and_by_id(source: DirectorySource) -> None:
    for entry in islice(_entries(source).values(), 40):
        assert source.find_by_login(entry.login) == entry
        assert source.find_by_id(entry.stable_id) == entry


NONSENSE = {
    "empty": "",
    "blank": " ",
    "nobody": "no-such-person",
    "nul": "\0",
    "nul inside": "a\0b",
    "long": "x" * 300,
    "no Unicode": "\ud800",
    "line break": "\n",
    "filter": "))(uid=ada",
    "filter for all": "*)(uid=*",
}


@pytest.mark.parametrize("nobody", NONSENSE.values(), ids=NONSENSE)
def test_nobody_is_found_by_nonsense(source: DirectorySource, nobody: str) -> None:
    assert source.find_by_login(nobody) is None
    assert source.find_by_id(nobody) is None


def test_a_sweep_sees_everybody_where_they_are(source: DirectorySource) -> None:
    with source.read() as run:
        seen = {each.stable_id: each.address for each in run.sweep() if isinstance(each, Sighting)}

    assert seen == {entry.stable_id: entry.address for entry in _entries(source).values()}


def test_groups_name_their_members_by_their_addresses(source: DirectorySource) -> None:
    with source.read() as run:
        groups = [each for each in run.groups() if isinstance(each, DirectoryGroup)]
    addresses = {entry.address for entry in _entries(source).values()}

    assert len({group.stable_id for group in groups}) == len(groups) >= 2
    assert any(addresses & set(group.members) for group in groups)
    told = {(entry.address, group) for entry in _entries(source).values() for group in entry.groups}
    direct = {(member, group.address) for group in groups for member in group.members}
    assert {pair for pair in direct if pair[0] in addresses} <= told <= _expanded(direct)


def _expanded(direct: set[tuple[Address, Address]]) -> set[tuple[Address, Address]]:
    """Return who is in which group, also by way of another: some servers tell that as well."""
    through = {(m, outer) for m, g in direct for inner, outer in direct if inner == g}
    return direct if through <= direct else _expanded(direct | through)


def test_readings_of_one_run_do_not_disturb_each_other(source: DirectorySource) -> None:
    with source.read() as run:
        together = list(zip(run.entries(), run.sweep(), strict=True))

    assert len(together) == len(_entries(source))


def test_a_cursor_of_somebody_else_is_refused(source: DirectorySource) -> None:
    with source.read() as run:
        for cursor in ("", "{}", "garbage", '{"kind": "ldap-sync-1"}', "[1]"):
            with pytest.raises(CursorRefused):
                run.changes(Cursor(cursor))


def test_a_check_shows_some_of_the_people(source: DirectorySource) -> None:
    report = source.check()

    assert report.vendor
    assert report.server
    everybody = _entries(source)
    assert 0 < len(report.samples) <= 5
    assert all(everybody[sample.stable_id] == sample for sample in report.samples)
