"""Entries as they come: bytes stay bytes, and what is none is no entry (RFC 4511 4.5.2)."""

import pytest

from connectors.ldap.messages import Found, read_control, read_entry

ID = "1.2.3"
CONTROLS = {ID: b"state"}

Element = tuple[int, bool, int, object]
"""What the library makes of an element: class, whether it is constructed, tag, value."""


def _octets(value: object) -> Element:
    return (0, False, 4, value)


def _many(*inside: Element) -> Element:
    return (0, True, 16, list(inside))


def _attribute(name: object, *values: object) -> Element:
    return _many(_octets(name), _many(*map(_octets, values)))


def test_names_are_in_small_letters_and_values_as_they_came() -> None:
    mail = _attribute(b"mailAlternate;Lang-DE", b"\xff\x00", b"", b"Ada@Example.Test")

    found = read_entry([_octets("cn=é".encode()), _many(mail, _attribute(b"cn"))], CONTROLS)

    values = {"mailalternate;lang-de": (b"\xff\x00", b"", b"Ada@Example.Test"), "cn": ()}
    assert found == Found("cn=é", values, {ID: b"state"})


def test_a_name_that_is_no_text_is_told_as_such() -> None:
    assert read_entry([_octets(b"cn=\xff"), _many()], {}) == Found("cn=\ufffd", {}, {})


BROKEN: tuple[list[Element], ...] = (
    [],
    [_octets(b"cn=a")],
    [_octets(7), _many()],
    [_octets(b"cn=a"), _octets(b"cn")],
    [_octets(b"cn=a"), _many(_attribute(b"cn", b"a", 7))],
    [_octets(b"cn=a"), _many(_attribute(7, b"a"))],
)


@pytest.mark.parametrize("elements", BROKEN)
def test_what_is_no_entry_is_refused(elements: list[Element]) -> None:
    with pytest.raises((AttributeError, LookupError, TypeError, ValueError)):
        read_entry(elements, {})


YES: Element = (0, False, 1, True)
READ = (
    ([_octets(ID.encode())], b""),
    ([_octets(ID.encode()), YES], b""),
    ([_octets(ID.encode()), _octets(b"state")], b"state"),
    ([_octets(ID.encode()), YES, _octets(b"state")], b"state"),
    ([_octets(ID.encode()), (0, False, 2, 1_000_000_000_000)], b""),
)


@pytest.mark.parametrize(("elements", "value"), READ)
def test_a_controls_value_is_as_it_came(elements: list[Element], value: bytes) -> None:
    assert read_control(elements) == (ID, value)


@pytest.mark.parametrize(
    "elements", [[], [_octets(7)], [_octets(b"1.2"), _octets([])], [_octets(b"1.2"), _octets(7)]]
)
def test_what_is_no_control_is_refused(elements: list[Element]) -> None:
    with pytest.raises((AttributeError, LookupError, TypeError)):
        read_control(elements)
