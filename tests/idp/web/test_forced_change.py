"""The change that the policy asks for on the way to an app: no way around it, and back after it."""

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from tests.support.pages import Visitor, visitor
from tests.support.story import App, Story, open_story
from tests.support.world import PASSWORD

STRICTER: Mapping[str, object] = {
    "enforcement": "everyone",
    "rules": {"length": {"min": 24, "max": 256}, "differs_from_current": {}},
}
NEW = "seven wooden boats at noon"


@pytest.fixture
def app(story: Story) -> App:
    """Give an app that names where a sign-in begins."""
    return story.app(
        client_name="TimeTrak Professional", initiate_login_uri="https://web.example/start?from=idp"
    )


@pytest.fixture
def at_the_change(story: Story, app: App, person: Visitor) -> Visitor:
    """Give somebody who signed in on the way to an app and looks at the change screen."""
    story.person("ada")
    story.world.publish_policy(STRICTER)
    asked = story.authorize(app, browser=person.browser, state="s-1", nonce="n-1")
    person.open(asked.location)
    person.submit(username="ada", password=PASSWORD)
    person.go_on()
    return person


def change(person: Visitor, new: str = NEW, **other: str) -> None:
    """Fill in the change form."""
    fields = {"current_password": PASSWORD, "new_password": new, "confirm_password": new}
    person.submit(**{**fields, **other})


# --- F-01


def test_the_change_comes_before_the_code_and_the_same_request_goes_on(
    story: Story, app: App, at_the_change: Visitor
) -> None:
    shown = at_the_change.seen
    assert shown is not None
    assert (shown.status, shown.page) == (200, "change-password")
    assert "for ada, to continue to TimeTrak Professional" in shown.text
    assert "became stricter" in shown.text
    assert "At least 24 characters" in shown.text
    assert shown.forms[0].asked == {
        *("username", "current_password", "new_password", "confirm_password")
    }
    assert "code.issued" not in story.event_codes()

    change(at_the_change)
    answer = at_the_change.go_on().answer

    assert answer.location.startswith("https://web.example/cb?")
    assert answer.returned["state"] == "s-1"
    tokens = story.redeem(app, answer.code).json
    claims = story.claims(tokens["id_token"])
    assert claims["nonce"] == "n-1"
    assert visitor(story).sign_in("ada", NEW).page == "account"


# --- F-02


def test_nothing_but_the_change_leads_on(story: Story, app: App, at_the_change: Visitor) -> None:
    first = at_the_change.seen
    assert first is not None
    other = story.app("web2")
    request = first.forms[0].action.rsplit("/", 1)[0]

    for path in (request, f"{request}/consent", f"{request}/change-password"):
        at_the_change.open(path)
        assert at_the_change.go_on().page == "change-password", path
    for asking in (app, other):
        for scope in ("openid", "openid profile offline_access"):
            answer = story.authorize(asking, browser=at_the_change.browser, scope=scope)
            assert at_the_change.open(answer.location).page == "change-password"
    silent = story.authorize(other, browser=at_the_change.browser, prompt="none")
    assert silent.returned["error"] == "interaction_required"
    assert at_the_change.open("/account").location.endswith("/account/password")
    assert at_the_change.open("/account/sessions").location.endswith("/account/password")
    assert "code.issued" not in story.event_codes()


def test_looking_at_a_screen_takes_no_write_lock(story: Story, at_the_change: Visitor) -> None:
    page = at_the_change.seen
    assert page is not None
    request = page.forms[0].action.rsplit("/", 1)[0]

    with story.world.begin():
        opened = [
            at_the_change.open(f"{request}/{name}").status
            for name in ("sign-in", "change-password", "consent")
        ]

    assert opened == [200, 200, 303]


def test_closing_the_browser_means_signing_in_again(
    story: Story, app: App, at_the_change: Visitor
) -> None:
    assert at_the_change.seen is not None
    reopened = visitor(story)

    elsewhere = reopened.open(at_the_change.seen.forms[0].action)
    asked = story.authorize(app, browser=reopened.browser)

    assert (elsewhere.status, elsewhere.page) == (400, "error")
    assert reopened.open(asked.location).page == "sign-in"


def test_back_after_the_change_gives_no_second_code(story: Story, at_the_change: Visitor) -> None:
    shown = at_the_change.seen
    assert shown is not None
    change(at_the_change)
    at_the_change.go_on()

    again = at_the_change.open(shown.forms[0].action)

    assert (again.status, again.page) == (400, "error")
    assert story.event_codes().count("code.issued") == 1


# --- F-09


def test_a_weak_change_is_refused_with_every_reason(story: Story, at_the_change: Visitor) -> None:
    said: dict[str, tuple[int, str]] = {}
    tries = {
        "old": {"new": PASSWORD},
        "short": {"new": "short"},
        "unlike": {"confirm_password": "something else entirely"},
        "unproved": {"current_password": "a guess"},
        "missing": {"current_password": ""},
        "huge": {"new": "x" * 5000},
    }
    for name, fields in tries.items():
        change(at_the_change, **fields)
        seen = at_the_change.seen
        assert seen is not None
        assert seen.page == "change-password"
        said[name] = (seen.status, seen.text)

    assert said["old"][0] == said["short"][0] == said["unlike"][0] == 422
    assert "at least 24 characters" in said["old"][1]
    assert "the password you have now" in said["old"][1]
    assert "at least 24 characters" in said["short"][1]
    assert "not the same" in said["unlike"][1]
    assert said["unproved"][0] == said["missing"][0] == 401
    assert "incorrect" in said["unproved"][1]
    assert said["huge"][0] == 413
    assert visitor(story).sign_in("ada", PASSWORD).page == "change-password"


