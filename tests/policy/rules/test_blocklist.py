import pytest

from policy.model import Need, PolicyError
from policy.rules import Blocklist
from policy.verdict import Direction, Finding
from tests.policy.cases import a_candidate, codes

RULE = Blocklist.parse({"words": ["TimeTrak", "Straßenbahn", "café"]})


@pytest.mark.parametrize(
    "password",
    [
        "timetrak",
        "TIMETRAK",
        "kartemit",
        "STRASSENBAHN",
        "nhabnessarts",
        "CAFÉ",
        "timetra\uff4b",
    ],
)
def test_refuses_a_blocked_word_however_written(password: str) -> None:
    assert RULE.check_candidate(a_candidate(password)) == (Finding("password.blocked_word"),)


@pytest.mark.parametrize("password", ["my timetrak horse staple", "timetrakk", "trak", "x"])
def test_accepts_a_phrase_that_merely_contains_one(password: str) -> None:
    assert RULE.check_candidate(a_candidate(password)) == ()


def test_refuses_a_common_password_when_asked_to() -> None:
    common = a_candidate(is_common=True)

    assert codes(RULE.check_candidate(common)) == ["password.common"]
    assert Blocklist(common=False).check_candidate(common) == ()


def test_says_both_when_both_hold() -> None:
    assert codes(RULE.check_candidate(a_candidate("timetrak", is_common=True))) == [
        "password.common",
        "password.blocked_word",
    ]


def test_asks_for_the_list_only_when_it_looks_there() -> None:
    assert RULE.active_needs() == {Need.COMMON}
    assert Blocklist(common=False, words=frozenset({"exo"})).active_needs() == set()


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"common": 1}, "common"),
        ({"words": "timetrak"}, "words"),
        ({"words": ["ok", " "]}, "words.1"),
        ({"words": ["ok", 5]}, "words.1"),
        ({"words": ["x" * 1025]}, "words.0"),
        ({"words": ["ﷺ" * 1000]}, "words.0"),
        ({"words": ["x"] * 10_001}, "words"),
    ],
)
def test_refuses_a_list_that_is_none(document: dict[str, object], path: str) -> None:
    with pytest.raises(PolicyError) as refused:
        Blocklist.parse(document)

    assert refused.value.path == path


def test_describes_what_is_on() -> None:
    assert codes(RULE.describe()) == ["rule.common", "rule.blocked_words"]
    assert codes(Blocklist(common=False, words=frozenset({"exo"})).describe()) == [
        "rule.blocked_words"
    ]
    assert codes(Blocklist().describe()) == ["rule.common"]


@pytest.mark.parametrize(
    ("old", "new", "direction"),
    [
        ({"words": ["exo"]}, {"words": ["exo", "myob"]}, Direction.STRICTER),
        ({"words": ["exo", "myob"]}, {"words": ["exo"]}, Direction.LOOSER),
        ({"words": ["exo"]}, {"words": ["myob"]}, Direction.MIXED),
        ({"words": ["exo"]}, {"words": ["EXO", " exo "]}, None),
        ({"common": False}, {"common": True}, Direction.STRICTER),
        ({"common": True}, {"common": False, "words": ["exo"]}, Direction.MIXED),
    ],
)
def test_more_words_are_stricter(
    old: dict[str, object], new: dict[str, object], direction: Direction | None
) -> None:
    assert Blocklist.parse(new).direction(Blocklist.parse(old)) is direction
