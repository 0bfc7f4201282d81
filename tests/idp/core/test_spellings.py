"""Which spellings of a login name are let through."""

import pytest

from idp.core.spellings import find_bad_text, find_misspelling


@pytest.mark.parametrize(
    "name",
    [
        "ada",
        "Ada Lovelace",
        "m\u0101ori.\u0113",
        "o'brien-2@example.co.nz",
        "\u0434\u043c\u0438\u0442\u0440\u0438\u0439",
        "\u5c71\u7530\u305f\u308d\u3046",
        "\uae40\u6c38",
        "\u05d3\u05d5\u05d3",
        "\u1ea5",
        "\u0438\u0432\u0430\u043d@example.com",
    ],
)
def test_names_of_one_writing_are_fine(name: str) -> None:
    assert find_misspelling(name) is None


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("\u0430lice", "scripts"),
        ("al\u0457ce", "scripts"),
        ("\u03bfmega", "scripts"),
        ("ali\u200bce", "invisible"),
        ("ali\u00adce", "invisible"),
        ("ali\u202ece", "invisible"),
        ("ali\u3164ce", "invisible"),
        ("ali\ufe0fce", "invisible"),
        ("ali\0ce", "control"),
        ("ali\nce", "control"),
        ("ali\tce", "control"),
        ("ali\ud800ce", "control"),
        ("alice  smith", "spaces"),
        ("alice\u3000smith", "spaces"),
        ("al\u0131ce", "pass for"),
        ("\u0251lice", "pass for"),
        ("a\u0301\u0302\u0303lice", "pile"),
    ],
)
def test_names_that_deceive_are_refused(name: str, reason: str) -> None:
    assert reason in (find_misspelling(name) or "")


@pytest.mark.parametrize("text", ["", "Ada", "Te K\u014dhanga \U0001f33f", "na\u200dme"])
def test_a_line_for_people_may_have_any_script(text: str) -> None:
    assert find_bad_text(text) is None


@pytest.mark.parametrize("text", ["a\0", "a\nb", "a\u202eb", "a\u2028b", "a\ud800"])
def test_a_line_for_people_has_no_control_characters(text: str) -> None:
    assert find_bad_text(text) is not None
