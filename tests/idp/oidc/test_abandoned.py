"""Requests that people walk away from: gone soon, cheap until then (catalogue Q-07, F-16)."""

import re
from pathlib import Path

import pytest

from idp.clock import FakeClock
from idp.core.authorizations import NewRequest, store_request
from idp.ids import ClientId, new_raw_token
from idp.jobs.runner import Runner
from idp.store.flow import AuthorizationRequestRow
from tests.support.pages import Visitor, visitor
from tests.support.record import record
from tests.support.story import App, Story
from tests.support.world import PASSWORD, open_world

STRICTER = {"enforcement": "everyone", "rules": {"length": {"min": 24}, "differs_from_current": {}}}
NEW = "seven wooden boats at noon"
_MANY = 10_000
_MOST_BYTES = 50 * 1024 * 1024


@pytest.fixture
def app(story: Story) -> App:
    """Give an app that names where a sign-in begins."""
    return story.app(initiate_login_uri="https://web.example/start")


def asking(story: Story, app: App, **params: str) -> Visitor:
    """Return a person whom an app sent here, looking at the first screen."""
    person = visitor(story)
    person.open(story.authorize(app, browser=person.browser, **params).location)
    return person


def wait(story: Story, *, minutes: int) -> None:
    """Let time pass, and the workers with it."""
    runner = Runner(story.world.runtime)
    for _ in range(minutes):
        story.world.advance(minutes=1)
        runner.run_once()


def change(person: Visitor) -> None:
    """Choose a new password on the change screen."""
    person.submit(current_password=PASSWORD, new_password=NEW, confirm_password=NEW)


def test_nobody_signs_in_and_it_is_gone_within_a_quarter_of_an_hour(story: Story, app: App) -> None:
    story.person("ada")
    Runner(story.world.runtime).run_once()
    asking(story, app)
    slow = asking(story, app)

    wait(story, minutes=11)
    late = slow.submit(username="ada", password=PASSWORD)
    wait(story, minutes=4)

    assert (late.status, late.page) == (400, "error")
    assert story.world.count(AuthorizationRequestRow) == 0
    assert "code.issued" not in story.event_codes()


def test_whoever_signed_in_has_the_whole_time(story: Story, app: App) -> None:
    story.person("ada")
    story.world.publish_policy(STRICTER)
    person = asking(story, app, state="s-9")

    wait(story, minutes=9)
    person.submit(username="ada", password=PASSWORD)
    person.go_on()
    wait(story, minutes=20)
    change(person)
    answer = person.go_on().answer

    assert answer.returned["state"] == "s-9"
    assert story.redeem(app, answer.code).status == 200


def test_whoever_was_signed_in_before_has_the_whole_time(story: Story, app: App) -> None:
    person = visitor(story)
    story.sign_in("ada", browser=person.browser)
    story.world.publish_policy(STRICTER)
    asked = story.question(app, state="s-9")
    person.post("/authorize", **asked)  # from another site it comes without cookies
    assert person.go_on().page == "change-password"

    wait(story, minutes=29)
    change(person)

    assert person.go_on().answer.returned["state"] == "s-9"


def test_a_posted_request_finds_its_browser_again_at_the_first_visit(
    story: Story, app: App
) -> None:
    story.person("ada")
    person = visitor(story)
    person.post("/authorize", **story.question(app, state="s-9"))
    assert person.go_on().page == "sign-in"

    person.submit(username="ada", password=PASSWORD)

    assert person.go_on().answer.returned["state"] == "s-9"


def test_both_doors_say_that_it_is_over_and_where_to_begin_again(story: Story, app: App) -> None:
    story.person("ada")
    person = asking(story, app)
    stored = person.submit(username="ada", password=PASSWORD).location
    story.world.advance(minutes=31)

    dispatcher, screen = (person.open(path) for path in (stored, f"{stored}/sign-in"))

    assert dispatcher.status == screen.status == 400
    texts = {re.sub(r"[0-9a-f]{32}", "", seen.answer.text) for seen in (dispatcher, screen)}
    assert len(texts) == 1
    assert 'href="https://web.example/start?iss=' in texts.pop()


def test_ten_thousand_cost_little_room(sqlite_url: str, clock: FakeClock) -> None:
    with open_world(sqlite_url, clock) as world:
        request = NewRequest(
            client_id=ClientId("timetrak-professional"),
            redirect_uri="https://professional.example.co.nz/auth/callback",
            response_mode="query",
            scopes=("openid", "profile", "email", "offline_access"),
            consent_scopes=("openid", "profile", "email", "offline_access"),
            state="s" * 512,
            nonce="n" * 64,
            code_challenge="c" * 43,
        )
        before = _bytes_of(sqlite_url)
        for _ in range(_MANY // 100):
            with world.begin() as uow:
                for _ in range(100):
                    store_request(uow, new_raw_token(), request)
        cost = _bytes_of(sqlite_url) - before
        assert world.count(AuthorizationRequestRow) == _MANY
        record(f"{_MANY} abandoned sign-ins: {cost / 1024 / 1024:.1f} MiB on SQLite")
        assert cost <= _MOST_BYTES


def _bytes_of(sqlite_url: str) -> int:
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    return sum(part.stat().st_size for part in file.parent.glob(f"{file.name}*"))
