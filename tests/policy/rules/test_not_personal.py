"""One's own names, however thinly disguised (Y-05)."""

import pytest

from policy.rules import NotPersonal
from policy.verdict import Finding
from tests.policy.cases import a_candidate

RULE = NotPersonal()


@pytest.mark.parametrize(
    "password",
    [
        "ada.lovelace",
        "ADA.LOVELACE",
        "adalovelace",
        "Ada Lovelace",
        "ecalevol.ada",
        "countess",
        "countess@analytical.example",
        "ssetnuoc",
        "c0unt3$$",
        "L0v3l4c3",
        "lovelace1",
        "lovelace123",
        "!!!lovelace",
        "12-lovelace-34",
        "ecalevol99",
        "Lovelace!",
        "l0velace!",
    ],
)
def test_refuses_what_belongs_to_the_user(password: str) -> None:
    assert RULE.check_candidate(a_candidate(password)) == (Finding("password.personal"),)


@pytest.mark.parametrize(
    "password",
    [
        "lovelace1234",
        "lovelacex",
        "lovelace invented the loop",
        "countess of the long meadow",
        "analytical.example",
        "1815",
        "----",
        "7",
    ],
)
def test_accepts_what_merely_contains_a_name(password: str) -> None:
    assert RULE.check_candidate(a_candidate(password)) == ()


@pytest.mark.parametrize("password", ["-", "123", "ada"])
def test_empty_names_refuse_nothing(password: str) -> None:
    nobody = a_candidate(password, username="-", email=None, names=("", " "))

    assert RULE.check_candidate(nobody) == ()


def test_a_login_name_of_digits_is_a_name_too() -> None:
    assert RULE.check_candidate(a_candidate("10017", username="10017")) != ()
