"""What may be a login, an id or the name of a group (catalogue D-03)."""

import pytest

from connectors.names import is_name


@pytest.mark.parametrize("text", ["ada", "*", "()", "x" * 256, "\N{FOX FACE}", "a b", "a\\b"])
def test_a_name_is_what_can_be_seen(text: str) -> None:
    assert is_name(text)


@pytest.mark.parametrize(
    "text", ["", " ", "\0", "a\0", "a\n", "\t", "x" * 257, "\ud800", "\x7f"], ids=ascii
)
def test_nonsense_is_no_name(text: str) -> None:
    assert not is_name(text)
