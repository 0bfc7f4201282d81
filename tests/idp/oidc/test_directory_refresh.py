"""The gate on refresh of a directory's accounts (DECISIONS 23; catalogue D-06; real OpenLDAP)."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from idp.clock import FakeClock
from idp.core.decision_telling import tell_decisions
from tests.idp.oidc.test_client_auth import ASSERTION, KEY, assertion
from tests.idp.oidc.test_statements import counted, kinds
from tests.support.directories import PASSWORD
from tests.support.directory_world import CORP, Directory, add_entry, link_of
from tests.support.late_directory import LateDirectory
from tests.support.ldap_proxy import Request
from tests.support.pages import visitor
from tests.support.story import Answer, App, Story, open_story
from tests.support.waiting import wait_until


@dataclass
class Employee:
    """Somebody of the directory who is signed in, and the app they use."""

    story: Story
    directory: Directory
    dn: str
    login: str
    app: App
    token: str

    def refresh(self) -> Answer:
        answer = self.story.refresh(self.app, self.token)
        if answer.status == 200:
            self.token = answer.json["refresh_token"]
        return answer

    def told(self) -> tuple[int, str | None]:
        answer = self.refresh()
        return answer.status, answer.json.get("idp_reason")

    def told_later(self) -> tuple[int, str | None]:
        """Refresh when nobody remembers an outage any more."""
        self.story.world.advance(seconds=30)
        return self.told()

    def look_ups(self) -> int:
        return self.directory.count(Request.SEARCH)


@pytest.fixture
def story(database_url: str, clock: FakeClock, directory: Directory) -> Iterator[Story]:
    """Give the product with a directory for its staff."""
    with open_story(database_url, clock=clock, settings=directory.settings()) as opened:
        yield opened
        opened.world.runtime.directories.source(CORP).close()


@pytest.fixture
def eve(story: Story, directory: Directory) -> Employee:
    """Give somebody whom the directory knows."""
    dn, login = directory.person()
    story.people[login] = add_entry(story.world, login)
    app = story.app()
    story.sign_in(login)
    token = story.tokens(app)["refresh_token"]
    return Employee(story, directory, dn, login, app, token)


def test_a_fresh_account_costs_what_any_does_and_asks_nobody(eve: Employee) -> None:
    eve.refresh()
    asked = eve.look_ups()
    eve.story.world.advance(minutes=10)

    with counted(eve.story) as seen:
        assert eve.refresh().status == 200

    assert kinds(seen) == ["SELECT", "UPDATE", "COMMIT"]
    assert eve.look_ups() == asked


def test_a_stale_one_is_looked_up_once_and_goes_on(eve: Employee) -> None:
    asked = eve.look_ups()
    eve.story.world.advance(minutes=11)

    assert eve.refresh().status == 200
    assert eve.refresh().status == 200

    assert eve.look_ups() == asked + 1
    assert link_of(eve.story.world, eve.story.people[eve.login]).checked_at == (
        eve.story.world.clock.now()
    )


def test_whoever_is_disabled_there_is_out_on_the_same_refresh(eve: Employee) -> None:
    eve.directory.disable(eve.dn)
    assert eve.told() == (200, None)  # looked at just now
    eve.story.world.advance(minutes=11)

    assert eve.told() == (400, "account_disabled")


def test_whoever_is_gone_there_is_out_on_the_same_refresh(eve: Employee) -> None:
    eve.directory.server.delete(eve.dn)
    eve.story.world.advance(minutes=11)

    assert eve.told() == (400, "session_ended")
    assert eve.told() == (400, "session_ended")
    assert "error" in eve.story.authorize(eve.app, prompt="none").returned
    user_id = eve.story.people[eve.login]
    assert link_of(eve.story.world, user_id).gone_since is None  # only a sync says so
    assert eve.story.world.user(user_id).status == "active"


def test_whoever_has_to_change_there_is_asked_on_the_same_refresh(eve: Employee) -> None:
    eve.directory.ask_for_change(eve.dn)
    eve.story.world.advance(minutes=11)

    answer = eve.refresh()

    assert answer.json["idp_reason"] == "password_change_required"
    assert "idp_action_uri" in answer.json


def test_a_password_changed_there_ends_the_family(eve: Employee) -> None:
    eve.directory.set_password(eve.dn, "another Horse 8")
    eve.story.world.advance(minutes=11)

    assert eve.told() == (400, "credential_changed")


def test_d_06_in_an_outage_refresh_goes_on_until_it_lasts_too_long(eve: Employee) -> None:
    eve.directory.go_down()
    eve.story.world.advance(hours=24)
    assert eve.told() == (200, None)
    eve.story.world.advance(seconds=1)

    answer = eve.refresh()

    assert (answer.error, answer.json["idp_reason"]) == ("invalid_grant", "sign_in_required")
    assert "directory" in answer.json["error_description"]
    assert "token.refused" in eve.story.world.event_codes()

    eve.directory.proxy.behave()
    wait_until(lambda: eve.told_later() == (200, None), what="the directory")


def test_d_06_an_outage_that_lasts_too_long_stops_codes_as_it_stops_refreshes(
    database_url: str, clock: FakeClock, directory: Directory
) -> None:
    settings = directory.settings(max_offline="PT1H")
    with open_story(database_url, clock=clock, settings=settings) as story:
        _, login = directory.person()
        story.people[login] = add_entry(story.world, login)
        app = story.app()
        story.sign_in(login)
        directory.go_down()
        story.world.advance(hours=1)
        assert story.authorize(app).code
        story.world.advance(seconds=31)

        silent = story.authorize(app, prompt="none")
        person = visitor(story)
        person.browser = story.browser
        shown = person.open(story.authorize(app).location)
        tried = person.submit(username=login, password=PASSWORD)

        assert silent.returned["error"] == "login_required"
        assert (shown.page, "does not answer just now" in shown.text) == ("sign-in", True)
        assert (tried.status, "does not answer just now" in tried.text) == (503, True)
        assert person.open("/account").page == "account"
        story.world.runtime.directories.source(CORP).close()


def test_a_code_asks_the_directory_as_a_refresh_does(eve: Employee) -> None:
    asked = eve.look_ups()
    assert eve.story.authorize(eve.app).code
    assert eve.look_ups() == asked
    eve.story.world.advance(minutes=11)

    with counted(eve.story) as seen:
        assert eve.story.authorize(eve.app).code

    assert eve.look_ups() == asked + 1
    assert kinds(seen).count("SELECT") < 10
    eve.directory.disable(eve.dn)
    eve.story.world.advance(minutes=11)
    silent = eve.story.authorize(eve.app, prompt="none")
    assert silent.returned["error"] == "login_required"


def test_an_account_that_was_just_looked_at_gets_tokens_whatever_the_limits(
    database_url: str, clock: FakeClock, directory: Directory
) -> None:
    settings = directory.settings(recheck="PT0S", max_offline="PT0S")
    with open_story(database_url, clock=clock, settings=settings) as story:
        _, login = directory.person()
        story.people[login] = add_entry(story.world, login)
        app = story.app()
        story.sign_in(login)
        story.world.advance(seconds=1)

        LateDirectory(story.world, lambda: story.world.advance(seconds=1))
        given = story.tokens(app)
        LateDirectory(story.world, lambda: story.world.advance(seconds=1))

        assert story.refresh(app, given["refresh_token"]).status == 200
        story.world.runtime.directories.source(CORP).close()


def test_in_an_outage_nobody_waits_for_a_directory_that_just_failed(eve: Employee) -> None:
    eve.directory.go_down()
    eve.story.world.advance(hours=1)
    eve.refresh()
    asked = eve.look_ups()
    eve.story.world.advance(seconds=29)

    with counted(eve.story) as seen:
        assert eve.refresh().status == 200

    assert eve.look_ups() == asked
    assert kinds(seen) == ["SELECT", "UPDATE", "COMMIT"]


def test_the_decision_is_on_record_and_says_why(eve: Employee) -> None:
    eve.directory.go_down()
    eve.story.world.advance(hours=25)
    eve.refresh()

    with eve.story.world.begin(write=False) as uow:
        [told] = tell_decisions(uow, eve.story.people[eve.login])
    assert "could not be asked" in told.text
    assert told.replay.agrees


def test_an_account_of_a_directory_that_is_not_configured_any_more_lasts_a_day(
    eve: Employee,
) -> None:
    eve.story.world.change_user(eve.story.people[eve.login], connector="former")
    eve.story.world.advance(hours=24)
    assert eve.told() == (200, None)
    eve.story.world.advance(seconds=1)

    assert eve.told() == (400, "sign_in_required")


def test_a_clients_own_proof_is_spent_once_although_the_refresh_begins_anew(
    story: Story, directory: Directory
) -> None:
    _, login = directory.person()
    story.people[login] = add_entry(story.world, login)
    app = story.app(
        "signer",
        token_endpoint_auth_method="private_key_jwt",
        jwks={"keys": [KEY.as_dict(private=False)]},
    )
    story.sign_in(login)

    def proof(jti: str) -> dict[str, str]:
        token = assertion(story, jti=jti)
        return {"client_assertion": token, "client_assertion_type": ASSERTION}

    given = story.redeem(app, story.authorize(app).code, **proof("one")).json["refresh_token"]
    story.world.advance(minutes=11)
    two = proof("two")

    assert story.refresh(app, given, **two).status == 200
    assert story.refresh(app, given, **two).status == 401


def test_only_the_policy_of_the_directory_stops_a_refresh(eve: Employee) -> None:
    eve.story.world.publish_policy(
        {"enforcement": "everyone", "rules": {"length": {"min": 40, "max": 256}}}
    )

    assert eve.told() == (200, None)
