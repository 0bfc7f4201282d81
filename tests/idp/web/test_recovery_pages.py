"""A forgotten password, at the pages: asked for, and chosen with the link or the typed code."""

import re

import pytest

from idp.core.reset_links import MailToSend
from idp.jobs.mail import render
from idp.store.recovery import RecoveryRequestRow
from tests.support.pages import Seen, Visitor, visitor
from tests.support.story import Story, open_story
from tests.support.world import PASSWORD, PUBLIC_URL

NEW = "a different long sentence"
_LINK = re.compile(r"\S+/reset-password/\S+")
_CODE = re.compile(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}\b")


def mails(story: Story) -> list[str]:
    """Return the text of every mail that waits to be sent."""
    return [
        render(MailToSend(mail["to"], mail["template"], mail["context"]))[1]
        for mail in story.world.outbox()
    ]


def ask(person: Visitor, email: str = "ada@example.com") -> Seen:
    """Ask for a way back in."""
    person.open("/forgot-password")
    return person.submit(email=email)


def link_of(story: Story, number: int = -1) -> str:
    """Return the link in a mail."""
    found = _LINK.search(mails(story)[number])
    assert found is not None
    return found[0]


def code_of(story: Story, number: int = -1) -> str:
    """Return the code in a mail."""
    found = _CODE.search(mails(story)[number])
    assert found is not None
    return found[0]


def choose(person: Visitor, new: str = NEW, **other: str) -> Seen:
    """Fill in the form for a new password."""
    return person.submit(**{"new_password": new, "confirm_password": new, **other})


@pytest.fixture
def ada(story: Story, person: Visitor) -> Visitor:
    """Give somebody who forgot the password."""
    story.person("ada")
    return person


def test_with_the_link_one_chooses_a_new_password_and_signs_in_with_it(
    story: Story, ada: Visitor
) -> None:
    asked = ask(ada)
    form = visitor(story)  # opened elsewhere: on the phone that has the mail
    form.open(link_of(story))
    shown = form.go_on()
    done = choose(form)

    assert (asked.status, asked.page) == (200, "forgot-password")
    assert "It works for 30 minutes" in asked.text
    assert (shown.status, shown.page) == (200, "reset-password")
    assert "for ada" in shown.text
    assert (done.status, done.page) == (200, "reset-password")
    assert "Your new password is set" in done.text
    assert form.sign_in("ada", NEW).page == "account"
    assert visitor(story).sign_in("ada", PASSWORD).status == 401
    assert story.world.outbox()[-1]["template"] == "password_changed"


def test_with_the_code_one_chooses_it_in_the_browser_that_asked(story: Story, ada: Visitor) -> None:
    ask(ada)
    typed = ada.submit(code=f" {code_of(story).lower()} ")
    shown = ada.go_on()
    done = choose(ada)

    assert typed.status == 303
    assert "for ada" in shown.text
    assert "Your new password is set" in done.text
    assert visitor(story).sign_in("ada", NEW).page == "account"


def test_the_code_may_be_typed_together_with_the_new_password(story: Story, ada: Visitor) -> None:
    ask(ada)
    form = ada.open("/reset-password")
    done = choose(ada, code=code_of(story))

    assert form.forms[0].asked == {"code", "new_password", "confirm_password"}
    assert "Your new password is set" in done.text


def test_a_wrong_code_is_refused_and_the_link_lives_on(story: Story, ada: Visitor) -> None:
    ask(ada)
    code, link = code_of(story), link_of(story)
    wrong = "0" * 8 if code != "0000-0000" else "1" * 8
    refused = ada.submit(code=wrong)
    for _ in range(5):
        ada.submit(code=wrong)
    burnt = ada.submit(code=code)

    assert (refused.status, refused.page) == (401, "forgot-password")
    assert "does not work" in refused.text
    assert burnt.status == 401
    ada.open(link)
    assert ada.go_on().page == "reset-password"


def test_a_code_works_in_no_other_browser(story: Story, ada: Visitor) -> None:
    ask(ada)
    other = visitor(story)
    ask(other, "nobody@example.com")

    assert other.submit(code=code_of(story)).status == 401


