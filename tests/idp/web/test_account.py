"""A person's own pages: the voluntary change, where one is signed in, security (L-05)."""

import pytest

from idp.store.sessions import SessionRow
from tests.support.pages import Visitor, visitor
from tests.support.story import Story, open_story
from tests.support.world import PASSWORD

NEW = "another long password"
WINDOWS_FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Firefox/132.0"
AN_IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like"
    " Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
)


@pytest.fixture
def ada(story: Story, person: Visitor) -> Visitor:
    """Give somebody at the account page."""
    story.person("ada")
    person.sign_in("ada", PASSWORD)
    return person


def signed_in_with(story: Story, user_agent: str, name: str = "ada") -> Visitor:
    """Return somebody who signed in with another browser."""
    other = visitor(story)
    other.user_agent = user_agent
    other.sign_in(name, PASSWORD)
    return other


@pytest.mark.parametrize(
    "path",
    ["/account", "/account/password", "/account/sessions", "/account/security"],
)
def test_nobody_sees_an_account_without_signing_in(person: Visitor, path: str) -> None:
    seen = person.open(path)

    assert seen.status == 303
    assert seen.location.endswith("/realms/staff/sign-in")


def test_the_account_leads_to_its_other_pages(ada: Visitor) -> None:
    seen = ada.open("/account")

    for path in ("password", "sessions", "security"):
        assert f'href="http://localhost:8080/realms/staff/account/{path}"' in seen.answer.text
    assert 'href="http://localhost:8080/realms/staff/logout"' in seen.answer.text


# --- the voluntary change


def test_one_may_change_ones_password(story: Story, ada: Visitor) -> None:
    elsewhere = signed_in_with(story, AN_IPHONE)
    story.world.advance(minutes=5)
    shown = ada.open("/account/password")
    changed = ada.submit(current_password=PASSWORD, new_password=NEW, confirm_password=NEW)

    assert (shown.status, shown.page) == (200, "change-password")
    assert "Why you are asked" not in shown.text
    assert changed.status == 303
    assert "Chosen 02 Nov 2026, 09:05 UTC" in ada.go_on().text
    assert elsewhere.open("/account").location.endswith("/sign-in")
    assert visitor(story).sign_in("ada", PASSWORD).status == 401
    assert visitor(story).sign_in("ada", NEW).page == "account"


def test_the_current_password_is_required(story: Story, ada: Visitor) -> None:
    for current in ("", "a guess"):
        ada.open("/account/password")
        seen = ada.submit(current_password=current, new_password=NEW, confirm_password=NEW)
        assert seen.status == 401
        assert "incorrect" in seen.text

    assert visitor(story).sign_in("ada", PASSWORD).page == "account"


def test_the_current_password_is_refused_as_the_new_one(ada: Visitor) -> None:
    ada.open("/account/password")
    seen = ada.submit(current_password=PASSWORD, new_password=PASSWORD, confirm_password=PASSWORD)

    assert seen.status == 422
    assert "the password you have now" in seen.text


def test_history_cannot_be_flushed_in_an_afternoon(story: Story, ada: Visitor) -> None:
    rules = {"length": {"min": 8}, "differs_from_current": {}, "history": {"last": 5}}
    story.world.publish_policy({"enforcement": "noncompliant", "rules": rules})
    current, statuses = PASSWORD, []
    for number in range(11):
        ada.open("/account/password")
        new = f"password number {number}"
        seen = ada.submit(current_password=current, new_password=new, confirm_password=new)
        statuses.append(seen.status)
        current = new

    assert statuses == [303] * 10 + [429]
    assert ada.seen is not None
    assert "too many tries" in ada.seen.text


# --- where one is signed in


def test_sessions_are_listed_with_what_a_person_knows_them_by(story: Story, ada: Visitor) -> None:
    signed_in_with(story, WINDOWS_FIREFOX)
    phone = signed_in_with(story, AN_IPHONE)
    answer = story.authorize(story.app(client_name="TimeTrak Mobile"), browser=phone.browser)
    story.redeem(story.apps["web"], answer.code)

    seen = ada.open("/account/sessions")

    assert "Firefox on Windows" in seen.text
    assert "Safari on iPhone" in seen.text
    assert "TimeTrak Mobile" in seen.text
    assert seen.text.count("This browser") == 1
    assert "Address 127.0.0.1" in seen.text


