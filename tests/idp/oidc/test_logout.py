"""Signing out at an app's wish: at once when it proves it knows the session, else asked (L-04)."""

from urllib.parse import urlencode

import pytest

from tests.support.story import Answer, App, Story, form_fields
from tests.support.world import PORTAL

BYE = "https://web.example/bye"


def begin(story: Story) -> tuple[App, str, str]:
    """Return an app, the ID token it has, and its refresh token."""
    app = story.app(post_logout_redirect_uris=(BYE,))
    story.sign_in("ada")
    tokens = story.tokens(app)
    return app, tokens["id_token"], tokens["refresh_token"]


def log_out(story: Story, **params: str) -> Answer:
    return story.get(f"/logout?{urlencode(params)}")


def is_signed_in(story: Story, app: App) -> bool:
    return "code" in story.authorize(app, prompt="none").returned


def test_an_app_that_knows_the_session_ends_it(story: Story) -> None:
    app, hint, refresh_token = begin(story)
    cookie = story.browser.get_cookie("__Host-idp-staff-session")
    assert cookie is not None

    answer = log_out(
        story, id_token_hint=hint, post_logout_redirect_uri=BYE, state="a b&c", client_id="web"
    )

    assert answer.status == 303
    assert answer.location == f"{BYE}?state=a%20b%26c"
    assert not is_signed_in(story, app)
    story.browser.set_cookie(cookie.key, cookie.value)
    assert not is_signed_in(story, app)
    assert story.refresh(app, refresh_token).json["idp_reason"] == "session_ended"
    assert story.event_codes().count("user.signed_out") == 1


def test_without_an_address_a_page_says_so(story: Story) -> None:
    app, hint, _ = begin(story)

    answer = log_out(story, id_token_hint=hint)

    assert answer.status == 200
    assert 'data-page="signed-out"' in answer.text
    assert not is_signed_in(story, app)


def test_an_expired_hint_is_good(story: Story) -> None:
    app, hint, _ = begin(story)
    story.world.advance(hours=2)

    assert log_out(story, id_token_hint=hint, post_logout_redirect_uri=BYE).location == BYE
    assert not is_signed_in(story, app)


def test_without_a_hint_the_person_is_asked(story: Story) -> None:
    app, _, _ = begin(story)

    asked = log_out(story, post_logout_redirect_uri=BYE, client_id="web", state="s")
    assert asked.status == 200
    assert "<form" in asked.text
    assert is_signed_in(story, app)

    without_token = story.send("POST", "/logout/confirm", data={"client_id": "web"})
    assert without_token.status == 403
    assert is_signed_in(story, app)

    done = story.send("POST", "/logout/confirm", data=form_fields(asked.text))
    assert (done.status, done.location) == (303, f"{BYE}?state=s")
    assert (
        "form-action 'self' https://web.example"
        in asked.response.headers["Content-Security-Policy"]
    )
    assert not is_signed_in(story, app)


def test_a_cross_site_confirmation_is_refused(story: Story) -> None:
    app, _, _ = begin(story)
    fields = form_fields(log_out(story).text)

    answer = story.send(
        "POST",
        "/logout/confirm",
        data=fields,
        headers={"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    )

    assert answer.status == 403
    assert is_signed_in(story, app)


@pytest.mark.parametrize(
    "uri", ["https://evil.example/", f"{BYE}/x", f"{BYE}?a=1", "javascript:alert(1)", "//evil"]
)
def test_only_a_registered_address_is_returned_to(story: Story, uri: str) -> None:
    app, hint, _ = begin(story)

    for params in ({"id_token_hint": hint}, {"client_id": "web"}, {}):
        answer = log_out(story, post_logout_redirect_uri=uri, **params)
        assert (answer.status, answer.location) == (400, "")
    assert is_signed_in(story, app)


def test_a_hint_of_one_client_is_no_use_to_another(story: Story) -> None:
    app, hint, _ = begin(story)
    story.app("web2")

    assert log_out(story, id_token_hint=hint, client_id="web2").status == 400
    assert is_signed_in(story, app)


def test_only_an_id_token_of_this_session_vouches(story: Story) -> None:
    app, hint, _ = begin(story)
    access_token = story.tokens(app)["access_token"]
    elsewhere = story.new_browser()
    story.sign_in("ada", browser=elsewhere)
    other = story.redeem(app, story.authorize(app, browser=elsewhere).code).json["id_token"]
    head, body, signature = hint.split(".")

    for wrong in (access_token, other, f"{head}.{body}.{signature[::-1]}", "junk"):
        answer = log_out(story, id_token_hint=wrong)
        assert answer.status == 200
        assert "<form" in answer.text
    assert is_signed_in(story, app)


def test_nobody_to_sign_out_is_no_trouble(story: Story) -> None:
    app, hint, _ = begin(story)
    stranger = story.new_browser()

    page = story.get("/logout", browser=stranger)
    back = story.get(
        f"/logout?{urlencode({'id_token_hint': hint, 'post_logout_redirect_uri': BYE})}",
        browser=stranger,
    )

    assert 'data-page="signed-out"' in page.text
    assert back.location == BYE
    assert is_signed_in(story, app)


def test_a_posted_request_goes_on_as_a_get_that_has_cookies(story: Story) -> None:
    app, hint, _ = begin(story)
    form = {"id_token_hint": hint, "post_logout_redirect_uri": BYE}

    posted = story.send("POST", "/logout", data=form, browser=story.new_browser())
    assert posted.status == 303
    assert is_signed_in(story, app)

    assert story.follow(posted).location == BYE
    assert not is_signed_in(story, app)


def test_what_cannot_be_read_changes_nothing(story: Story) -> None:
    app, hint, _ = begin(story)

    assert story.get("/logout?state=%ff").status == 400
    assert story.get(f"/logout?id_token_hint={hint}&id_token_hint={hint}").status == 400
    assert story.send("POST", "/logout?client_id=a", data={"client_id": "web"}).status == 400
    assert story.send("HEAD", f"/logout?id_token_hint={hint}").status == 200
    fields = form_fields(log_out(story).text)
    spoilt = {**fields, "post_logout_redirect_uri": "https://evil.example/"}
    assert story.send("POST", "/logout/confirm", data=spoilt).status == 400
    assert story.send("POST", "/logout", data=b"x", content_type="text/plain").status == 400
    assert is_signed_in(story, app)


def test_staff_and_portal_sign_out_apart(story: Story) -> None:
    app, hint, _ = begin(story)

    at_portal = story.get(f"/logout?{urlencode({'id_token_hint': hint})}", realm=PORTAL)

    assert at_portal.status == 200
    assert is_signed_in(story, app)