def test_a_forced_change_always_says_that_the_old_password_will_not_do(
    story: Story, person: Visitor
) -> None:
    story.world.publish_policy({"enforcement": "everyone", "rules": {"length": {"min": 8}}})
    story.person("ada", credential={"must_change": True})

    shown = person.sign_in("ada", PASSWORD)
    change(person, PASSWORD)

    assert shown.page == "change-password"
    assert "administrator asked you" in shown.text
    assert "Not the password you have now" in shown.text
    assert person.seen is not None
    assert person.seen.status == 422


def test_guesses_at_the_current_password_are_counted_like_those_at_a_sign_in(
    database_url: str,
) -> None:
    with open_story(database_url, settings={"limits": {"sign_in_per_account": "4/PT15M"}}) as story:
        story.person("ada", credential={"must_change": True})
        person = visitor(story)
        person.sign_in("ada", PASSWORD)
        statuses = []
        for _ in range(6):
            change(person, current_password="a guess")
            assert person.seen is not None
            statuses.append(person.seen.status)
        change(person)

        assert statuses == [401, 401, 401, 401, 429, 429]
        assert person.seen is not None
        assert person.seen.status == 429
        assert person.seen.answer.response.headers["Retry-After"] == "900"
        assert "wait 15 minutes" in person.seen.text
        assert "password.changed" not in story.event_codes()


def test_a_temporary_password_that_ends_at_the_screen_leads_to_recovery(
    story: Story, person: Visitor
) -> None:
    until = story.world.clock.now() + timedelta(hours=1)
    story.person("ada", credential={"must_change": True, "temporary_until": until})
    person.sign_in("ada", PASSWORD)
    story.world.advance(hours=1, seconds=1)
    change(person)

    assert person.seen is not None
    assert person.seen.status == 401
    assert "Reset your password" in person.seen.text
    assert "password.changed" not in story.event_codes()


# --- F-10


def test_only_the_signed_in_user_of_the_form_can_be_changed(
    story: Story, at_the_change: Visitor
) -> None:
    story.person("bob")
    bob = story.world.credential(story.people["bob"]).hash
    page = at_the_change.seen
    assert page is not None

    for name in ("user", "user_id", "sub", "login", "account"):
        change(at_the_change, "short", **{name: "bob"})
    change(at_the_change, username="bob")
    assert at_the_change.seen is not None
    assert at_the_change.seen.status == 409
    at_the_change.open(page.forms[0].action + "?" + urlencode({"username": "bob"}))
    change(at_the_change)

    assert story.world.credential(story.people["bob"]).hash == bob
    assert visitor(story).sign_in("ada", NEW).page == "account"


def test_two_people_in_two_windows_do_not_change_each_others_password(
    story: Story, person: Visitor
) -> None:
    for name in ("ada", "bob"):
        story.person(name, credential={"must_change": True})
    person.sign_in("ada", PASSWORD)
    adas = person.seen
    person.sign_in("bob", PASSWORD)
    person.seen = adas  # the first window still shows the first person's form

    change(person)
    assert person.seen is not None
    assert person.seen.status == 409
    assert "now is for bob" in person.seen.text
    change(person)

    assert visitor(story).sign_in("ada", NEW).status == 401
    assert visitor(story).sign_in("bob", NEW).page == "account"


def test_another_browsers_request_cannot_be_finished(story: Story, at_the_change: Visitor) -> None:
    page = at_the_change.seen
    assert page is not None
    thief = visitor(story)
    story.person("mallory", credential={"must_change": True})
    thief.sign_in("mallory", PASSWORD)

    own = thief.seen
    opened = thief.open(page.forms[0].action)
    assert own is not None
    own.forms[0].action = page.forms[0].action
    thief.seen = own
    posted = thief.submit(current_password=PASSWORD, new_password=NEW, confirm_password=NEW)

    assert opened.status == posted.status == 400
    assert visitor(story).sign_in("mallory", PASSWORD).page == "change-password"


# --- F-16


@pytest.mark.parametrize("seconds", [1, 30 * 60 - 5])
def test_the_change_may_take_as_long_as_the_request_lives(
    story: Story, app: App, at_the_change: Visitor, seconds: int
) -> None:
    story.world.advance(seconds=seconds)
    change(at_the_change)
    answer = at_the_change.go_on().answer

    assert answer.returned["state"] == "s-1"
    assert story.redeem(app, answer.code).status == 200


def test_after_that_there_is_a_friendly_way_to_begin_again(
    story: Story, at_the_change: Visitor
) -> None:
    story.world.advance(minutes=30, seconds=5)
    change(at_the_change)
    seen = at_the_change.seen
    assert seen is not None

    assert (seen.status, seen.page) == (400, "error")
    restart = "https://web.example/start?from=idp&amp;iss=http%3A%2F%2Flocalhost%3A8080%2Frealms"
    assert f'href="{restart}%2Fstaff"' in seen.answer.text
    assert "code.issued" not in story.event_codes()
    assert "password.changed" not in story.event_codes()


def test_the_browser_that_changed_stays_signed_in_and_no_other_does(
    story: Story, at_the_change: Visitor
) -> None:
    story.sign_in("ada")
    change(at_the_change)
    at_the_change.go_on()

    assert at_the_change.open("/account").status == 200
    assert story.get("/account").location.endswith("/sign-in")
    assert [mail["template"] for mail in story.world.outbox()] == ["password_changed"]
