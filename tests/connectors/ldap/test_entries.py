"""Raw entries as accounts: strict with types, kind to people."""

from datetime import UTC, datetime, timedelta

import pytest

from connectors.ldap.dialect import AccountState
from connectors.ldap.entries import EntryReader, GroupReader
from connectors.ldap.messages import Found
from connectors.ldap.openldap import OPENLDAP
from connectors.ldap.settings import Groups, LdapSettings, Scope, parse_settings
from connectors.ldap.values import read_time
from connectors.port import DirectoryUnavailable
from connectors.records import DirectoryEntry, DirectoryGroup, RejectedEntry, Sighting

NOW = datetime(2026, 7, 1, tzinfo=UTC)
ID = "355d4f42-7da9-1041-87a5-01e8f123744e"
SETTINGS: LdapSettings = parse_settings(
    {
        "url": "ldaps://ldap.example.test",
        "bind_dn": "cn=idp",
        "bind_password": "any",
        "base": "dc=x",
        "attributes": {"email": ["mail", "otherMail"], "name": "cn"},
    }
)
READER = EntryReader(SETTINGS)


def _found(dn: str = "uid=ada,dc=x", **attributes: bytes | list[bytes]) -> Found:
    values = {"entryuuid": [ID.encode()], "uid": [b"ada"]} | {
        name: value if isinstance(value, list) else [value] for name, value in attributes.items()
    }
    return Found(dn, {name: found for name, found in values.items() if found})


def _read(dn: str = "uid=ada,dc=x", **attributes: bytes | list[bytes]) -> DirectoryEntry:
    entry = READER.read(_found(dn, **attributes), NOW)
    assert isinstance(entry, DirectoryEntry)
    return entry


def test_only_named_attributes_are_asked_for() -> None:
    assert sorted(READER.attributes) == sorted(
        ["entryUUID", "uid", "memberOf", "pwdAccountLockedTime", "pwdReset", "pwdChangedTime",
         "shadowLastChange", "mail", "otherMail", "cn"]
    )  # fmt: skip


def test_values_are_sorted_trimmed_composed_and_visible() -> None:
    entry = _read(
        mail=[b"z@x", b" a@x ", b"z@x"],
        cn="e\N{COMBINING ACUTE ACCENT}\t\0x".encode(),
    )

    assert entry.attributes["email"] == ("a@x", "z@x")
    assert entry.attributes["name"] == ("\N{LATIN SMALL LETTER E WITH ACUTE}  x",)
    assert entry.warnings == ()


def test_the_first_source_that_has_a_value_counts() -> None:
    assert _read(mail=[b" "], othermail=b"o@x").attributes == {"email": ("o@x",)}
    assert _read(mail=b"m@x", othermail=b"o@x").attributes == {"email": ("m@x",)}


@pytest.mark.parametrize("value", [b"\xff\xfe", b"x" * 1025])
def test_a_bad_value_costs_the_value_and_is_told_without_it(value: bytes) -> None:
    entry = _read(mail=[value, b"m@x"])

    assert entry.attributes["email"] == ("m@x",)
    assert entry.warnings == ("a value of mail is no text, or too long",)


def test_very_many_values_are_cut_and_told() -> None:
    entry = _read(mail=[b"%d@x" % number for number in range(1000)])

    assert len(entry.attributes["email"]) == 100
    assert entry.warnings == ("mail has more than 100 values",)


def test_of_several_logins_the_smallest_usable_one_is_shown() -> None:
    assert _read(uid=[b"z", b"\xff", b"a\0", b"b"]).login == "b"


def test_groups_are_addresses_and_bad_ones_are_told() -> None:
    entry = _read(memberof=[b"CN=B,DC=x", b"cn=a,dc=x", b"nonsense", b""])

    assert entry.groups == ("cn=a,dc=x", "cn=b,dc=x")
    assert entry.warnings == ("a group or member is no distinguished name",)


@pytest.mark.parametrize(
    ("found", "reason", "stable_id"),
    [
        (_found(entryuuid=[]), "0 values of entryUUID", None),
        (_found(entryuuid=[ID.encode()] * 2), "2 values of entryUUID", None),
        (_found(entryuuid=b"nonsense"), "its entryUUID is none", None),
        (_found(entryuuid=b"\xff" * 16), "its entryUUID is none", None),
        (_found(uid=[]), "no usable uid", ID),
        (_found(uid=b"\xff"), "no usable uid", ID),
        (_found(uid=b"y" * 300), "no usable uid", ID),
        (_found("nonsense"), "distinguished name cannot be read", ID),
        (_found("cn=\ufffd"), "distinguished name is no text", ID),
    ],
)
def test_what_cannot_be_an_account_is_rejected(
    found: Found, reason: str, stable_id: str | None
) -> None:
    rejected = READER.read(found, NOW)

    assert isinstance(rejected, RejectedEntry)
    assert reason in rejected.reason
    assert rejected.stable_id == stable_id