def test_ending_one_session_ends_what_was_given_under_it(story: Story, ada: Visitor) -> None:
    phone = signed_in_with(story, AN_IPHONE)
    app = story.app(client_name="TimeTrak Mobile")
    answer = story.authorize(app, browser=phone.browser, scope="openid offline_access")
    tokens = story.redeem(app, answer.code).json

    ada.open("/account/sessions")
    ended = ada.submit(0)

    assert ended.status == 303
    assert phone.open("/account").location.endswith("/sign-in")
    assert story.refresh(app, tokens["refresh_token"]).error == "invalid_grant"
    assert ada.go_on().text.count("Signed in") == 1
    assert "session.ended" in story.event_codes()


def test_ending_all_others_keeps_this_one(story: Story, ada: Visitor) -> None:
    others = [signed_in_with(story, WINDOWS_FIREFOX) for _ in range(3)]
    page = ada.open("/account/sessions")
    ada.submit(len(page.forms) - 1)

    assert ada.go_on().status == 200
    assert all(other.open("/account").location.endswith("/sign-in") for other in others)


def test_another_users_session_cannot_be_ended(story: Story, ada: Visitor) -> None:
    story.person("bob")
    bob = signed_in_with(story, WINDOWS_FIREFOX, "bob")
    signed_in_with(story, AN_IPHONE)
    with story.world.begin(write=False) as uow:
        rows = uow.db.query(SessionRow).filter_by(user_id=story.people["bob"])
        bobs = rows.one().id

    ada.open("/account/sessions")
    seen = ada.submit(0, session_id=bobs)

    assert seen.status == 303
    assert bob.open("/account").status == 200
    for odd in ("", "none", "x" * 5000):
        ada.open("/account/sessions")
        assert ada.submit(0, session_id=odd).status == 303


def test_a_session_ends_by_itself(story: Story, ada: Visitor) -> None:
    story.world.advance(hours=7, minutes=59)
    assert ada.open("/account").status == 200
    story.world.advance(hours=7, minutes=59)
    assert ada.open("/account").status == 200
    story.world.advance(hours=8, minutes=1)
    assert ada.open("/account").location.endswith("/sign-in")


def test_a_session_ends_after_a_week_however_often_it_is_used(story: Story, ada: Visitor) -> None:
    for _ in range(23):
        story.world.advance(hours=7)
        assert ada.open("/account").status == 200
    story.world.advance(hours=6, minutes=59)
    assert ada.open("/account").status == 200

    story.world.advance(minutes=2)

    assert ada.open("/account").location.endswith("/sign-in")


def test_looking_takes_no_write_lock(story: Story, ada: Visitor) -> None:
    pages = ("/account", "/account/password", "/account/sessions", "/account/security")
    with story.world.begin():
        statuses = [ada.open(path).status for path in (*pages, "/sign-in", "/forgot-password")]

    assert set(statuses) == {200}


# --- security


def test_known_browsers_are_counted_and_forgotten(story: Story, ada: Visitor) -> None:
    signed_in_with(story, AN_IPHONE)
    before = ada.open("/account/security")
    ada.submit(0)
    after = ada.go_on()

    assert (before.status, before.page) == (200, "account")
    assert "Known browsers 2" in before.text
    assert "Chosen 02 Nov 2026" in before.text
    assert "Known browsers 0" in after.text
    assert not ada.cookie("device")


def test_an_allowed_app_is_shown_and_taken_back(story: Story, ada: Visitor) -> None:
    app = story.app(client_name="Elsewhere", consent_required=True)
    asked = story.authorize(app, browser=ada.browser, scope="openid email offline_access")
    ada.open(asked.location)
    ada.submit(decision="allow")
    tokens = story.redeem(app, ada.go_on().answer.code).json

    page = ada.open("/account/security")
    taken = ada.submit(len(page.forms) - 1)

    assert "Elsewhere" in page.text
    assert "Your email address" in page.text
    assert taken.status == 303
    assert "Elsewhere" not in ada.go_on().text
    assert story.refresh(app, tokens["refresh_token"]).error == "invalid_grant"
    ada.seen = page
    assert ada.submit(len(page.forms) - 1).status == 303  # in another window, too late


