"""A stricter policy that reaches its users bit by bit: watched for weeks, or asked in waves."""

import random  # noqa: TID251 - for a fixed course of events
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import sqlalchemy as sa
from werkzeug.test import Client as HttpClient

from idp.core.login import LoggedIn, SignInForm, sign_in
from idp.core.password_change import ChangeForm, PasswordChanged, change_password
from idp.ids import UserId
from idp.store.decisions import DecisionRow
from idp.store.users import CredentialRow
from tests.support.campaigns import publish
from tests.support.sizes import campaign_size
from tests.support.story import App, Story, open_story
from tests.support.world import STAFF

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(0)]

COOKIE = "__Host-idp-staff-session"
OLD = {"enforcement": "everyone", "rules": {"length": {"min": 4}}}
RULES = {"length": {"min": 8}}
LIVES = {"lifetimes": {"session_idle": "P60D", "session_max": "P60D"}}
LONG_LIVES = {"realms": {"staff": LIVES, "portal": {}}}


@dataclass
class Person:
    """Somebody with a browser and an app that refreshes."""

    user_id: UserId
    name: str
    password: str
    browser: HttpClient
    is_imported: bool
    refresh_token: str | None = None


@dataclass
class Company:
    """A product with an app and its people."""

    story: Story
    app: App
    people: list[Person]

    def sign_in(self, person: Person) -> bool:
        """Sign in and get tokens; tell whether that was stopped by the change screen."""
        form = SignInForm(username=person.name, password=person.password)
        outcome = sign_in(self.story.world.runtime, STAFF, form)
        assert isinstance(outcome, LoggedIn)
        person.browser.set_cookie(COOKIE, outcome.session_secret)
        answer = self.story.authorize(
            self.app, browser=person.browser, scope="openid offline_access"
        )
        if "code" not in answer.returned:
            assert answer.location.endswith("/change-password")
            return True
        tokens = self.story.redeem(self.app, answer.code)
        person.refresh_token = tokens.json["refresh_token"]
        return False

    def refresh(self, person: Person) -> None:
        """Refresh, which nothing may stop."""
        assert person.refresh_token is not None
        answer = self.story.refresh(self.app, person.refresh_token)
        assert answer.status == 200, answer.text
        person.refresh_token = answer.json["refresh_token"]

    def is_asked(self, person: Person) -> bool:
        """Ask silently for a code; tell whether another password is asked for."""
        answer = self.story.authorize(self.app, browser=person.browser, prompt="none")
        assert answer.returned.get("error") in {None, "interaction_required"}
        return "error" in answer.returned

    def change(self, person: Person) -> None:
        """Choose a password that is long enough, and sign in with it."""
        new = f"{person.password}-and-more"
        form = ChangeForm(
            user_id=person.user_id,
            session_id=None,
            current_password=person.password,
            new_password=new,
            forced=False,
        )
        outcome = change_password(self.story.world.runtime, STAFF, form)
        assert isinstance(outcome, PasswordChanged)
        person.password = new

    def recorded(self, version: int) -> set[UserId]:
        """Return who is on record as somebody whom the policy would have stopped."""
        with self.story.world.begin(write=False) as uow:
            found = uow.db.scalars(
                sa.select(DecisionRow.user_id)
                .join(
                    CredentialRow,
                    sa.and_(
                        CredentialRow.realm == DecisionRow.realm,
                        CredentialRow.user_id == DecisionRow.user_id,
                    ),
                )
                .where(
                    DecisionRow.policy_version == version,
                    DecisionRow.withheld_by == "observe",
                    CredentialRow.noted_under == version,
                )
            )
            return {UserId(user_id) for user_id in found}

    def known_to_fail(self, version: int) -> set[UserId]:
        """Return whose password was typed and did not meet the policy."""
        with self.story.world.begin(write=False) as uow:
            found = uow.db.scalars(
                sa.select(CredentialRow.user_id).where(CredentialRow.refused_under == version)
            )
            return {UserId(user_id) for user_id in found}


@pytest.fixture
def company(database_url: str) -> Iterator[Company]:
    """Give a product without people, under the old policy."""
    with open_story(database_url, settings=LONG_LIVES, policy=OLD) as story:
        yield Company(story, story.app(), [])


def hire(company: Company, count: int, lot: random.Random) -> None:
    """Add people: some with passwords that are long enough, some imported."""
    for number in range(count):
        password = f"{'~' * lot.choice((2, 2, 6))}{number:04d}"
        is_imported = lot.random() < 0.2
        imported = {"judged_under": 0, "set_by": "import"} if is_imported else {}
        name = f"person-{number}"
        user_id = company.story.world.add_user(name, password, credential=imported)
        browser = company.story.new_browser()
        company.people.append(Person(user_id, name, password, browser, is_imported))


@pytest.mark.parametrize("then", ["everyone", "noncompliant"])
def test_who_is_stopped_is_who_was_recorded(company: Company, then: str) -> None:
    lot = random.Random(26)  # noqa: S311 - a fixed course of events
    hire(company, campaign_size(1000), lot)
    for person in company.people:
        if not person.is_imported:
            company.sign_in(person)
    watched = publish(company.story.world, {"enforcement": "observe", "rules": RULES})
    version = watched.counts["version"]
    assert isinstance(version, int)

    for day in range(20):
        company.story.world.advance(days=1)
        for number, person in enumerate(company.people):
            if number % 20 == day or lot.random() < 0.1:
                assert not company.sign_in(person)
            elif lot.random() < 0.3 and person.refresh_token:
                company.refresh(person)
            elif lot.random() < 0.01:
                company.change(person)
                company.sign_in(person)

    recorded, failing = company.recorded(version), company.known_to_fail(version)
    publish(company.story.world, {"enforcement": then, "rules": RULES})
    stopped = {person.user_id for person in company.people if company.sign_in(person)}

    assert 0 < len(failing) < len(recorded) < len(company.people)
    imported = {person.user_id for person in company.people if person.is_imported}
    # A password that no policy has judged is judged when it is typed, and may pass.
    may_pass = recorded if then == "noncompliant" else imported
    assert stopped == recorded - (may_pass - failing)


def test_no_hour_asks_more_than_its_places_and_all_are_done_in_time(company: Company) -> None:
    lot = random.Random(7)  # noqa: S311 - a fixed course of events
    hire(company, campaign_size(500), lot)
    cap = campaign_size(50)
    for person in company.people:
        company.sign_in(person)
    waves = {"per_hour": cap, "deadline": "P3D", "quiet": "22:00/06:00"}
    publish(company.story.world, {"enforcement": "everyone", "rules": RULES, "waves": waves})

    asked_in: Counter[int] = Counter()
    waiting = list(company.people)
    for hour in range(72):
        for person in lot.sample(waiting, k=-(-len(waiting) * 2 // 3)):
            if company.is_asked(person):
                asked_in[hour] += 1
                assert company.is_asked(person), "who was asked once stays asked"
                company.change(person)
                assert not company.sign_in(person)
                waiting.remove(person)
        company.story.world.advance(hours=1)

    assert waiting == []
    assert max(asked_in.values()) <= cap
    begin = company.story.world.clock.now().hour  # 72 hours later it is the same time of day
    assert not [hour for hour in asked_in if (begin + hour) % 24 >= 22 or (begin + hour) % 24 < 6]
    assert sum(asked_in.values()) == len(company.people)