def test_a_password_that_the_policy_refuses_spends_nothing(story: Story, ada: Visitor) -> None:
    ask(ada)
    ada.open(link_of(story))
    ada.go_on()
    short = choose(ada, "short")
    unlike = choose(ada, confirm_password="not the same at all")
    huge = choose(ada, "x" * 5000)
    done = choose(ada)

    assert [short.status, unlike.status, huge.status, done.status] == [422, 422, 413, 200]
    assert "at least 8 characters" in short.text
    assert "not the same" in unlike.text


def test_several_accounts_of_one_address_get_one_mail_with_a_link_each(
    story: Story, ada: Visitor
) -> None:
    story.person("ada.admin", user={"email": "ada@example.com", "email_key": "ada@example.com"})
    ask(ada)
    (mail,) = mails(story)
    links = _LINK.findall(mail)

    assert len(links) == len(set(links)) == 2
    ada.open(links[1])
    assert "for ada.admin" in ada.go_on().text


# --- the same answer for everybody


def test_asking_tells_nobody_whether_there_is_an_account(story: Story) -> None:
    story.person("ada")
    story.person("disabled", user={"status": "inactive"})
    story.person("locked", user={"locked_at": story.world.clock.now()})
    answers = set()
    for name in ("ada", "disabled", "locked", "nobody"):
        stranger = visitor(story)
        seen = ask(stranger, f"{name}@example.com")
        body = seen.answer.text.replace(f"{name}@example.com", "ADDRESS")
        token = seen.forms[0].carried["csrf_token"]
        headers = [h for h in seen.answer.response.headers if h[0] not in {"X-Request-Id", "Date"}]
        sizes = [h for h in headers if h[0] != "Content-Length"]
        answers.add(repr((seen.status, body.replace(token, "TOKEN"), sizes)))

    assert len(answers) == 1
    assert len(mails(story)) == 1


@pytest.mark.parametrize("email", ["", "ada", "a@b@c", "x" * 4000, "ada@example.com\r\nBcc: x@y"])
def test_what_is_no_address_gets_the_same_answer(story: Story, ada: Visitor, email: str) -> None:
    seen = ask(ada, email)

    assert (seen.status, seen.page) == (200, "forgot-password")
    assert mails(story) == []


# --- links come from the configuration alone


POISON = (
    {"X-Forwarded-Host": "evil.example"},
    {"X-Forwarded-Proto": "https", "X-Forwarded-Port": "444"},
    {"X-Forwarded-Prefix": "/evil", "X-Forwarded-Server": "evil.example"},
    {"Forwarded": "host=evil.example;proto=https"},
    {"X-Original-Host": "evil.example", "X-HTTP-Host-Override": "evil.example"},
    {"X-Original-URL": "/evil", "X-Rewrite-URL": "/evil"},
    {"Referer": "https://evil.example/"},
)


@pytest.mark.parametrize("proxies", [(), ("127.0.0.0/8",)], ids=["no proxy", "a proxy"])
def test_no_header_moves_a_link(database_url: str, proxies: tuple[str, ...]) -> None:
    settings = {
        "server": {"public_url": PUBLIC_URL, "trusted_proxies": list(proxies)},
        "limits": {"reset_per_account": "off"},
    }
    with open_story(database_url, settings=settings) as story:
        story.person("ada")
        person = visitor(story)
        page = person.open("/forgot-password")
        form = {**page.forms[0].carried, "email": "ada@example.com"}
        for headers in POISON:
            sent = person.send("POST", "/forgot-password", data=form, headers=headers)
            assert sent.status == 200
            assert "evil.example" not in sent.answer.text
        written = mails(story)

    assert len(written) == len(POISON)
    for mail in written:
        assert _LINK.findall(mail)[0].startswith(f"{PUBLIC_URL}/realms/staff/reset-password/")
        assert "evil.example" not in mail


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost:8080.evil.example", "localhost:evil", "localhost", ""]
)
def test_an_unknown_host_is_refused_without_side_effects(
    story: Story, ada: Visitor, host: str
) -> None:
    page = ada.open("/forgot-password")
    form = {**page.forms[0].carried, "email": "ada@example.com"}
    sent = ada.send("POST", "/forgot-password", data=form, headers={"Host": host})

    assert sent.status in {400, 421}
    assert mails(story) == []
    assert "password.reset_requested" not in story.event_codes()


# --- scanners, replay


