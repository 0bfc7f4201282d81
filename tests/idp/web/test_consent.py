"""Allowing an app, or not."""

import pytest

from idp.core.epochs import EpochCause, move_epoch
from tests.support.pages import Visitor
from tests.support.story import App, Story
from tests.support.world import PASSWORD


@pytest.fixture
def app(story: Story) -> App:
    """Give an app that has to be allowed."""
    return story.app(client_name="Elsewhere", consent_required=True)


@pytest.fixture
def asked(story: Story, app: App, person: Visitor) -> Visitor:
    """Give somebody who is asked to allow the app."""
    story.person("ada")
    person.sign_in("ada", PASSWORD)
    person.open(story.authorize(app, browser=person.browser, scope="openid email").location)
    return person


def test_the_page_says_who_wants_what(asked: Visitor) -> None:
    seen = asked.seen
    assert seen is not None

    assert (seen.status, seen.page) == (200, "consent")
    assert "Elsewhere would like to use your account ada" in seen.text
    assert "Your email address" in seen.text
    assert "Your groups" not in seen.text


def test_allowing_gives_a_code_and_is_not_asked_again(
    story: Story, app: App, asked: Visitor
) -> None:
    asked.submit(decision="allow")
    code = asked.go_on().answer.code
    again = story.authorize(app, browser=asked.browser, scope="openid email")
    more = story.authorize(app, browser=asked.browser, scope="openid email phone")

    assert story.redeem(app, code).status == 200
    assert again.code
    assert asked.open(more.location).page == "consent"


def test_not_allowing_tells_the_app(story: Story, app: App, asked: Visitor) -> None:
    asked.submit(decision="deny")
    answer = asked.go_on().answer

    assert answer.returned["error"] == "access_denied"
    assert answer.returned["state"] == "xyz"
    assert "code.issued" not in story.event_codes()
    assert "consent.denied" in story.event_codes()


def test_only_the_two_buttons_count(story: Story, asked: Visitor) -> None:
    page = asked.seen
    for decision in ("", "yes", "ALLOW"):
        asked.seen = page
        assert asked.submit(decision=decision).status == 400

    assert "consent.granted" not in story.event_codes()


def test_a_stale_password_can_allow_nothing(story: Story, asked: Visitor) -> None:
    story.world.publish_policy({"enforcement": "everyone", "rules": {"length": {"min": 64}}})
    page = asked.seen
    assert page is not None

    assert asked.open(page.forms[0].action).status == 303
    assert asked.go_on().page == "change-password"
    asked.seen = page
    asked.submit(decision="allow")
    assert asked.go_on().page == "change-password"
    assert "consent.granted" not in story.event_codes()


def test_what_one_person_allowed_is_not_allowed_for_the_next(
    story: Story, app: App, person: Visitor
) -> None:
    story.person("ada")
    story.person("bob")
    person.sign_in("ada", PASSWORD)
    asked = story.authorize(app, browser=person.browser, prompt="consent")
    page = person.open(asked.location)
    person.submit(decision="allow")
    person.open(page.forms[0].action.replace("/consent", "/sign-in"))
    person.submit(username="bob", password=PASSWORD)

    assert person.go_on().page == "consent"


def test_signed_out_meanwhile_means_signing_in_first(story: Story, asked: Visitor) -> None:
    page = asked.seen
    assert page is not None
    other_window = Visitor(story, asked.browser)
    others = other_window.open("/account/sessions")
    assert others.status == 200
    with story.world.begin() as uow:
        move_epoch(uow, story.people["ada"], EpochCause.SESSIONS_ENDED)

    asked.submit(decision="allow")

    assert asked.go_on().page == "sign-in"
    assert "consent.granted" not in story.event_codes()
