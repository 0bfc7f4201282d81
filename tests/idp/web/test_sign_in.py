"""Signing in on the page: for an app, and for one's own account (catalogue L-15)."""

import re
from urllib.parse import urlencode

import pytest

from idp.ids import new_raw_token
from tests.support.pages import Seen, Visitor, visitor
from tests.support.story import Story, open_story
from tests.support.world import PASSWORD, PORTAL

ORDINARY_HEADERS = {"Date", "X-Request-Id", "Content-Length"}


def test_an_app_gets_its_code_after_the_sign_in(story: Story, person: Visitor) -> None:
    story.person("ada")
    app = story.app(client_name="TimeTrak Professional")

    asked = story.authorize(app, browser=person.browser, login_hint="ada")
    shown = person.open(asked.location)
    sent = person.submit(password=PASSWORD)
    answer = person.go_on().answer

    assert (shown.status, shown.page) == (200, "sign-in")
    assert "to continue to TimeTrak Professional" in shown.text
    assert shown.forms[0].asked == {"username", "password"}
    assert shown.forms[0].carried["username"] == "ada"
    assert sent.status == 303
    assert answer.location.startswith("https://web.example/cb?")
    assert answer.returned["state"] == "xyz"
    assert story.redeem(app, answer.code).status == 200


def test_a_second_app_asks_nothing(story: Story, person: Visitor) -> None:
    story.person("ada")
    person.sign_in("ada", PASSWORD)

    assert story.authorize(story.app("web2"), browser=person.browser).code


def test_without_an_app_one_comes_to_ones_account(story: Story, person: Visitor) -> None:
    story.person("ada", user={"given_name": "Ada"})

    asked_first = person.open("/account")
    account = person.sign_in("ada@example.com", PASSWORD)

    assert asked_first.location.endswith("/sign-in")
    assert (account.status, account.page) == (200, "account")
    assert "Kia ora, Ada" in account.text


def test_each_realm_has_its_own_door(story: Story) -> None:
    story.person("pat", realm=PORTAL)
    at_portal, at_staff = visitor(story, realm=PORTAL), visitor(story)

    assert at_portal.sign_in("pat", PASSWORD).page == "account"
    assert at_staff.sign_in("pat", PASSWORD).status == 401
    at_portal.realm = at_staff.realm
    assert at_portal.open("/account").location.endswith("/realms/staff/sign-in")


def test_a_refused_sign_in_keeps_the_name_and_says_incorrect(story: Story, person: Visitor) -> None:
    story.person("ada")
    seen = person.sign_in("Ada", "wrong")

    assert (seen.status, seen.page) == (401, "sign-in")
    assert "incorrect" in seen.text
    assert seen.forms[0].carried["username"] == "Ada"
    assert "wrong" not in seen.answer.text
    assert person.cookie("session") is None


def test_prompt_login_asks_again_and_returns_to_the_same_request(
    story: Story, person: Visitor
) -> None:
    story.person("ada")
    app = story.app()
    person.sign_in("ada", PASSWORD)
    story.world.advance(minutes=5)

    asked = story.authorize(app, browser=person.browser, prompt="login")
    person.open(asked.location)
    person.submit(username="ada", password=PASSWORD)
    answer = person.go_on().answer

    claims = story.claims(story.redeem(app, answer.code).json["id_token"])
    assert claims["auth_time"] == int(story.world.clock.now().timestamp())


# --- L-06: nobody learns who has an account


def told(seen: Seen, name: str) -> tuple[object, ...]:
    """Return everything a stranger can compare, without what differs by nature."""
    response = seen.answer.response
    token = seen.forms[0].carried["csrf_token"]
    body = seen.answer.text.replace(token, "TOKEN").replace(f'value="{name}"', "NAME")
    headers = [(k, v) for k, v in response.headers if k not in ORDINARY_HEADERS]
    return seen.status, body, headers, seen.location


def people_of_every_kind(story: Story) -> dict[str, str]:
    """Return names with the password that a stranger tries on each."""
    now = story.world.clock.now()
    story.person("ada")
    story.person("disabled", user={"status": "inactive"})
    story.person("locked", user={"locked_at": now})
    story.person("starter", password=None)
    story.person("mustchange", credential={"must_change": True})
    story.person("stopped", credential={"blocked_at": now})
    story.person("pat", realm=PORTAL)
    right = {"disabled": PASSWORD, "locked": PASSWORD, "stopped": PASSWORD, "pat": PASSWORD}
    wrong = dict.fromkeys(("ada", "nobody", "starter", "mustchange"), "guess")
    return wrong | right


def test_every_refusal_looks_the_same(story: Story) -> None:
    answers = {}
    for name, password in people_of_every_kind(story).items():
        stranger = visitor(story)
        stranger.open("/sign-in")
        answers[name] = told(stranger.submit(username=name, password=password), name)

    assert len(set(map(repr, answers.values()))) == 1
    assert answers["nobody"][0] == 401


