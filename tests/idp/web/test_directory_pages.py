"""What somebody of a directory sees: signing in, and another password (catalogue F-15, R-15)."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from idp.clock import FakeClock
from idp.ids import UserId
from idp.store.users import UNUSABLE
from tests.support.directories import PASSWORD
from tests.support.directory_world import CORP, WHERE, Directory, add_entry
from tests.support.ldap_proxy import Request
from tests.support.pages import Seen, Visitor, visitor
from tests.support.story import Story, open_story

NEW = "seven wooden boats at noon"
WRITES = {Request.MODIFY, Request.EXTENDED}


@dataclass
class Company:
    """A product with a directory, and the person of it that a test is about."""

    story: Story
    directory: Directory
    dn: str = ""
    login: str = ""
    user_id: UserId = field(default_factory=lambda: UserId(""))

    def hire(self, *, must_change: bool = False, policy: str | None = None) -> Visitor:
        """Let somebody new be in the directory and have an account; they sit at a browser."""
        ruled = {} if policy is None else self.directory.ruled_by(policy)
        self.dn, self.login = self.directory.person(**ruled)
        if must_change:
            self.directory.ask_for_change(self.dn)
        self.user_id = self.story.people[self.login] = add_entry(self.story.world, self.login)
        return visitor(self.story)

    def writes(self) -> int:
        """Return how often the directory was asked to change something."""
        return sum(request in WRITES for request in self.directory.proxy.requests)

    def change(self, person: Visitor, current: str = PASSWORD, new: str = NEW) -> Seen:
        """Fill in the change form that a browser shows."""
        return person.submit(current_password=current, new_password=new, confirm_password=new)


Open = Callable[..., Company]


@pytest.fixture
def open_company(database_url: str, clock: FakeClock, directory: Directory) -> Iterator[Open]:
    """Give a way to open a product with some settings of its directory."""
    with ExitStack() as opened:

        def open_one(**own: Any) -> Company:  # noqa: ANN401 - keys of the section
            settings = directory.settings(**own)
            story = opened.enter_context(open_story(database_url, clock=clock, settings=settings))
            opened.callback(story.world.runtime.directories.source(CORP).close)
            return Company(story, directory)

        yield open_one


@pytest.fixture
def reading(open_company: Open) -> Company:
    """Give one that only reads."""
    return open_company()


@pytest.fixture
def writing(open_company: Open) -> Company:
    """Give one that may write passwords back."""
    return open_company(write_back=True)


class TestSigningIn:
    def test_it_looks_like_any(self, reading: Company) -> None:
        person = reading.hire()

        assert person.sign_in(reading.login, PASSWORD).page == "account"

    def test_d_06_an_outage_is_told_clearly_with_the_form_to_try_again(
        self, reading: Company
    ) -> None:
        person = reading.hire()
        reading.directory.go_down()

        seen = person.sign_in(reading.login, PASSWORD)

        assert (seen.status, seen.page) == (503, "sign-in")
        assert "directory does not answer" in seen.text
        assert "incorrect" not in seen.text
        assert seen.answer.response.headers["Retry-After"] == "5"
        assert seen.forms[0].carried["username"] == reading.login
        assert person.cookie("session") is None

    def test_an_outage_looks_the_same_for_a_name_that_nobody_has(self, reading: Company) -> None:
        person = reading.hire()
        reading.directory.go_down()
        told = person.sign_in(reading.login, PASSWORD)

        ghost = visitor(reading.story).sign_in("ghost", PASSWORD)

        assert (ghost.status, ghost.text) == (told.status, told.text)


class TestWithoutWriteBack:
    def test_f_15_whoever_must_change_gets_no_token_and_is_told_where(
        self, reading: Company
    ) -> None:
        person = reading.hire(must_change=True)
        app = reading.story.app()
        person.open(reading.story.authorize(app, browser=person.browser).location)
        person.submit(username=reading.login, password=PASSWORD)

        seen = person.go_on()

        assert (seen.status, seen.page, seen.forms) == (200, "change-password", [])
        assert WHERE in seen.answer.text
        assert "The company directory asks for a new password." in seen.text
        silent = reading.story.authorize(app, browser=person.browser, prompt="none")
        assert silent.returned["error"] == "interaction_required"
        assert reading.writes() == 0

    def test_f_15_there_is_no_loop(self, reading: Company) -> None:
        person = reading.hire(must_change=True)
        app = reading.story.app()
        person.open(reading.story.authorize(app, browser=person.browser).location)
        person.submit(username=reading.login, password=PASSWORD)
        stopped = person.go_on()

        reading.directory.set_password(reading.dn, NEW)
        reading.directory.server.change(reading.dn, "delete: pwdReset")
        again = stopped.answer.text.partition('class="button" href="')[2].partition('"')[0]
        person.open(again)
        person.submit(username=reading.login, password=NEW)

        assert reading.story.redeem(app, person.go_on().answer.code).status == 200

    def test_nothing_can_be_sent_there(self, reading: Company) -> None:
        person = reading.hire()
        person.sign_in(reading.login, PASSWORD)
        shown = person.open("/account/password")
        forms = person.open("/sign-in").forms

        sent = person.post(
            "/account/password",
            csrf_token=forms[0].carried["csrf_token"],
            current_password=PASSWORD,
            new_password=NEW,
            confirm_password=NEW,
        )

        assert (shown.status, shown.forms) == (200, [])
        assert (sent.status, sent.page) == (409, "change-password")
        assert reading.writes() == 0

    def test_a_sentence_says_where_as_well(self, open_company: Open) -> None:
        company = open_company(change_password_at="Ask the help desk, 0800 555 010.")
        person = company.hire()
        person.sign_in(company.login, PASSWORD)

        seen = person.open("/account/password")

        assert "Ask the help desk, 0800 555 010." in seen.text

    def test_the_address_for_an_app_leads_to_the_same_words(self, reading: Company) -> None:
        person = reading.hire()
        app = reading.story.app()
        person.sign_in(reading.login, PASSWORD)
        tokens = reading.story.tokens(app, browser=person.browser)
        reading.directory.ask_for_change(reading.dn)
        reading.story.world.advance(minutes=11)

        answer = reading.story.refresh(app, tokens["refresh_token"])
        seen = visitor(reading.story).open(answer.json["idp_action_uri"])

        assert answer.json["idp_reason"] == "password_change_required"
        assert (seen.status, seen.forms) == (200, [])
        assert WHERE in seen.answer.text

    def test_f_15_a_password_that_breaks_our_policy_is_asked_about_where_it_counts(
        self, open_company: Open
    ) -> None:
        company = open_company(enforce_policy=True)
        person = company.hire()
        company.story.world.publish_policy(
            {"enforcement": "noncompliant", "rules": {"length": {"min": 40, "max": 256}}}
        )

        seen = person.sign_in(company.login, PASSWORD)

        assert (seen.page, seen.forms) == ("change-password", [])
        assert "does not meet the present password rules" in seen.text
        assert company.writes() == 0


class TestWithWriteBack:
    def test_a_forced_change_goes_to_the_directory_and_on_to_the_app(
        self, writing: Company
    ) -> None:
        person = writing.hire(must_change=True)
        app = writing.story.app()
        person.open(writing.story.authorize(app, browser=person.browser).location)
        person.submit(username=writing.login, password=PASSWORD)
        person.go_on()

        writing.change(person)

        assert writing.story.redeem(app, person.go_on().answer.code).status == 200
        stored = writing.story.world.credential(writing.user_id)
        assert (stored.hash, stored.must_change) == (UNUSABLE, False)
        assert visitor(writing.story).sign_in(writing.login, NEW).page == "account"
        assert visitor(writing.story).sign_in(writing.login, PASSWORD).status == 401

    def test_everything_else_ends_and_this_browser_goes_on(self, writing: Company) -> None:
        person = writing.hire()
        app = writing.story.app()
        other = visitor(writing.story)
        for each in (other, person):
            each.sign_in(writing.login, PASSWORD)
        tokens = writing.story.tokens(app, browser=person.browser)
        before = writing.story.world.user(writing.user_id)
        person.open("/account/password")

        sent = writing.change(person)

        assert (sent.status, person.go_on().page) == (303, "account")
        after = writing.story.world.user(writing.user_id)
        assert after.credential_generation == before.credential_generation + 1
        assert after.epoch == before.epoch + 1
        assert other.open("/account").location.endswith("/sign-in")
        refused = writing.story.refresh(app, tokens["refresh_token"])
        assert refused.json["idp_reason"] == "credential_changed"
        assert "password.changed" in writing.story.world.event_codes()
        assert [mail["template"] for mail in writing.story.world.outbox()] == ["password_changed"]

    def test_the_next_look_at_the_directory_ends_nothing_more(self, writing: Company) -> None:
        person = writing.hire()
        app = writing.story.app()
        person.sign_in(writing.login, PASSWORD)
        person.open("/account/password")
        writing.change(person)
        tokens = writing.story.tokens(app, browser=person.browser)
        writing.story.world.advance(minutes=11)

        assert writing.story.refresh(app, tokens["refresh_token"]).status == 200

    def test_our_policy_judges_first(self, writing: Company) -> None:
        person = writing.hire()
        person.sign_in(writing.login, PASSWORD)
        person.open("/account/password")

        seen = writing.change(person, new="short")

        assert (seen.status, "It needs at least 8 characters." in seen.text) == (422, True)
        assert writing.writes() == 0

    @pytest.mark.parametrize(
        ("policy", "new", "words"),
        [
            ("strict", "eleven char", "It is too short for the company directory."),
            ("young", NEW, "only a short while ago"),
            ("frozen", NEW, "does not let you change it here"),
        ],
    )
    def test_what_the_directory_objects_to_is_told(
        self, writing: Company, policy: str, new: str, words: str
    ) -> None:
        person = writing.hire(policy=policy)
        if policy == "young":
            writing.directory.set_password(writing.dn, PASSWORD)
        person.sign_in(writing.login, PASSWORD)
        person.open("/account/password")

        seen = writing.change(person, new=new)

        assert (seen.status, seen.page) == (422, "change-password")
        assert words in seen.text
        assert visitor(writing.story).sign_in(writing.login, PASSWORD).page == "account"

    def test_a_password_of_before_is_told(self, writing: Company) -> None:
        person = writing.hire(policy="strict")
        person.sign_in(writing.login, PASSWORD)
        person.open("/account/password")
        writing.change(person)
        person.open("/account/password")

        seen = writing.change(person, NEW, PASSWORD)

        assert (seen.status, "You used it before" in seen.text) == (422, True)

    def test_a_wrong_current_password_is_counted(self, writing: Company) -> None:
        person = writing.hire()
        person.sign_in(writing.login, PASSWORD)
        person.open("/account/password")

        seen = writing.change(person, "wrong")

        assert (seen.status, "current password is incorrect" in seen.text) == (401, True)
        assert writing.story.world.credential(writing.user_id).failures == 1

    def test_guesses_there_meet_our_limit_first(self, open_company: Open) -> None:
        company = open_company(write_back=True, sign_in_per_account="2/PT15M")
        person = company.hire()
        person.sign_in(company.login, PASSWORD)
        told = []
        for _ in range(5):
            person.open("/account/password")
            told.append(company.change(person, "wrong").status)

        assert told == [401, 401, 429, 429, 429]
        failures = company.directory.server.read(company.dn, "pwdFailureTime")
        assert len(failures["pwdfailuretime"]) == 2

    def test_an_answer_that_was_lost_is_told_as_that_and_not_tried_again(
        self, writing: Company
    ) -> None:
        person = writing.hire()
        person.sign_in(writing.login, PASSWORD)
        person.open("/account/password")
        writing.directory.proxy.drop(Request.EXTENDED)

        seen = writing.change(person)

        assert (seen.status, seen.page) == (503, "change-password")
        assert "We do not know whether your password was changed" in seen.text
        assert writing.directory.count(Request.EXTENDED) == 1
        assert writing.story.world.credential(writing.user_id).failures == 0

    def test_an_outage_changes_nothing_and_counts_nothing(self, writing: Company) -> None:
        person = writing.hire()
        person.sign_in(writing.login, PASSWORD)
        person.open("/account/password")
        writing.directory.go_down()

        seen = writing.change(person)

        assert (seen.status, "nothing was changed" in seen.text) == (503, True)
        assert seen.answer.response.headers["Retry-After"] == "5"
        assert writing.story.world.credential(writing.user_id).failures == 0

    def test_an_expired_password_is_changed_where_the_directory_still_lets_one_in(
        self, writing: Company
    ) -> None:
        writing.dn, writing.login = writing.directory.late_person()
        writing.user_id = add_entry(writing.story.world, writing.login)
        person = visitor(writing.story)
        stopped = person.sign_in(writing.login, PASSWORD)

        writing.change(person)

        assert "Your password is too old, says the company directory." in stopped.text
        assert person.go_on().page == "account"

    def test_an_expired_password_that_lets_nobody_in_is_changed_where_the_directory_says(
        self, writing: Company
    ) -> None:
        writing.dn, writing.login = writing.directory.expired_person()
        writing.user_id = add_entry(writing.story.world, writing.login)
        person = visitor(writing.story)
        person.sign_in(writing.login, PASSWORD)

        seen = writing.change(person)

        assert (seen.status, seen.page, seen.forms) == (409, "change-password", [])
        assert "it does not take a new one from here any more" in seen.text
        assert WHERE in seen.answer.text
        assert "Sign in with the new password" in seen.text
        assert "password.rejected" in writing.story.world.event_codes()
        assert writing.story.world.credential(writing.user_id).failures == 0
        assert writing.writes() == 0


class TestForgotten:
    def test_r_15_the_page_says_the_same_as_to_anybody(self, reading: Company) -> None:
        reading.hire()
        told = []
        for email in (f"{reading.login}@example.test", "nobody@example.test"):
            person = visitor(reading.story)
            person.open("/forgot-password")
            seen = person.submit(email=email)
            told.append((seen.status, seen.text.replace(email, "")))

        assert told[0] == told[1]
        [mail] = reading.story.world.outbox()
        assert mail["context"]["accounts"] == [
            {"username": reading.login, "link": None, "where": WHERE}
        ]
