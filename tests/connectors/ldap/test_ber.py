"""BER, as far as controls need it (catalogue D-12)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.ldap import ber
from connectors.ldap.ber import BerError, Element


@given(st.integers(min_value=0, max_value=2**62))
def test_an_integer_is_read_as_it_was_written(number: int) -> None:
    assert ber.read_one(ber.write_integer(number), ber.INTEGER).number() == number


@given(st.lists(st.binary(max_size=400), max_size=5))
def test_elements_are_read_as_they_were_written(values: list[bytes]) -> None:
    written = [ber.write(ber.OCTET_STRING, value) for value in values]

    found = ber.read_one(ber.write(ber.SEQUENCE, *written), ber.SEQUENCE).inside()

    assert found == tuple(Element(ber.OCTET_STRING, value) for value in values)


@pytest.mark.parametrize("size", [0, 127, 128, 255, 256, 65535, 65536])
def test_every_length_is_written_so_that_it_is_read(size: int) -> None:
    value = bytes(size)

    assert ber.read_one(ber.write(ber.OCTET_STRING, value), ber.OCTET_STRING).value == value


def test_lengths_of_more_bytes_than_needed_are_read() -> None:
    assert ber.read_one(b"\x30\x84\x00\x00\x00\x03\x81\x01\x01", ber.SEQUENCE).inside() == (
        Element(0x81, b"\x01"),
    )


@given(st.binary(max_size=64))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        elements = tuple(ber.read_all(data))
    except BerError:
        return
    assert sum(len(element.value) for element in elements) <= len(data)


@pytest.mark.parametrize(
    "broken",
    [
        b"\x04",
        b"\x04\x05abc",
        b"\x04\x81",
        b"\x04\x80\x00\x00",
        b"\x04\x85\x00\x00\x00\x00\x01a",
        b"\x04\x84\xff\xff\xff\xff",
        b"\x1f\x01\x01a",
    ],
)
def test_broken_elements_are_refused(broken: bytes) -> None:
    with pytest.raises(BerError):
        tuple(ber.read_all(broken))


@pytest.mark.parametrize("value", [b"", b"123456789"])
def test_an_integer_of_a_silly_size_is_refused(value: bytes) -> None:
    with pytest.raises(BerError):
        Element(ber.INTEGER, value).number()


@pytest.mark.parametrize("value", [b"", b"\x00\x00"])
def test_a_boolean_is_one_byte(value: bytes) -> None:
    with pytest.raises(BerError):
        Element(ber.BOOLEAN, value).truth()


@pytest.mark.parametrize(("value", "truth"), [(True, b"\x01\x01\xff"), (False, b"\x01\x01\x00")])
def test_booleans_are_written_as_ldap_has_them(value: bool, truth: bytes) -> None:  # noqa: FBT001
    assert ber.write_boolean(value=value) == truth
    assert ber.read_one(truth, ber.BOOLEAN).truth() is value


@pytest.mark.parametrize("data", [b"", b"\x05\x00", b"\x30\x00\x30\x00"])
def test_one_element_is_exactly_that_one(data: bytes) -> None:
    with pytest.raises(BerError):
        ber.read_one(data, ber.SEQUENCE)
