"""Length in code points, between bounds that make sense (Y-01)."""

import unicodedata

import pytest

from policy.model import PolicyError
from policy.rules import Length
from policy.verdict import Finding
from tests.policy.cases import a_candidate


@pytest.mark.parametrize(
    "letter",
    ["a", "é", "字", "🔑", unicodedata.normalize("NFC", "e\u0301"), "\u0301", " "],
    ids=["ascii", "latin", "bmp", "astral", "composed", "combining", "space"],
)
def test_counts_code_points(letter: str) -> None:
    rule = Length(min=15, max=64)

    assert rule.check_candidate(a_candidate(letter * 14)) == (
        Finding("password.too_short", {"min": 15}),
    )
    assert rule.check_candidate(a_candidate(letter * 15)) == ()
    assert rule.check_candidate(a_candidate(letter * 64)) == ()
    assert rule.check_candidate(a_candidate(letter * 65)) == (
        Finding("password.too_long", {"max": 64}),
    )


def test_accepts_256_characters_unless_told_otherwise() -> None:
    rule = Length.parse({"min": 8})

    assert rule.check_candidate(a_candidate("x" * 256)) == ()
    assert rule.check_candidate(a_candidate("x" * 257)) != ()


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({}, "min"),
        ({"min": 0}, "min"),
        ({"min": -1}, "min"),
        ({"min": 10_000}, "min"),
        ({"min": 8, "max": 1025}, "max"),
        ({"min": 9, "max": 8}, "min"),
        ({"min": "8"}, "min"),
        ({"min": 8.0}, "min"),
        ({"min": True}, "min"),
    ],
)
def test_refuses_bounds_that_make_no_sense(document: dict[str, object], path: str) -> None:
    with pytest.raises(PolicyError) as refused:
        Length.parse(document)

    assert refused.value.path == path


def test_says_both_bounds() -> None:
    assert Length(min=8).describe() == (Finding("rule.length", {"min": 8, "max": 256}),)
