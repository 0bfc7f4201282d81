"""A policy that asks later: refresh, silent authorize and code redemption say the same."""

from collections.abc import Mapping

import pytest

from idp.core.decision_records import Decided, list_decisions, replay
from idp.core.groups import create_group, update_group
from idp.store.decisions import DecisionRow
from tests.idp.oidc.test_statements import counted, kinds
from tests.support.story import App, Story

LONG: Mapping[str, object] = {"length": {"min": 24, "max": 256}}
SHORT: Mapping[str, object] = {"length": {"min": 8, "max": 256}}


def publish(story: Story, rules: Mapping[str, object] = LONG, **more: object) -> None:
    story.world.publish_policy({"enforcement": "everyone", "rules": rules, **more})


class Held:
    """What an app holds, and what it gets for it."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.app: App = story.app(client_name="Mobile")
        story.sign_in()
        self.token: str = story.tokens(self.app)["refresh_token"]
        self.code = story.authorize(self.app).code

    def refreshes(self) -> bool:
        answer = self.story.refresh(self.app, self.token)
        if answer.status == 200:
            self.token = answer.json["refresh_token"]
            return True
        assert answer.json["idp_reason"] == "password_change_required"
        return False

    def passes_silently(self) -> bool:
        returned = self.story.authorize(self.app, prompt="none").returned
        assert returned.get("error") in (None, "interaction_required")
        return "code" in returned

    def redeems(self) -> bool:
        return self.story.redeem(self.app, self.code).status == 200

    def answers(self) -> set[bool]:
        return {self.refreshes(), self.passes_silently(), self.redeems()}


@pytest.fixture
def held(story: Story) -> Held:
    """Give an app with a refresh token and a code of somebody who is signed in."""
    return Held(story)


def test_observing_costs_a_refresh_nothing_once_it_is_noted(story: Story, held: Held) -> None:
    publish(story, enforcement="observe")
    with counted(story) as first:
        assert held.refreshes()
    with counted(story) as second:
        assert held.refreshes()

    assert [kind for kind in kinds(first) if kind != "SELECT"] == [
        "UPDATE",
        "INSERT",
        "UPDATE",
        "COMMIT",
    ]
    assert kinds(second) == ["SELECT", "UPDATE", "COMMIT"]


@pytest.mark.parametrize(
    "more",
    [
        {"enforcement": "observe"},
        {"grace": "P7D"},
        {"waves": {"quiet": "00:00/23:59"}},
        {"groups": {"Office": {"rules": LONG}}, "rules": SHORT},
    ],
)
def test_what_does_not_ask_yet_lets_everything_pass(
    story: Story, held: Held, more: Mapping[str, object]
) -> None:
    with story.world.begin() as uow:
        create_group(uow, "Office")
    publish(story, **more)  # type: ignore[arg-type]  # the rules are among them

    assert held.answers() == {True}


@pytest.mark.parametrize("first", ["refreshes", "passes_silently", "redeems"])
def test_whoever_is_asked_first_by_a_wave_all_say_no(story: Story, held: Held, first: str) -> None:
    publish(story, waves={"per_hour": 1})

    assert getattr(held, first)() is False

    assert held.answers() == {False}
    with story.world.begin(write=False) as uow:
        decisions = list_decisions(uow, story.people["ada"])
        assert {d.answer.outcome for d in decisions} == {Decided.REFUSED}
        assert all(replay(uow, d) == d.answer for d in decisions)


def test_the_end_of_a_grace_is_the_same_for_all(story: Story, held: Held) -> None:
    publish(story, grace="PT20S")  # a code lives for a minute
    story.world.advance(seconds=19)
    assert (held.refreshes(), held.passes_silently()) == (True, True)

    story.world.advance(seconds=1)

    assert held.answers() == {False}


def test_joining_a_group_counts_at_the_next_token_and_leaving_it_too(
    story: Story, held: Held
) -> None:
    with story.world.begin() as uow:
        create_group(uow, "Office")
    publish(story, SHORT, groups={"Office": {"rules": LONG}})
    assert (held.refreshes(), held.passes_silently()) == (True, True)

    with story.world.begin() as uow:
        update_group(uow, "Office", add=[story.people["ada"]])
    assert (held.refreshes(), held.passes_silently()) == (False, False)
    with story.world.begin() as uow:
        update_group(uow, "Office", remove=[story.people["ada"]])

    assert held.answers() == {True}


def test_a_plain_day_leaves_no_decision(story: Story, held: Held) -> None:
    assert held.answers() == {True}

    assert story.world.count(DecisionRow) == 0