def test_looking_never_spends_a_link_and_the_first_post_wins(story: Story, ada: Visitor) -> None:
    ask(ada)
    link = link_of(story)
    scanner = visitor(story)
    scanner.send("HEAD", link)
    for _ in range(3):
        visitor(story).open(link)
        scanner.open(link)
        scanner.go_on()
    first, second = visitor(story), visitor(story)
    for one in (first, second):
        one.open(link)
        one.go_on()

    assert "is set" in choose(first).text
    late = choose(second, "yet another sentence")
    reopened = visitor(story)
    reopened.open(link)

    assert (late.status, late.page) == (400, "error")
    assert "no longer works" in late.text
    assert reopened.go_on().status == 400
    assert visitor(story).sign_in("ada", NEW).page == "account"


@pytest.mark.parametrize(("seconds", "status"), [(-2, 200), (2, 400)])
def test_a_link_lives_as_long_as_the_page_says(
    story: Story, ada: Visitor, seconds: int, status: int
) -> None:
    ask(ada)
    ada.open(link_of(story))
    ada.go_on()
    story.world.advance(minutes=30, seconds=seconds)

    assert choose(ada).status == status


@pytest.mark.parametrize("token", ["x", "%00", "a%20b", "a" * 43, "<script>", "x" * 4000])
def test_a_link_that_never_was_is_refused(ada: Visitor, token: str) -> None:
    ada.open(f"/reset-password/{token}")
    seen = ada.go_on()

    assert (seen.status, seen.page) == (400, "error")
    assert "Ask for a new link" in seen.text
    assert not ada.cookie("link")


# --- a reset signs nobody in, and every check applies afterwards


def test_a_reset_signs_nobody_in(story: Story, ada: Visitor) -> None:
    ask(ada)
    ada.open(link_of(story))
    ada.go_on()
    done = choose(ada)
    cookies = " ".join(done.answer.response.headers.getlist("Set-Cookie"))

    assert "-session=" not in cookies
    assert ada.cookie("session") is None
    assert ada.open("/account").location.endswith("/sign-in")


def test_a_reset_ends_every_session(story: Story, ada: Visitor) -> None:
    elsewhere = visitor(story)
    elsewhere.sign_in("ada", PASSWORD)
    ask(ada)
    ada.open(link_of(story))
    ada.go_on()
    choose(ada)

    assert elsewhere.open("/account").location.endswith("/sign-in")


def test_a_reset_clears_no_lock_and_opens_no_closed_account(story: Story, ada: Visitor) -> None:
    ask(ada)
    link = link_of(story)
    story.world.change_user(story.people["ada"], status="inactive")
    ada.open(link)

    assert ada.go_on().status == 400
    assert story.world.count(RecoveryRequestRow) == 1


def test_policy_that_got_stricter_since_applies_to_the_reset_and_after_it(
    story: Story, ada: Visitor
) -> None:
    ask(ada)
    rules = {"length": {"min": 20}, "differs_from_current": {}}
    story.world.publish_policy({"enforcement": "everyone", "rules": rules})
    ada.open(link_of(story))
    shown = ada.go_on()
    short = choose(ada, "nineteen characters")
    choose(ada, "now it is long enough for it")
    story.world.publish_policy({"enforcement": "everyone", "rules": {"length": {"min": 64}}})

    assert "At least 20 characters" in shown.text
    assert short.status == 422
    after = visitor(story).sign_in("ada", "now it is long enough for it")
    assert after.page == "change-password"


# --- the token stays between the mail and the server


def test_the_token_leaves_the_address_at_once_and_stands_on_no_page(
    story: Story, ada: Visitor
) -> None:
    ask(ada)
    link = link_of(story)
    token = link.rpartition("/")[2]
    moved = ada.open(link)
    shown = ada.go_on()

    assert moved.status == 303
    assert moved.location == f"{PUBLIC_URL}/realms/staff/reset-password"
    assert token not in moved.answer.text
    assert token not in shown.answer.text
    for seen in (moved, shown):
        headers = seen.answer.response.headers
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
    assert ada.cookie("link") == token
    assert re.findall(r'(?:src|href|action)="(?!http://localhost:8080/|/)', shown.answer.text) == []
    done = choose(ada)
    assert done.answer.response.headers["Referrer-Policy"] == "no-referrer"
    assert not ada.cookie("link")
