"""A password that grows too old, by clocks that are not quite right (Y-10)."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from werkzeug.test import Client as HttpClient

from idp.app import create_app
from idp.clock import FakeClock
from tests.support.story import App, Story, open_story
from tests.support.world import STAFF, make_world

SKEW = 2
MOMENTS = {
    "clocks go forward": (datetime(2027, 9, 25, 13, 30, tzinfo=UTC), 1),
    "clocks go back": (datetime(2027, 4, 3, 13, 30, tzinfo=UTC), 1),
    "into a leap day": (datetime(2028, 2, 28, 23, 59, 59, tzinfo=UTC), 1),
    "from a leap day": (datetime(2028, 2, 29, tzinfo=UTC), 366),
    "over a leap day": (datetime(2028, 2, 1, 11, 0, tzinfo=UTC), 90),
}
"""When a password was set, and after how many days it is too old."""


@pytest.fixture(params=["UTC", "Pacific/Auckland"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have the machine, and the sessions of the database, in a time zone."""
    with monkeypatch.context() as patched:
        for name in ("TZ", "PGTZ"):
            patched.setenv(name, request.param)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_maximum_age_ends_at_one_moment_on_every_node(database_url: str, moment: str) -> None:
    set_at, days = MOMENTS[moment]
    aged = {"enforcement": "everyone", "rules": {"max_age": {"days": days}}}
    due = set_at + timedelta(seconds=days * 86_400)
    clock = FakeClock(due - timedelta(seconds=10))
    with open_story(database_url, clock=clock, policy=aged) as story:
        app = story.app()
        story.person(credential={"set_at": set_at})
        story.sign_in()
        nodes = {0: story} | {skew: node(story, database_url, skew) for skew in (-SKEW, SKEW)}
        told = {}
        for _ in range(20):
            story.world.advance(seconds=1)
            for skew, each in nodes.items():
                each.world.advance(seconds=1 if skew else 0)
                past = (each.world.clock.now() - due).total_seconds()
                told[skew, past] = is_too_old(each, app)
        for skew in (-SKEW, SKEW):
            nodes[skew].world.runtime.database.close()

    for skew in nodes:  # by the node's own clock, one second before, at and after the moment
        assert [told[skew, past] for past in (-1.0, 0.0, 1.0)] == [False, False, True]
    for true in (-SKEW - 1, SKEW + 1):
        assert {told[skew, true + skew] for skew in nodes} == {true > 0}


def node(story: Story, database_url: str, skew: float) -> Story:
    """Return the product on another machine, whose clock is wrong; the browser is the same."""
    clock = FakeClock(story.world.clock.now() + timedelta(seconds=skew))
    world = make_world(database_url, clock)
    application = create_app(world.runtime)
    browser = HttpClient(application, use_cookies=True)
    name = f"__Host-idp-{STAFF}-session"
    cookie = story.browser.get_cookie(name)
    assert cookie is not None
    browser.set_cookie(name, cookie.value)
    return Story(world, application, browser)


def is_too_old(story: Story, app: App) -> bool:
    """Tell whether the password of who is signed in has to be changed now."""
    returned = story.authorize(app, prompt="none").returned
    assert ("code" in returned) is (returned.get("error") != "interaction_required"), returned
    return "error" in returned
