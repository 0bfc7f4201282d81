"""Random histories: no token on a password that the policy does not accept, nobody asked twice.

A model of a few lines says what each person is owed after every event: what DECISIONS 9 says of
marks and enforcement, and what a change, a reset and its undo mean for tokens. The product must
answer the same at every step, on both databases.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import Client as HttpClient

from idp.core.groups import create_group, update_group
from idp.core.login import LoggedIn, SignInForm, sign_in
from idp.core.password_change import ChangeForm, PasswordChanged, change_password
from idp.core.plans import PlanView
from idp.ids import UserId
from tests.support.campaigns import publish, run_reset, run_undo
from tests.support.sizes import campaign_size
from tests.support.story import App, Story, open_story
from tests.support.world import STAFF

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(0)]

NO_LIMITS = {"limits": {"sign_in_per_account": "off", "sign_in_per_address": "off"}}
PASS, CHANGE, SIGN_IN = "pass", "change", "sign_in"
COOKIE = "__Host-idp-staff-session"
ERRORS = {CHANGE: "interaction_required", SIGN_IN: "login_required"}
REASONS = {CHANGE: "password_change_required", SIGN_IN: "sign_in_required"}
_SERIAL = count(1)


@dataclass
class Policy:
    """The policy in force, as far as the model knows policies."""

    least: int
    enforcement: str
    office_least: int | None

    def least_for(self, *, in_office: bool) -> int:
        return max(self.least, self.office_least or 1) if in_office else self.least


@dataclass
class Person:
    """What the model knows about one person."""

    user_id: UserId
    name: str
    browser: HttpClient
    password: str
    judged: int | None
    in_office: bool = False
    must_change: bool = False
    refused: bool = False
    campaign: str | None = None
    has_session: bool = False
    refresh_token: str | None = None
    dead: str | None = None

    def end(self, reason: str) -> None:
        """Everything that was given out is over; a credential change outweighs the rest."""
        self.has_session = False
        if self.dead != "credential_changed":
            self.dead = reason


@dataclass
class Model:
    """A realm of a few people."""

    policy: Policy
    people: list[Person]
    reset: PlanView | None = None
    before: list[Person] = field(default_factory=list)

    def owed(self, person: Person, *, typed: bool) -> str:
        """Return what the gate owes a person; `typed`: the password was just typed."""
        least = self.policy.least_for(in_office=person.in_office)
        mode = self.policy.enforcement
        if person.must_change:
            return CHANGE
        is_marked = person.judged is None or least > person.judged
        if mode in {"never", "observe"} or not is_marked:
            return PASS
        if (mode == "everyone" and person.judged is not None) or person.refused:
            return CHANGE
        if not typed:
            return SIGN_IN
        return PASS if len(person.password) >= least else CHANGE

    def note_typed(self, person: Person) -> None:
        """Note what a sign-in does to the mark."""
        least = self.policy.least_for(in_office=person.in_office)
        is_marked = person.judged is None or least > person.judged
        mode = self.policy.enforcement
        judges = mode == "noncompliant" or (mode == "everyone" and person.judged is None)
        if is_marked and judges and not person.refused:
            if len(person.password) >= least:
                person.judged = least
            else:
                person.refused = True


def a_password(length: int) -> str:
    """Return a password of this length that nobody had."""
    return f"{next(_SERIAL):x}".rjust(length, "~")[-length:]


@dataclass
class Game:
    """The product beside the model."""

    story: Story
    app: App
    model: Model

    def publish(self, least: int, enforcement: str, office_least: int | None) -> None:
        document: dict[str, object] = {
            "enforcement": enforcement,
            "rules": {"length": {"min": least}, "differs_from_current": {}},
        }
        if office_least is not None:
            document["groups"] = {"office": {"rules": {"length": {"min": office_least}}}}
        publish(self.story.world, document)
        self.model.policy = Policy(least, enforcement, office_least)
        for person in self.model.people:
            person.refused = False

    def sign_in(self, person: Person) -> None:
        form = SignInForm(username=person.name, password=person.password)
        outcome = sign_in(self.story.world.runtime, STAFF, form)
        assert isinstance(outcome, LoggedIn)
        person.browser.set_cookie(COOKIE, outcome.session_secret)
        person.has_session, person.campaign = True, None
        owed = self.model.owed(person, typed=True)
        self.model.note_typed(person)
        answer = self.story.authorize(
            self.app, browser=person.browser, scope="openid offline_access"
        )
        if owed == PASS:
            tokens = self.story.redeem(self.app, answer.code)
            assert tokens.status == 200, tokens.text
            person.refresh_token, person.dead = tokens.json["refresh_token"], None
        else:
            assert answer.location.endswith("/change-password"), (owed, answer.location)

    def refresh(self, person: Person) -> None:
        if person.refresh_token is None:
            return
        answer = self.story.refresh(self.app, person.refresh_token)
        expected = person.dead
        if expected is None:
            owed = self.model.owed(person, typed=False)
            expected = REASONS.get(owed)
        if expected is None:
            assert answer.status == 200, answer.text
            person.refresh_token = answer.json["refresh_token"]
        else:
            assert (answer.status, answer.json.get("idp_reason")) == (400, expected)

    def silently(self, person: Person) -> None:
        answer = self.story.authorize(self.app, browser=person.browser, prompt="none")
        owed = self.model.owed(person, typed=False) if person.has_session else SIGN_IN
        assert answer.returned.get("error") == ERRORS.get(owed), (owed, answer.location)

    def change(self, person: Person, length: int) -> None:
        new = a_password(length)
        form = ChangeForm(
            user_id=person.user_id,
            session_id=None,
            current_password=person.password,
            new_password=new,
            forced=False,
        )
        outcome = change_password(self.story.world.runtime, STAFF, form)
        least = self.model.policy.least_for(in_office=person.in_office)
        assert isinstance(outcome, PasswordChanged) is (length >= least), outcome
        if length >= least:
            person.password, person.judged = new, least
            person.must_change, person.refused, person.campaign = False, False, None
            person.end("credential_changed")

    def require_change(self) -> None:
        run_reset(self.story.world, "require_change", select=self._everybody())
        for person in self.model.people:
            person.must_change = True
            person.end("session_ended")

    def reset(self, required: bool) -> None:  # noqa: FBT001 - drawn
        least = self.model.policy.least_for(in_office=True)
        shared = a_password(max(least, 4))
        select = self._everybody()
        self.model.before = [replace(person) for person in self.model.people]
        plan = run_reset(self.story.world, select=select, password=shared, require_change=required)
        self.model.reset = plan
        for person in self.model.people:
            person.password, person.judged, person.campaign = shared, least, plan.id
            person.must_change, person.refused = required, False
            person.end("credential_changed")

    def undo(self) -> None:
        plan = self.model.reset
        if plan is None:
            return
        run_undo(self.story.world, plan)
        self.model.reset = None
        for person, before in zip(self.model.people, self.model.before, strict=True):
            if person.campaign == plan.id:
                person.password, person.judged = before.password, before.judged
                person.must_change, person.campaign = before.must_change, before.campaign
                person.refused = False
                person.end("credential_changed")

    def move(self, person: Person) -> None:
        with self.story.world.begin() as uow:
            who = [person.user_id]
            leaves = person.in_office
            update_group(uow, "office", add=() if leaves else who, remove=who if leaves else ())
        person.in_office = not person.in_office

    def _everybody(self) -> dict[str, object]:
        return {"user_ids": [person.user_id for person in self.model.people]}


_PERSON = st.integers(0, 2)
_PERSONAL = {"sign_in", "refresh", "silently", "change", "move"}
_EVENTS = st.one_of(
    st.tuples(
        st.just("publish"),
        st.integers(4, 8),
        st.sampled_from(["everyone", "noncompliant", "observe", "never"]),
        st.none() | st.integers(5, 9),
    ),
    st.tuples(st.just("sign_in"), _PERSON),
    st.tuples(st.just("refresh"), _PERSON),
    st.tuples(st.just("silently"), _PERSON),
    st.tuples(st.just("change"), _PERSON, st.integers(4, 9)),
    st.tuples(st.just("move"), _PERSON),
    st.tuples(st.just("require_change")),
    st.tuples(st.just("reset"), st.booleans()),
    st.tuples(st.just("undo")),
)


def play(game: Game, name: str, *details: Any) -> None:  # noqa: ANN401 - drawn
    """Do one event in the product and in the model; what the product answers must be owed."""
    if name in _PERSONAL:
        details = (game.model.people[details[0]], *details[1:])
    getattr(game, name)(*details)


def settle(game: Game) -> None:
    """Let everybody do what is asked, and ask again: nobody is asked twice."""
    for person in game.model.people:
        game.sign_in(person)
        if game.model.owed(person, typed=True) == CHANGE:
            game.change(person, 9)
        game.sign_in(person)
        assert person.dead is None
        game.refresh(person)
        game.silently(person)


def begin(story: Story, app: App) -> Game:
    """Start with three new people: one judged, one imported, one in the office."""
    story.world.publish_policy({"enforcement": "everyone", "rules": {"length": {"min": 4}}})
    people = []
    for index in range(3):
        name, password = f"u{next(_SERIAL)}", a_password(5)
        imported = {"judged_under": 0, "set_by": "import"} if index == 1 else {}
        user_id = story.world.add_user(name, password, credential=imported)
        people.append(
            Person(user_id, name, story.new_browser(), password, judged=None if imported else 4)
        )
    game = Game(story, app, Model(Policy(4, "everyone", None), people))
    game.move(people[2])
    return game


@pytest.fixture
def stage(database_url: str) -> Iterator[tuple[Story, App]]:
    """Give a product with one app that asks silently too; the histories share it."""
    with open_story(database_url, settings=NO_LIMITS) as story:
        with story.world.begin() as uow:
            create_group(uow, "office")
        yield story, story.app()


def test_every_answer_is_the_one_that_is_owed(stage: tuple[Story, App]) -> None:
    @settings(max_examples=campaign_size(2000), suppress_health_check=[HealthCheck.too_slow])
    @given(events=st.lists(_EVENTS, max_size=12))
    def history(events: list[tuple[str, ...]]) -> None:
        game = begin(*stage)
        for event in events:
            play(game, *event)
        settle(game)

    history()