def test_throttled_answers_look_the_same_too(database_url: str) -> None:
    limits = {"limits": {"sign_in_per_account": "2/PT15M"}}
    with open_story(database_url, settings=limits) as story:
        answers = {}
        for name, password in people_of_every_kind(story).items():
            stranger = visitor(story)
            for _ in range(2):
                stranger.open("/sign-in")
                stranger.submit(username=name, password=password)
            stranger.open("/sign-in")
            answers[name] = told(stranger.submit(username=name, password=password), name)
        ada = visitor(story)
        ada.open("/sign-in")
        right = ada.submit(username="ada", password=PASSWORD)

    assert len(set(map(repr, answers.values()))) == 1
    assert answers["nobody"][0] == 429
    assert told(right, "ada") == answers["ada"]
    assert "incorrect" in right.text
    assert "wait 15 minutes" in right.text
    assert right.answer.response.headers["Retry-After"] == "900"


def test_a_temporary_password_that_is_over_is_told_only_to_who_knows_it(
    story: Story, person: Visitor
) -> None:
    until = story.world.clock.now()
    story.person("ada", credential={"must_change": True, "temporary_until": until})
    story.world.advance(seconds=1)

    knows = person.sign_in("ada", PASSWORD)
    guesses = visitor(story).sign_in("ada", "guess")

    assert knows.status == guesses.status == 401
    assert "Reset your password" in knows.text
    assert "temporary" in knows.text
    assert "temporary" not in guesses.text
    assert person.cookie("session") is None


# --- L-01: a new session id at every step; old ones are anonymous


def test_a_planted_session_cookie_is_worth_nothing(story: Story, person: Visitor) -> None:
    story.person("ada")
    planted = new_raw_token()
    person.set_cookie("session", planted)
    person.sign_in("ada", PASSWORD)

    assert person.cookie("session") != planted
    assert is_anonymous(story, planted)


def test_somebody_elses_session_is_not_taken_over(story: Story, person: Visitor) -> None:
    story.person("ada")
    story.person("mallory")
    mallory = visitor(story)
    mallory.sign_in("mallory", PASSWORD)
    planted = mallory.cookie("session")
    assert planted is not None
    person.set_cookie("session", planted)

    account = person.sign_in("ada", PASSWORD)

    assert "ada" in account.text
    assert is_anonymous(story, planted)


def test_signing_in_again_and_changing_the_password_change_the_session_id(
    story: Story, person: Visitor
) -> None:
    story.person("ada")
    person.sign_in("ada", PASSWORD)
    first = person.cookie("session")
    person.sign_in("ada", PASSWORD)
    second = person.cookie("session")
    person.open("/account/password")
    changed = person.submit(
        current_password=PASSWORD, new_password="a new long one", confirm_password="a new long one"
    )
    third = person.cookie("session")

    assert changed.status == 303
    assert len({first, second, third}) == 3
    assert person.open("/account").status == 200
    for old in (first, second):
        assert old is not None
        assert is_anonymous(story, old)


def is_anonymous(story: Story, session: str) -> bool:
    stranger = visitor(story)
    stranger.set_cookie("session", session)
    return stranger.open("/account").location.endswith("/sign-in")


# --- what cannot be a form


@pytest.mark.parametrize("name", ["ada", "nobody"])
def test_an_absurd_password_is_refused_before_anything_is_hashed(
    story: Story, person: Visitor, name: str
) -> None:
    story.person("ada")
    hashed: list[str] = []
    story.world.runtime.hasher = _Counting(hashed)
    person.open("/sign-in")

    too_long = person.submit(username=name, password="x" * 4097)
    person.open("/sign-in")
    far_too_long = person.submit(username=name, password="x" * 1_000_000)

    assert (too_long.status, far_too_long.status) == (413, 413)
    assert too_long.page == "sign-in"
    assert far_too_long.page == "error"
    assert hashed == []
    assert "user.sign_in_refused" not in story.event_codes()


class _Counting:
    """A hasher far away: nobody may ask it for anything."""

    def __init__(self, asked: list[str]) -> None:
        self._asked = asked

    def hash(self, _password: str) -> str:
        self._asked.append("hash")
        return ""

    def verify(self, _stored: str, _password: str) -> bool:
        self._asked.append("verify")
        return False

    def verify_nothing(self, _password: str) -> None:
        self._asked.append("verify_nothing")

    def needs_rehash(self, _stored: str) -> bool:
        return False

    def accepts_import(self, _stored: str) -> bool:
        return False


def test_what_is_typed_and_what_is_registered_is_shown_as_text(
    story: Story, person: Visitor
) -> None:
    payload = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    app = story.app(client_name=payload)
    asked = story.authorize(app, browser=person.browser, login_hint=payload, state=payload)
    shown = person.open(asked.location)
    refused = person.submit(username=payload, password="x")

    for seen in (shown, refused):
        assert not re.search(r"<script>|<img src=x|\"'>", seen.answer.text)
    assert refused.forms[0].carried["username"] == payload


@pytest.mark.parametrize(
    "evil",
    [
        "//evil.example",
        "///evil.example",
        "\\\\evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "/\r\nX: 1",
        "https://evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "@evil.example",
        ".evil.example",
        "http://localhost:8080@evil.example",
        "/\N{FULLWIDTH SOLIDUS}evil.example",
    ],
)
def test_no_page_takes_an_address_to_go_on_to(story: Story, person: Visitor, evil: str) -> None:
    story.person("ada")
    names = ("next", "return", "return_to", "redirect_uri", "url", "continue")
    wishes = dict.fromkeys(names, evil)

    person.open(f"/sign-in?{urlencode(wishes)}")
    sent = person.submit(username="ada", password=PASSWORD, **wishes)

    assert sent.location == "http://localhost:8080/realms/staff/account"
