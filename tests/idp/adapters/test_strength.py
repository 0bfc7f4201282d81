"""How hard passwords are to guess."""

import random  # noqa: TID251 - what comes out does not have to be secret
import string
import time

import pytest

from idp.adapters.strength import ZxcvbnMeter
from policy.rules import Strength

METER = ZxcvbnMeter()


@pytest.mark.parametrize(
    ("password", "score"),
    [
        ("password", 0),
        ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 0),
        ("kereru harbour tussock lantern", 4),
        ("字典里没有的一句长长的话啊", 4),
    ],
)
def test_scores_go_from_nothing_to_plenty(password: str, score: int) -> None:
    assert METER.score(password, ()) == score


@pytest.mark.parametrize(
    "words", [("tangaroa.whakapapa",), ("Tangaroa", "WHAKAPAPA"), ("tangaroa@whakapapa.example",)]
)
def test_words_of_the_user_are_guessed_first(words: tuple[str, ...]) -> None:
    assert METER.score("tangaroawhakapapa", ()) == 4
    assert METER.score("tangaroawhakapapa", words) <= 1


def test_a_very_long_password_takes_no_longer_than_a_long_one() -> None:
    began = time.process_time()
    assert METER.score("aB3$" * 256, ("ada",)) <= 1
    assert METER.score("x" * 64 + "kereru harbour tussock lantern", ()) == 0
    assert time.process_time() - began <= 0.1


@pytest.mark.parametrize("score", [1, 2, 3, 4])
@pytest.mark.parametrize("letters", [string.printable, "語字漢文書道海山川木林森", "😀😁😂😃🦜"])
def test_no_password_is_stronger_than_its_length_lets_it(score: int, letters: str) -> None:
    pick = random.Random(score)  # noqa: S311 - the same ones in every run
    least = Strength(min_score=score).least_length()
    passwords = ["".join(pick.choices(letters, k=least - 1)) for _ in range(300)]

    assert max(METER.score(password, ()) for password in passwords) < score
    assert METER.score("kR7;vQ2)wZ9'"[:least], ()) >= score