def test_a_sighting_needs_an_id_and_a_place() -> None:
    assert READER.sight(_found(uid=[])) == Sighting(ID, _read().address)
    assert isinstance(READER.sight(_found(entryuuid=[])), RejectedEntry)


def test_a_sighting_without_a_place_is_rejected_and_not_missing() -> None:
    rejected = READER.sight(_found("nonsense"))

    assert isinstance(rejected, RejectedEntry)
    assert rejected.stable_id == ID


@pytest.mark.parametrize(
    ("attributes", "state"),
    [
        ({}, AccountState()),
        ({"pwdaccountlockedtime": [b"000001010000Z"]}, AccountState(is_enabled=False)),
        ({"pwdaccountlockedtime": [b"20260101000000Z"]}, AccountState(is_locked=True)),
        ({"pwdreset": [b"TRUE"]}, AccountState(must_change=True)),
        ({"pwdreset": [b"FALSE"]}, AccountState()),
        ({"shadowlastchange": [b"0"]}, AccountState(must_change=True)),
        ({"shadowlastchange": [b"19000"]}, AccountState()),
        ({"pwdchangedtime": [b"nonsense"]}, AccountState()),
        (
            {"pwdchangedtime": [b"20260102030405Z"]},
            AccountState(password_set_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ),
        (
            {"pwdaccountlockedtime": [b"000001010000Z"], "pwdreset": [b"TRUE"]},
            AccountState(is_enabled=False, must_change=True),
        ),
    ],
)
def test_how_an_account_stands_in_openldap(
    attributes: dict[str, list[bytes]], state: AccountState
) -> None:
    assert OPENLDAP.read_state(attributes, NOW) == state


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (b"20260102030405Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (b"20260102030405.678Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (b"202601020304Z", datetime(2026, 1, 2, 3, 4, tzinfo=UTC)),
        (b"2026010203Z", datetime(2026, 1, 2, 3, tzinfo=UTC)),
        (b"20260102030405+0130", datetime(2026, 1, 2, 1, 34, 5, tzinfo=UTC)),
        (b"20260102030405-02", datetime(2026, 1, 2, 5, 4, 5, tzinfo=UTC)),
        (b"000001010000Z", None),
        (b"20261302030405Z", None),
        (b"99991231235959-2359", None),
        (b"", None),
        (b"\xff", None),
    ],
)
def test_a_generalised_time_is_read(value: bytes, moment: datetime | None) -> None:
    assert read_time(value) == moment


def test_a_cut_list_of_values_is_refused() -> None:
    with pytest.raises(DirectoryUnavailable, match="cut a long list"):
        READER.read(Found("cn=a", {"memberof;range=0-1499": [b"cn=a"]}), NOW)


def test_an_option_of_an_attribute_is_another_attribute() -> None:
    plain = _found(cn=b"Plain")

    entry = READER.read(Found(plain.dn, {**plain.attributes, "cn;lang-de": [b"Anders"]}), NOW)

    assert isinstance(entry, DirectoryEntry)
    assert entry.attributes["name"] == ("Plain",)


def _group_reader(member_attribute: str = "member") -> GroupReader:
    scope = Scope(base="dc=x", filter="(objectClass=*)")
    return GroupReader(SETTINGS, Groups(scope=scope, member_attribute=member_attribute))


def test_a_group_has_its_members_addresses_once_each() -> None:
    found = _found("cn=g,dc=x", cn=b"g", member=[b"cn=B,dc=x", b"CN=b, DC=x", b"", b"nonsense"])

    group = _group_reader().read(found)

    assert isinstance(group, DirectoryGroup)
    assert (group.name, group.members) == ("g", ("cn=b,dc=x",))


def test_unique_members_may_have_bits_after_their_name() -> None:
    found = _found("cn=g,dc=x", cn=b"g", uniquemember=[b"cn=a,dc=x#'0101'B", b"cn=b,dc=x"])

    group = _group_reader("uniqueMember").read(found)

    assert isinstance(group, DirectoryGroup)
    assert group.members == ("cn=a,dc=x", "cn=b,dc=x")


def test_a_group_without_a_name_or_an_id_is_rejected() -> None:
    nameless = _group_reader().read(_found("cn=g,dc=x", cn=[b" "]))
    without_id = _group_reader().read(_found("cn=g,dc=x", cn=b"g", entryuuid=[]))

    assert isinstance(nameless, RejectedEntry)
    assert nameless.stable_id == ID
    assert isinstance(without_id, RejectedEntry)


def test_a_time_zone_is_taken_off() -> None:
    east, west = read_time(b"20260101000000+0100"), read_time(b"20260101000000-0100")

    assert east is not None
    assert west is not None
    assert west - east == timedelta(hours=2)
