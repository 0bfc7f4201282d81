"""A bulk reset ends what its targets hold, and nothing of anybody else's (B-02)."""

from dataclasses import dataclass

import pytest

from idp.core.recovery_requests import issue_recovery_link
from tests.support.campaigns import run_reset
from tests.support.pages import Visitor, visitor
from tests.support.sizes import campaign_size
from tests.support.story import App, Story

USERS, TARGETS = campaign_size(1000), campaign_size(400)


@dataclass(frozen=True)
class Person:
    """A user and what was given to them."""

    user_id: str
    browser: Visitor
    code: str
    refresh_token: str
    access_token: str
    link: str


def equip(story: Story, app: App, name: str) -> Person:
    """Give a user one of each."""
    browser = visitor(story)
    story.sign_in(name, browser=browser.browser)
    tokens = story.tokens(app, browser=browser.browser)
    code = story.authorize(app, browser=browser.browser).code
    with story.world.begin() as uow:
        link = issue_recovery_link(uow, story.people[name], generation=1)
    return Person(
        story.people[name], browser, code, tokens["refresh_token"], tokens["access_token"], link
    )


def alive(story: Story, app: App, person: Person) -> list[bool]:
    """Return whether session, access token, refresh token, code and reset link still work."""
    mail = visitor(story)
    mail.open(f"/reset-password/{person.link}")
    return [
        person.browser.open("/account").status == 200,
        story.userinfo(person.access_token).status == 200,
        story.refresh(app, person.refresh_token).status == 200,
        story.redeem(app, person.code).status == 200,
        mail.go_on().status == 200,
    ]


@pytest.mark.campaign
def test_all_that_the_targets_hold_dies_and_nothing_else(story: Story) -> None:
    app = story.app()
    people = [equip(story, app, f"person-{number}") for number in range(USERS)]
    named = people[:: USERS // TARGETS][:TARGETS]
    ids = [person.user_id for person in named]

    plan = run_reset(story.world, select={"user_ids": ids}, password="shared horse battery")

    assert plan.counts["targets"] == TARGETS
    for person in people:
        assert alive(story, app, person) == [person not in named] * 5
