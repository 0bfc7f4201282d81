"""The pages about events and rules say what the code says; every code has a meaning and a use."""

import re

from idp.core.event_meanings import MEANINGS
from idp.core.events import EventCode
from tests.support.reference import EVENTS, RULES_PAGE, render_events, render_rules
from tests.support.tree import list_modules

WORDS = {"event_meanings.py", "events.py"}


def test_the_page_of_events_is_the_generated_one() -> None:
    assert EVENTS.read_text() == render_events()


def test_the_page_of_rules_is_the_generated_one() -> None:
    assert RULES_PAGE.read_text() == render_rules()


def test_every_event_has_a_meaning() -> None:
    assert list(MEANINGS) == list(EventCode)
    assert all(meaning.when.endswith(".") for meaning in MEANINGS.values())


def test_every_event_is_recorded_somewhere() -> None:
    sources = [path.read_text() for path in list_modules("idp") if path.name not in WORDS]
    used = set(re.findall(r"EventCode\.(\w+)", "\n".join(sources)))

    assert sorted({code.name for code in EventCode} - used) == []


def test_params_that_are_recorded_are_told() -> None:
    """Holds for events whose params are written out where they are recorded."""
    written = re.compile(r"code=EventCode\.(\w+),[^()]*?params=\{([^{}]*)\}")
    untold = {
        f"{code}: {name}"
        for path in list_modules("idp")
        for code, params in written.findall(path.read_text())
        for name in re.findall(r'"(\w+)":', params)
        if name not in MEANINGS[EventCode[code]].params
    }

    assert untold == set()
