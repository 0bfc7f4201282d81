"""Good authorization requests: what a person is asked, and how the app gets its answer."""

import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest

from idp.core.authorizations import find_request, note_consent, note_signed_in, refuse_request
from idp.core.client_admin import update_client
from idp.http.cookies import Cookies
from idp.ids import RawToken, SessionId
from idp.store.tokens import AuthorizationCodeRow
from tests.support.story import CALLBACK, Answer, App, Story, form_fields

ODD_STATES = ["a b", "a+b", "a%2Fb", "a&b=c", "\"'<script>", "😀é", "s" * 2048, "\r\nX: 1"]


def interaction_of(answer: Answer) -> tuple[str, str]:
    """Return id and screen of the interaction that an answer leads to."""
    found = re.fullmatch(r".*/interaction/([\w-]{43})/([a-z-]+)", answer.location)
    assert found, answer.location
    return found[1], found[2]


def browser_secret(story: Story) -> RawToken:
    cookie = story.browser.get_cookie("__Host-idp-staff-browser")
    assert cookie is not None
    return Cookies("staff", {cookie.key: cookie.value}).browser or RawToken("")  # type: ignore[arg-type]


def finish_sign_in(story: Story, request_id: str, sid: str) -> None:
    """Do what the sign-in screen does after the right password."""
    with story.world.begin() as uow:
        request = find_request(uow, request_id, browser_secret(story))
        assert request is not None
        note_signed_in(uow, request, SessionId(sid))


def test_state_comes_back_byte_for_byte(story: Story) -> None:
    app = story.app()
    story.sign_in()

    for state in ODD_STATES:
        by_query = story.authorize(app, state=state)
        refused = story.authorize(app, state=state, prompt="none login")
        form = story.authorize(app, state=state, response_mode="form_post")
        refused_form = story.authorize(app, state=state, response_mode="form_post", scope="nope")
        by_form, error_form = form_fields(form.text), form_fields(refused_form.text)
        for returned in (by_query.returned, refused.returned, by_form, error_form):
            assert returned["state"] == state
            assert returned["iss"] == "http://localhost:8080/realms/staff"
        assert by_form["code"]
        assert error_form["error"] == "invalid_scope"


def test_form_post_is_a_page_whose_form_goes_to_the_app_only(story: Story) -> None:
    app = story.app(client_name='<b>"Web"</b>')
    story.sign_in()

    answer = story.authorize(app, state='"><script>alert(1)</script>', response_mode="form_post")

    policy = answer.response.headers["Content-Security-Policy"]
    assert f'action="{CALLBACK}"' in answer.text
    assert "<script>alert" not in answer.text
    assert "<b>" not in answer.text
    assert "form-action 'self' https://web.example" in policy
    assert "unsafe-inline" not in policy
    assert answer.response.headers["Cache-Control"] == "no-store"


def test_a_stranger_is_sent_to_the_sign_in_page_and_back(story: Story) -> None:
    app = story.app()

    asked = story.authorize(app, prompt="login", state="keep me")
    request_id, screen = interaction_of(asked)
    sid = story.sign_in()
    finish_sign_in(story, request_id, sid)
    answer = story.get(f"/interaction/{request_id}")

    assert screen == "sign-in"
    assert answer.status == 303
    assert answer.returned["state"] == "keep me"
    assert story.claims(story.redeem(app, answer.code).json["id_token"])["sid"] == sid


def test_a_request_is_answered_once(story: Story) -> None:
    app = story.app(initiate_login_uri="https://web.example/start")
    request_id, _ = interaction_of(story.authorize(app))
    story.sign_in()

    first = story.get(f"/interaction/{request_id}")
    second = story.get(f"/interaction/{request_id}")

    assert first.code
    assert second.status == 400
    assert "https://web.example/start?iss=" in second.text
    assert story.world.count(AuthorizationCodeRow) == 1


def test_a_request_of_another_browser_is_unknown(story: Story) -> None:
    app = story.app()
    request_id, _ = interaction_of(story.authorize(app))
    thief = story.new_browser()
    story.sign_in(browser=thief)

    assert story.get(f"/interaction/{request_id}", browser=thief).status == 400
    assert story.world.count(AuthorizationCodeRow) == 0


def test_a_request_ends_with_the_address_that_waits_for_its_answer(story: Story) -> None:
    app = story.app()
    request_id, _ = interaction_of(story.authorize(app))
    with story.world.begin() as uow:
        update_client(uow, "web", {"redirect_uris": ("https://web.example/new",)})
    story.sign_in()

    answer = story.get(f"/interaction/{request_id}")

    assert (answer.status, answer.location) == (400, "")
    assert story.world.count(AuthorizationCodeRow) == 0


