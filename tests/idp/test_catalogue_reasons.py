"""What somebody is told whose new password breaks several rules, and where it goes (Y-17).

Every code has words on the pages (`tests/idp/web/test_messages.py`).
"""

import io
import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import sqlalchemy as sa
import structlog

from idp.adapters.logs import log_event, start_log
from tests.idp.doors import DOORS, FORMS, NO_BRAKES, House, send_form
from tests.support.story import open_story

BROKEN = "zqvkeax"
POLICY = {
    "enforcement": "noncompliant",
    "rules": {
        "length": {"min": 15, "max": 256},
        "characters": {"uppercase": 1, "digits": 2},
        "blocklist": {"words": [BROKEN.upper()]},
        "strength": {"min_score": 4},
    },
}
REASONS: Mapping[str, tuple[str, str]] = {
    "password.too_short": ("It needs at least 15 characters.", "too short (min 15)"),
    "password.too_few_uppercase": (
        "It needs at least 1 capital letter.",
        "too few uppercase (min 1)",
    ),
    "password.too_few_digits": ("It needs at least 2 digits.", "too few digits (min 2)"),
    "password.blocked_word": ("that your organisation does not accept.", "blocked word"),
    "password.too_weak": ("It is easy to guess.", "too weak"),
}
"""What a page and the file of rejected rows say for each code; the other doors give the code."""


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Give all that is logged; the loggers of the standard library are put back."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    start_log("debug", "json", stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    """Give the product over a database of each kind; its events are logged."""
    with open_story(database_url, policy=POLICY, settings={"limits": NO_BRAKES}) as story:
        story.world.runtime.observers = (log_event,)
        yield House(story, tmp_path)


def everything_stored(house: House) -> str:
    """Return all rows of all tables."""
    with house.story.world.runtime.database.connection(write=False) as connection:
        return repr(
            {
                name: connection.execute(
                    sa.select(sa.literal_column("*")).select_from(sa.table(name))
                ).all()
                for name in sa.inspect(connection).get_table_names()
                if name != "policy_versions"  # whose owner blocked this very word
            }
        )


@pytest.mark.parametrize("door", DOORS)
def test_every_reason_is_given_and_the_password_goes_nowhere(
    house: House, door: str, log: io.StringIO
) -> None:
    if door in FORMS:
        person = FORMS[door](house, "ada")
        told = send_form(house, person, "ada", BROKEN)
        assert person.seen is not None
        said, status = person.seen.answer.text, person.seen.status
        assert status == 422
        reasons = [sentence for sentence, _ in REASONS.values()]
    else:
        told = said = DOORS[door](house, "ada", BROKEN)
        is_file = door == "CLI import"
        reasons = [words if is_file else code for code, (_, words) in REASONS.items()]

    assert [reason for reason in reasons if reason not in told] == [], told
    assert BROKEN not in said.casefold()
    assert not house.gets_in("ada", BROKEN)
    assert BROKEN not in everything_stored(house).casefold()
    assert BROKEN not in log.getvalue().casefold()
    assert log.getvalue() or door.startswith("CLI")


@pytest.mark.parametrize("door", ["API create", "API set", "API bulk"])
def test_a_program_reads_each_code_with_its_values(house: House, door: str) -> None:
    answer = DOORS[door](house, "ada", BROKEN)

    told = json.loads(answer)
    assert told["code"] == "password.rejected"
    assert {found["code"]: found["params"] for found in told["params"]["findings"]} == {
        "password.too_short": {"min": 15},
        "password.too_few_uppercase": {"min": 1},
        "password.too_few_digits": {"min": 2},
        "password.blocked_word": {},
        "password.too_weak": {"min_score": 4, "score": 2},
    }
