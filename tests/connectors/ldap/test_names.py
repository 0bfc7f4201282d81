"""Distinguished names and filters (catalogue D-02, D-03)."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.ldap.names import (
    BadNameError,
    escape_value,
    is_within,
    normalise_dn,
)
from connectors.records import Address
from tests.support.directories import escape

SAME = (
    ("cn=Smith\\2C John,ou=x,dc=Y", "CN=smith\\, john , OU = X,dc=y"),
    ("uid=a+cn=B,dc=y", "cn=B + uid=a,dc=y"),
    ("cn=#040141,dc=y", "cn=a,dc=y"),
    ("cn=a\\20,dc=y", 'cn="a",dc=y'),
    ('cn="a,b=c",dc=y', "cn=a\\,b\\3Dc,dc=y"),
    ("cn=a;dc=y", "cn=a,dc=y"),
    ("cn=\\ two   spaces,dc=y", "cn=two spaces,dc=y"),
    ("cn=e\N{COMBINING ACUTE ACCENT}", "cn=\N{LATIN SMALL LETTER E WITH ACUTE}"),
    ("cn=\\C3\\A9", "cn=\N{LATIN CAPITAL LETTER E WITH ACUTE}"),
    ("2.5.4.3=a", "2.5.4.3=A"),
    ("cn=a\\+b\\=c", "cn=a\\2Bb=c"),
    ("cn=#0203010203", "CN=#0203010203"),
)
OTHER = (
    ("cn=a,dc=b", "cn=a\\,dc=b"),
    ("cn=a+dc=b", "cn=a,dc=b"),
    ("cn=a", "cn=a\\00"),
    ("cn=ab", "cn=a\N{ZERO WIDTH SPACE}b"),
    ("cn=ab", "cn=a b"),
    ("cn=a", "uid=a"),
    ("cn=\\#040141", "cn=#040141"),
)


@pytest.mark.parametrize(("one", "other"), SAME)
def test_two_spellings_of_one_place_are_equal(one: str, other: str) -> None:
    assert normalise_dn(one) == normalise_dn(other)


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_two_places_are_different(one: str, other: str) -> None:
    assert normalise_dn(one) != normalise_dn(other)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_value_survives_and_normalising_twice_is_once(value: str) -> None:
    once = normalise_dn(f"cn={escape(value)},dc=x")

    assert normalise_dn(once) == once
    assert once.count(",") == 1


@pytest.mark.parametrize(
    "text",
    ["cn", "=a", "cn=a,", "cn=a,,dc=b", "cn=a+", "1cn=a", "cn=#zz", "cn=#0401", "cn=\\ff",
     "cn=a\\", "<GUID=1>;cn=a"],
)  # fmt: skip
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(BadNameError):
        normalise_dn(text)


@given(st.text(max_size=40))
def test_any_text_is_a_name_or_refused(text: str) -> None:
    try:
        once = normalise_dn(text)
    except BadNameError:
        return
    assert normalise_dn(once) == once


def test_the_empty_name_is_the_root() -> None:
    assert normalise_dn("") == normalise_dn("  ") == ""


def test_what_lies_below_is_within() -> None:
    base = normalise_dn("ou=people,dc=x")

    assert is_within(base, base)
    assert is_within(normalise_dn("cn=a,OU=People,dc=x"), base)
    assert not is_within(normalise_dn("ou=more people,dc=x"), base)
    assert is_within(base, Address(""))


@given(st.binary(max_size=60))
def test_a_value_has_no_meaning_in_a_filter(value: bytes) -> None:
    escaped = escape_value(value)

    assert not set(escaped) & set("*()\0&|!=<>~")
    pieces = escaped.split("\\")
    back = pieces[0].encode() + b"".join(
        bytes.fromhex(piece[:2]) + piece[2:].encode() for piece in pieces[1:]
    )
    assert back == value


def test_places_of_many_characters_are_not_kept_in_memory() -> None:
    tracemalloc.start()
    try:
        for number in range(20):
            assert normalise_dn(f"cn=a,ou={number:0100000}").endswith(f"{number}")
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert kept < 1_000_000