def test_a_request_ends_with_its_time(story: Story) -> None:
    app = story.app()
    story.sign_in()
    request_id, _ = interaction_of(story.authorize(app, prompt="login"))

    story.world.advance(minutes=30, seconds=-5)
    in_time = story.get(f"/interaction/{request_id}")
    story.world.advance(seconds=10)
    late = story.get(f"/interaction/{request_id}")

    assert interaction_of(in_time) == (request_id, "sign-in")
    assert late.status == 400
    assert "code=" not in late.location


def test_a_person_who_says_no_sends_access_denied(story: Story) -> None:
    app = story.app(consent_required=True)
    story.sign_in()
    request_id, screen = interaction_of(story.authorize(app))
    with story.world.begin() as uow:
        request = find_request(uow, request_id, browser_secret(story))
        assert request is not None
        refuse_request(uow, request)

    answer = story.get(f"/interaction/{request_id}")

    assert screen == "consent"
    assert answer.returned["error"] == "access_denied"
    assert answer.returned["state"] == "xyz"
    assert "consent.denied" in story.event_codes()


def allow(story: Story, request_id: str) -> None:
    with story.world.begin() as uow:
        request = find_request(uow, request_id, browser_secret(story))
        assert request is not None
        note_consent(uow, request, story.people["ada"], request.consent_scopes)


def test_consent_is_asked_once_and_again_for_more(story: Story) -> None:
    app = story.app(consent_required=True)
    story.sign_in()
    request_id, _ = interaction_of(story.authorize(app, scope="openid email"))
    allow(story, request_id)

    assert story.get(f"/interaction/{request_id}").code
    assert story.authorize(app, scope="openid email").code
    assert interaction_of(story.authorize(app, scope="openid phone"))[1] == "consent"
    claims = '{"userinfo": {"phone_number": null}}'
    assert interaction_of(story.authorize(app, claims=claims))[1] == "consent"
    again_id, screen = interaction_of(story.authorize(app, prompt="consent"))
    assert screen == "consent"
    allow(story, again_id)
    assert story.get(f"/interaction/{again_id}").code


def test_prompt_none_answers_without_a_page(story: Story) -> None:
    app = story.app()
    asking = story.app("asking", consent_required=True)

    def error(app: App = app, max_age: str | None = None) -> str | None:
        answer = story.authorize(app, prompt="none", max_age=max_age)
        assert answer.status == 303
        assert answer.location.startswith(CALLBACK)
        return answer.returned.get("error")

    assert error() == "login_required"
    story.sign_in("ada")
    assert error() is None
    assert error(asking) == "consent_required"
    assert error(max_age="0") is None
    story.world.advance(seconds=2)
    assert error(max_age="1") == "login_required"
    story.world.change_credential(story.people["ada"], must_change=True)
    assert error() == "interaction_required"
    story.world.change_user(story.people["ada"], status="inactive")
    assert error() == "login_required"


def test_fresh_proof_is_asked_for_with_login_select_account_and_max_age(story: Story) -> None:
    app = story.app()
    sid = story.sign_in()
    story.world.advance(seconds=5)

    wishes: list[dict[str, Any]] = [
        {"prompt": "login"},
        {"prompt": "select_account"},
        {"max_age": "0"},
    ]
    for params in wishes:
        request_id, screen = interaction_of(story.authorize(app, **params))
        assert screen == "sign-in"
        finish_sign_in(story, request_id, sid)
        assert story.get(f"/interaction/{request_id}").code
    assert story.authorize(app, max_age="60").code


def test_a_client_that_means_one_person_never_gets_another(story: Story) -> None:
    app = story.app()
    story.sign_in("ada")
    hint = story.tokens(app)["id_token"]
    assert story.authorize(app, id_token_hint=hint, prompt="none").code

    sid = story.sign_in("bob")
    none = story.authorize(app, id_token_hint=hint, prompt="none")
    request_id, screen = interaction_of(story.authorize(app, id_token_hint=hint))
    finish_sign_in(story, request_id, sid)
    as_bob = story.get(f"/interaction/{request_id}")
    subject = story.claims(hint)["sub"]
    claims = f'{{"id_token": {{"sub": {{"value": "{subject}"}}}}}}'
    by_claim = story.authorize(app, claims=claims, prompt="none")

    assert none.returned["error"] == "login_required"
    assert screen == "sign-in"
    assert as_bob.returned["error"] == "login_required"
    assert by_claim.returned["error"] == "login_required"


@pytest.mark.parametrize("subject", ["\0", "\ud800", "x" * 300])
def test_a_subject_that_nobody_can_have_is_nobody(story: Story, subject: str) -> None:
    app = story.app()
    claims = json.dumps({"id_token": {"sub": {"value": subject}}})

    assert interaction_of(story.authorize(app, claims=claims))[1] == "sign-in"
    story.sign_in()
    none = story.authorize(app, claims=claims, prompt="none")
    assert none.returned["error"] == "login_required"