def test_a_password_that_ends_soon_is_announced(database_url: str) -> None:
    policy = {
        "enforcement": "everyone",
        "rules": {"length": {"min": 8}, "max_age": {"days": 90, "warn_days": 14}},
    }
    with open_story(database_url, policy=policy) as story:
        story.person("ada")
        story.world.advance(days=80)
        person = visitor(story)

        assert "expires in 10 days" in person.sign_in("ada", PASSWORD).text
        story.world.advance(days=11)
        assert "older than 90 days" in person.sign_in("ada", PASSWORD).text


# --- what was asked, and what will be


LONGER = {"length": {"min": 30, "max": 256}}


def publish(story: Story, enforcement: str = "everyone", **more: object) -> None:
    document = {"enforcement": enforcement, "rules": LONGER, **more}
    story.world.publish_policy(document)


@pytest.mark.parametrize("path", ["/account", "/account/sessions", "/account/security"])
@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"grace": "P7D"}, "By 9 November 2026 you will be asked to choose another password"),
        ({"grace": "PT12H"}, "By 02 Nov 2026, 21:00 UTC you will be asked to choose another"),
        (
            {"grace": "P7D", "enforcement": "noncompliant"},
            "By 9 November 2026 you will be asked to sign in again, to check your password",
        ),
        ({"waves": {"percent": 1, "deadline": "P9D"}}, "By 11 November 2026 you will be asked"),
    ],
)
def test_a_banner_tells_what_will_be_asked(
    story: Story, ada: Visitor, path: str, more: dict[str, object], says: str
) -> None:
    publish(story, **more)  # type: ignore[arg-type]  # the enforcement may be among them

    seen = ada.open(path)

    assert says in seen.text
    assert "because the minimum length was raised to 30 characters." in seen.text
    assert 'class="go" href="http://localhost:8080/realms/staff/account/password"' in (
        seen.answer.text
    )


@pytest.mark.parametrize("enforcement", ["observe", "never"])
def test_what_nobody_will_ask_is_not_shown(story: Story, ada: Visitor, enforcement: str) -> None:
    publish(story, enforcement)
    app = story.app()
    story.authorize(app, browser=ada.browser)

    for path in ("/account", "/account/sessions", "/account/security"):
        seen = ada.open(path)
        assert seen.status == 200
        assert "you will be asked" not in seen.text
        assert "Change your password now" not in seen.text
    assert "No app has stopped you lately." in ada.open("/account/security").text


def test_the_banner_goes_with_the_change(story: Story, ada: Visitor) -> None:
    publish(story, grace="P7D")
    ada.open("/account/password")
    new = "a password of more than thirty letters"
    ada.submit(current_password=PASSWORD, new_password=new, confirm_password=new)

    assert "you will be asked" not in ada.go_on().text


def test_one_reads_why_one_was_asked(story: Story, ada: Visitor) -> None:
    app = story.app(client_name="TimeTrak <Mobile>")
    publish(story, grace="P1D")
    story.authorize(app, browser=ada.browser, prompt="none")
    story.world.advance(days=1)
    other = signed_in_with(story, AN_IPHONE)
    for _ in range(3):
        story.authorize(app, browser=other.browser, prompt="none")
    story.world.advance(minutes=5)
    other.open("/account/password")
    new = "a password of more than thirty letters"
    other.submit(current_password=PASSWORD, new_password=new, confirm_password=new)

    seen = other.open("/account/security")

    assert (
        "On 3 November 2026 TimeTrak <Mobile> asked you to choose another password, "
        "because the minimum length was raised to 30 characters." in seen.text
    )
    assert "3 times that day" in seen.text
    assert seen.text.count("asked you") == 1
    assert "version" not in seen.text


def test_only_the_last_ten_are_shown(story: Story, ada: Visitor) -> None:
    apps = [story.app(f"app-{number}", client_name=f"App {number:02}") for number in range(12)]
    publish(story)
    for app in apps:
        story.world.advance(seconds=1)
        story.authorize(app, browser=ada.browser, prompt="none")
    story.world.change_credential(story.people["ada"], judged_under=2)

    seen = ada.open("/account/security")

    assert seen.text.count("asked you to choose another password") == 10
    assert "App 11" in seen.text
    assert "App 01" not in seen.text
