"""Comparing with earlier passwords: what it costs, and what it tells (Y-07).

How far a history reaches, and that nobody flushes it (F-17), is tested in
`tests/idp/core/test_password_change.py`.
"""

import threading
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import argon2
import pytest

from idp.adapters.hashing import PasswordHasher
from idp.core.password_history import MOST_HISTORY
from idp.store.users import PasswordHistoryRow
from tests.idp.doors import NO_BRAKES, House
from tests.support.pages import Seen, Visitor
from tests.support.story import open_story
from tests.support.world import PASSWORD

POLICY = {"enforcement": "never", "rules": {"history": {"last": MOST_HISTORY}}}
AT_ONCE, WAITING = 2, 3
HASHING = {"max_concurrent": AT_ONCE, "max_waiting": WAITING}
CROWD = 8
OLD = argon2.PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
"""Parameters of earlier years; the present ones are `time_cost=1`, 8 KiB."""
WORDS = tuple(f"kereru over dune {number:02}" for number in range(MOST_HISTORY))
USED = "You used it before."


class CountedArgon:
    """The real argon2, and how much was asked of it, in all and at once."""

    def __init__(self, argon: argon2.PasswordHasher) -> None:
        self._argon = argon
        self._lock = threading.Lock()
        self.check_needs_rehash = argon.check_needs_rehash
        self.done = self.running = self.most = 0

    def hash(self, password: str) -> str:
        """Hash, counted."""
        with self._counted():
            return self._argon.hash(password)

    def verify(self, stored: str, password: bytes) -> bool:
        """Verify, counted."""
        with self._counted():
            return self._argon.verify(stored, password)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._lock:
            self.done += 1
            self.running += 1
            self.most = max(self.most, self.running)
        try:
            yield
        finally:
            with self._lock:
                self.running -= 1


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    """Give the product over a database of each kind; it hashes two passwords at once."""
    settings = {"limits": NO_BRAKES, "hashing": HASHING}
    with open_story(database_url, policy=POLICY, settings=settings) as story:
        yield House(story, tmp_path)


def counted(house: House, monkeypatch: pytest.MonkeyPatch) -> CountedArgon:
    """Count what is hashed from now on."""
    hasher = house.story.world.runtime.hasher
    assert isinstance(hasher, PasswordHasher)
    work = CountedArgon(hasher._argon)
    monkeypatch.setattr(hasher, "_argon", work)
    return work


def somebody(house: House, hashes: Sequence[str]) -> Visitor:
    """Return somebody at the form for a new password who had others before, newest first."""
    user_id = house.person("ada")
    with house.story.world.begin() as uow:
        for age, one in enumerate(hashes, start=1):
            at = uow.now - timedelta(days=age)
            row = PasswordHistoryRow(
                id=uow.new_id(), user_id=user_id, hash=one, set_at=at, replaced_at=at
            )
            uow.db.add(row)
    return at_the_form(house)


def at_the_form(house: House) -> Visitor:
    """Return a browser in which somebody is about to choose another password."""
    person = house.sign_in("ada", PASSWORD)
    person.open("/account/password")
    return person


def change(person: Visitor, new: str, current: str = PASSWORD) -> Seen:
    """Send the form."""
    return person.submit(current_password=current, new_password=new, confirm_password=new)


def at_once(acts: Sequence[Callable[[], Seen]]) -> list[Seen]:
    """Return what acts answer that begin at the same moment."""
    barrier, answers = threading.Barrier(len(acts)), []

    def run(act: Callable[[], Seen]) -> None:
        barrier.wait()
        answers.append(act())

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == len(acts)
    return answers


def test_many_tries_at_once_cost_no_more_than_was_agreed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = somebody(house, [OLD.hash(word) for word in WORDS])
    crowd = [first, *(at_the_form(house) for _ in range(CROWD - 1))]
    work = counted(house, monkeypatch)

    answers = at_once([lambda each=each: change(each, WORDS[-1]) for each in crowd])  # type: ignore[misc]

    # A try may be sent away while all places are taken; as many as there are places never are.
    statuses = Counter(answer.status for answer in answers)
    assert set(statuses) <= {422, 503}
    assert statuses[422] >= AT_ONCE + WAITING
    for answer in answers:
        told = USED in answer.text, "Retry-After" in answer.answer.response.headers
        assert told == (answer.status == 422, answer.status == 503), answer.text
    assert work.most <= AT_ONCE
    assert work.done <= CROWD * (1 + 2 * MOST_HISTORY)  # the old cost and today's, of each
    assert house.gets_in("ada", PASSWORD)


@pytest.mark.parametrize("parameters", ["old", "present"])
def test_neither_the_work_nor_the_words_tell_which_one_it_was(
    house: House, parameters: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasher = OLD if parameters == "old" else house.story.world.runtime.hasher
    older = [hasher.hash(f"too old to be compared {number}") for number in range(MOST_HISTORY)]
    person = somebody(house, [hasher.hash(word) for word in WORDS] + older)
    work = counted(house, monkeypatch)

    tries = []
    for place in (0, 1, MOST_HISTORY // 2, MOST_HISTORY - 2, MOST_HISTORY - 1):
        before = work.done
        seen = change(person, WORDS[place])
        tries.append((seen.status, seen.text, work.done - before))

    [(status, text, cost)] = set(tries)
    assert (status, USED in text) == (422, True)
    assert MOST_HISTORY < cost <= 1 + 2 * MOST_HISTORY
    before = work.done
    assert change(person, "too old to be compared 0").status == 303
    assert work.done - before <= 2 + 2 * MOST_HISTORY


@pytest.mark.parametrize(("had", "typed"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_another_spelling_of_the_same_letters_is_the_same_password(
    house: House, had: str, typed: str
) -> None:
    accented = "wh\u0101nau, p\u014dhutukawa"
    forms = {form: unicodedata.normalize(form, accented) for form in ("NFC", "NFD")}
    assert forms["NFC"] != forms["NFD"]
    person = somebody(house, [])

    assert change(person, forms[had]).status == 303
    person.open("/account/password")
    assert change(person, WORDS[0], forms[typed]).status == 303
    person.open("/account/password")
    again = change(person, forms[typed], WORDS[0])

    assert (again.status, USED in again.text) == (422, True)