def test_a_hint_that_is_not_ours_names_nobody(story: Story) -> None:
    app = story.app()
    other = story.app("web2")
    story.sign_in()
    tokens = story.tokens(app)

    for hint in ("junk", tokens["access_token"], story.tokens(other)["id_token"]):
        for prompt in ("none", " none", "none none"):
            answer = story.authorize(app, id_token_hint=hint, prompt=prompt)
            assert answer.returned["error"] == "login_required"
        assert story.authorize(app, id_token_hint=hint).code


def test_the_hint_may_have_expired(story: Story) -> None:
    app = story.app()
    story.sign_in()
    hint = story.tokens(app)["id_token"]
    story.world.advance(hours=2)

    assert story.authorize(app, id_token_hint=hint, prompt="none").code


def test_hints_reach_the_sign_in_page_and_odd_ones_do_not(story: Story) -> None:
    app = story.app()
    request_id, _ = interaction_of(
        story.authorize(app, login_hint="ada", ui_locales="mi en-NZ x!", acr_values="gold")
    )
    odd_id, _ = interaction_of(story.authorize(app, login_hint="a\nb"))

    with story.world.begin() as uow:
        request = find_request(uow, request_id, browser_secret(story))
        odd = find_request(uow, odd_id, browser_secret(story))

    assert request is not None
    assert odd is not None
    assert request.login_hint == "ada"
    assert request.form_action == "https://web.example"
    assert odd.login_hint is None


def test_a_cross_site_post_is_answered_like_a_get(story: Story) -> None:
    app = story.app()
    story.sign_in()
    foreign = story.new_browser()

    posted = story.send("POST", "/authorize", data=story.question(app, state="p"), browser=foreign)
    answer = story.follow(posted)
    replay = story.follow(posted, browser=foreign)

    assert posted.status == 303
    assert "code" not in posted.returned
    assert answer.returned["state"] == "p"
    assert answer.code
    assert replay.status == 400


def test_a_wrong_post_is_refused_like_a_get(story: Story) -> None:
    app = story.app()

    wrong = story.send("POST", "/authorize", data=story.question(app, scope="nope"))
    as_json = story.send("POST", "/authorize", json=story.question(app))

    assert (wrong.status, wrong.returned["error"]) == (303, "invalid_scope")
    assert as_json.status == 400


NATIVE = [
    ("http://127.0.0.1/cb", "http://127.0.0.1:49152/cb", True),
    ("http://127.0.0.1:8000/cb", "http://127.0.0.1:49152/cb", True),
    ("http://[::1]/cb", "http://[::1]:49152/cb", True),
    ("http://127.0.0.1/cb", "http://127.0.0.1:49152/other", False),
    ("http://127.0.0.1/cb", "http://127.0.0.2:49152/cb", False),
    ("http://127.0.0.1/cb", "http://127.0.0.1:49152@evil.example/cb", False),
    ("http://127.0.0.1/cb", "http://127.0.0.1:49152/cb?x=1", False),
    ("http://localhost:8000/cb", "http://localhost:49152/cb", False),
    ("com.timetrak.mobile:/cb", "com.timetrak.mobile:/cb", True),
    ("com.timetrak.mobile:/cb", "com.timetrak.mobile:/cb2", False),
]


def test_a_native_app_has_its_own_scheme_or_any_port_of_this_machine(story: Story) -> None:
    story.sign_in()

    for number, (registered, asked, is_allowed) in enumerate(NATIVE):
        app = story.app(f"m{number}", application_type="native", redirect_uris=(registered,))
        answer = story.authorize(app, redirect_uri=asked)
        assert (answer.status == 303) == is_allowed, asked
        if is_allowed:
            assert answer.location.startswith(f"{asked}?code=")
            assert story.redeem(app, answer.code, redirect_uri=asked).status == 200


def test_only_a_native_app_has_a_free_port(story: Story) -> None:
    app = story.app(redirect_uris=("http://127.0.0.1:8000/cb",))
    story.sign_in()

    assert story.authorize(app, redirect_uri="http://127.0.0.1:8001/cb").status == 400


def test_a_registered_query_is_kept(story: Story) -> None:
    app = story.app(redirect_uris=("https://web.example/cb?tenant=7",))
    story.sign_in()

    answer = story.authorize(app)

    assert answer.location.startswith("https://web.example/cb?tenant=7&code=")


def test_an_authorization_without_openid_is_plain_oauth(story: Story) -> None:
    app = story.app()
    story.sign_in()

    tokens = story.tokens(app, scope="profile")

    assert "id_token" not in tokens
    assert story.userinfo(tokens["access_token"]).status == 403


def test_no_origin_may_read_the_authorize_endpoint(story: Story) -> None:
    app = story.app("spa", application_type="spa", spa_origins=("https://web.example",))
    query = urlencode(story.question(app))

    answer = story.get(f"/authorize?{query}", headers={"Origin": "https://web.example"})

    assert "Access-Control-Allow-Origin" not in answer.response.headers
