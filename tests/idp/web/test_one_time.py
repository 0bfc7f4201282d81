"""Pages behind one-time links: finishing a change for an app, and "this was not me"."""

import pytest

from idp.core.links import issue_not_me_link
from tests.support.pages import Seen, Visitor, visitor
from tests.support.story import App, Story
from tests.support.world import PASSWORD, PUBLIC_URL

NEW = "seven wooden boats at noon"
STRICTER = {"enforcement": "everyone", "rules": {"length": {"min": 24}}}


@pytest.fixture
def app(story: Story) -> App:
    """Give a phone app that names where a sign-in begins."""
    return story.app(
        "mobile",
        client_name="TimeTrak Mobile",
        application_type="native",
        redirect_uris=("nz.timetrak.mobile:/cb",),
        initiate_login_uri="https://mobile.example/start",
    )


def action_of(story: Story, app: App) -> str:
    """Return the address that an app gets when its user must change."""
    story.sign_in("ada")
    tokens = story.tokens(app, scope="openid offline_access")
    story.world.publish_policy(STRICTER)
    refused = story.refresh(app, tokens["refresh_token"]).json
    assert refused["idp_reason"] == "password_change_required"
    address: str = refused["idp_action_uri"]
    return address


def change(person: Visitor, new: str = NEW, **other: str) -> Seen:
    """Fill in the change form."""
    fields = {"current_password": PASSWORD, "new_password": new, "confirm_password": new}
    return person.submit(**{**fields, **other})


# --- the page that an app opens


def test_the_app_gets_its_user_back_after_the_change(
    story: Story, app: App, person: Visitor
) -> None:
    shown = person.open(action_of(story, app))
    done = change(person)

    assert (shown.status, shown.page) == (200, "change-password")
    assert "for ada, to continue to TimeTrak Mobile" in shown.text
    assert "https://mobile.example" in shown.answer.response.headers["Content-Security-Policy"]
    assert done.status == 303
    assert done.location == (
        "https://mobile.example/start?iss=http%3A%2F%2Flocalhost%3A8080%2Frealms%2Fstaff"
    )
    assert person.cookie("session") is None
    assert visitor(story).sign_in("ada", NEW).page == "account"


def test_an_app_without_an_address_is_returned_to_by_hand(story: Story, person: Visitor) -> None:
    app = story.app("mobile", client_name="TimeTrak Mobile", initiate_login_uri=None)
    person.open(action_of(story, app))
    done = change(person)

    assert (done.status, done.page) == (200, "change-password")
    assert "Return to TimeTrak Mobile" in done.text


def test_the_address_proves_nothing(story: Story, app: App, person: Visitor) -> None:
    address = action_of(story, app)
    for _ in range(3):
        person.send("HEAD", address)
        person.open(address)
    for current in ("", "a guess"):
        refused = change(person, current_password=current)
        assert refused.status == 401
    assert change(person, "short").status == 422
    assert change(person).status == 303


def test_another_person_is_refused(story: Story, app: App, person: Visitor) -> None:
    address = action_of(story, app)
    story.person("bob")
    story.world.publish_policy({"enforcement": "noncompliant", "rules": {"length": {"min": 8}}})
    person.sign_in("bob", PASSWORD)
    opened = person.open(address)

    assert (opened.status, opened.page) == (400, "error")
    assert "ada" not in opened.text


def test_a_change_made_elsewhere_leads_straight_back(
    story: Story, app: App, person: Visitor
) -> None:
    address = action_of(story, app)
    first = visitor(story)
    first.sign_in("ada", PASSWORD)
    change(first)

    seen = person.open(address)

    assert seen.status == 200
    assert "Your password is changed" in seen.text
    assert 'href="https://mobile.example/start?iss=' in seen.answer.text


def test_the_address_lives_ten_minutes_and_works_once(
    story: Story, app: App, person: Visitor
) -> None:
    address = action_of(story, app)
    late = visitor(story)
    late.open(address)
    person.open(address)
    change(person)

    assert person.open(address).status == 400
    assert change(late).status == 400
    for token in ("x", "a" * 43, "%00"):
        assert person.open(f"/action/{token}").status == 400


def test_the_address_dies_of_age(story: Story, app: App, person: Visitor) -> None:
    address = action_of(story, app)
    person.open(address)
    story.world.advance(minutes=10, seconds=1)

    assert change(person).status == 400


# --- "this was not me"


def not_me(story: Story) -> str:
    """Return the path of the link in a notice."""
    user_id = story.person("ada")
    with story.world.begin() as uow:
        return f"/not-me/{issue_not_me_link(uow, user_id)}"


def test_looking_changes_nothing_and_the_button_locks(story: Story, person: Visitor) -> None:
    link = not_me(story)
    ada = visitor(story)
    ada.sign_in("ada", PASSWORD)
    person.send("HEAD", link)
    shown = person.open(link)
    still = ada.open("/account")
    locked = person.submit()

    assert (shown.status, shown.page) == (200, "account")
    assert "Lock this account?" in shown.text
    assert still.status == 200
    assert locked.status == 200
    assert "The account is locked" in locked.text
    assert ada.open("/account").location.endswith("/sign-in")
    assert visitor(story).sign_in("ada", PASSWORD).status == 401
    assert "user.locked" in story.event_codes()


def test_the_link_works_once_and_for_a_week(story: Story, person: Visitor) -> None:
    link = not_me(story)
    person.open(link)
    page = person.seen
    person.submit()

    person.seen = page
    assert person.submit().status == 400
    assert person.open(link).status == 400
    assert "no longer works" in person.open("/not-me/x").text


@pytest.mark.parametrize("kind", ["action", "not-me", "setup", "reset-password"])
def test_no_page_behind_a_link_tells_its_address_to_anybody(person: Visitor, kind: str) -> None:
    secret = "s" * 43
    for method in ("GET", "POST"):
        seen = person.send(method, f"/{kind}/{secret}")
        headers = seen.answer.response.headers
        if seen.status != 405:
            assert headers["Referrer-Policy"] == "no-referrer", (method, seen.status)
        assert secret not in seen.text
        assert PUBLIC_URL + f"/realms/staff/{kind}/{secret}" not in headers.get("Link", "")
