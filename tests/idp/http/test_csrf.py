"""L-14: a form counts only when this site's own page, in this browser, sent it."""

from collections.abc import Mapping

import pytest

from idp.ids import new_raw_token
from tests.support.pages import Seen, Visitor, visitor
from tests.support.story import Story
from tests.support.world import PASSWORD, PORTAL, PUBLIC_URL


def attempt(person: Visitor, headers: Mapping[str, str], **fields: str) -> Seen:
    """Send valid credentials as a form, with these headers and fields."""
    form = {"username": "ada", "password": PASSWORD, **fields}
    return person.send("POST", "/sign-in", data=form, headers=headers)


def token_of(person: Visitor) -> str:
    """Return the form token of a browser."""
    return person.open("/sign-in").forms[0].carried["csrf_token"]


@pytest.fixture
def ada(story: Story, person: Visitor) -> Visitor:
    """Give the browser of somebody who has an account."""
    story.person("ada")
    return person


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": PUBLIC_URL},
        {"Origin": PUBLIC_URL, "Sec-Fetch-Site": "same-origin"},
        {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-origin"},
    ],
    ids=str,
)
def test_its_own_form_is_answered(ada: Visitor, headers: dict[str, str]) -> None:
    assert attempt(ada, headers, csrf_token=token_of(ada)).status == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": PUBLIC_URL + ".evil.example"},
        {"Origin": PUBLIC_URL.replace("http:", "https:")},
        {"Origin": PUBLIC_URL, "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    ],
    ids=str,
)
def test_another_sites_form_is_refused_even_with_the_token(
    story: Story, ada: Visitor, headers: dict[str, str]
) -> None:
    seen = attempt(ada, headers, csrf_token=token_of(ada))

    assert (seen.status, seen.page) == (403, "error")
    assert ada.cookie("session") is None
    assert "user.signed_in" not in story.event_codes()


def test_a_form_without_the_right_token_is_refused(story: Story, ada: Visitor) -> None:
    mallory, at_portal = visitor(story), visitor(story, realm=PORTAL)
    foreign = token_of(mallory)
    other_door = token_of(at_portal)
    own = token_of(ada)

    for token in ("", "x", foreign, other_door, own[:-1], own + "0", "é", own.upper()):
        assert attempt(ada, {}, csrf_token=token).status == 403
    assert attempt(ada, {}).status == 403
    assert ada.cookie("session") is None


def test_a_browser_without_the_cookie_is_refused(story: Story, ada: Visitor) -> None:
    token = token_of(ada)
    bare = visitor(story)
    planted = visitor(story)
    planted.set_cookie("browser", new_raw_token())

    assert attempt(bare, {}, csrf_token=token).status == 403
    assert attempt(planted, {}, csrf_token=token).status == 403


def test_a_stale_form_leads_to_a_fresh_one(story: Story, ada: Visitor) -> None:
    app = story.app()
    asked = story.authorize(app, browser=ada.browser)
    page = ada.open(asked.location)
    page.forms[0].carried["csrf_token"] = "stale"
    refused = ada.submit(username="ada", password=PASSWORD)

    assert refused.status == 403
    assert f'href="{page.forms[0].action}"' in refused.answer.text
    ada.open(page.forms[0].action)
    assert ada.submit(username="ada", password=PASSWORD).status == 303


def test_every_form_of_every_page_is_checked(story: Story, ada: Visitor) -> None:
    ada.sign_in("ada", PASSWORD)
    secret = "s" * 43
    posted = [
        *("/sign-in", "/forgot-password", "/reset-password", "/account/password"),
        *("/account/sessions", "/account/sessions/others", "/account/security/forget-browsers"),
        *("/account/security/revoke-consent", "/logout/confirm"),
        *(f"/interaction/{secret}/{name}" for name in ("sign-in", "change-password", "consent")),
        *(f"/{kind}/{secret}" for kind in ("action", "not-me", "setup")),
    ]

    for path in posted:
        assert ada.post(path, decision="allow").status == 403, path
