"""When two names are the same."""

import pytest

from idp.core.names import find_key, name_key


@pytest.mark.parametrize(
    ("typed", "same"),
    [
        ("Ada", "ada"),
        ("  ada\t", "ada"),
        ("ａｄａ", "ada"),  # noqa: RUF001 - full-width on purpose
        ("Stra\u00dfe", "strasse"),
        ("e\u0301mile", "\u00e9mile"),
        ("\u212aelvin", "kelvin"),
        ("ada\u00a0", "ada"),
    ],
)
def test_spellings_that_are_one_name(typed: str, same: str) -> None:
    assert name_key(typed) == name_key(same)


@pytest.mark.parametrize("typed", ["\u0130stanbul", "\u1e9e", "\u0390", "A\u0301\u0323"])
def test_a_key_is_its_own_key(typed: str) -> None:
    assert name_key(name_key(typed)) == name_key(typed)


@pytest.mark.parametrize("typed", ["", "   ", "a\0b", "a\ud800b", "a" * 321, "\ufdfa" * 300])
def test_what_nobody_can_be_called_is_looked_up_as_nobody(typed: str) -> None:
    assert find_key(typed) is None


def test_a_name_is_looked_up_by_its_key() -> None:
    assert find_key(" Ada@Example.COM ") == "ada@example.com"
