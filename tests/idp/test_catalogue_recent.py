"""A bulk reset takes a sign-in that was a moment ago, and says why it was made (B-06).

Who may reset at all is in `tests/idp/test_catalogue_resets.py`; administrators among those who
would be reset, in `tests/idp/api/test_plans.py`.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import Client as HttpClient

from idp.jobs.runner import Runner
from tests.idp.api.desk import EVERY_SCOPE, Desk, Reply
from tests.support.commands import run_command
from tests.support.story import Answer, open_story

PLANS = "/realms/staff/plans"
LIMIT = 15 * 60
REASON = "a laptop was stolen"


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    """Give the interface over a database of each kind; somebody is there to be reset."""
    with open_story(database_url) as story:
        story.person("ada")
        yield Desk(story)


def plan(desk: Desk, token: str, kind: str = "password.reset") -> Reply:
    """Return the answer to somebody who plans something."""
    whom = {"mode": "require_change", "select": {"all": True}, "reason": REASON}
    policy = {"policy": {"rules": {"length": {"min": 9, "max": 256}}}}
    params = whom if kind == "password.reset" else policy
    return desk.post(PLANS, token, {"kind": kind, "params": params})


def apply(desk: Desk, token: str, planned: Reply, **headers: str) -> Reply:
    """Return the answer to the go-ahead."""
    body = {"fingerprint": planned.json["fingerprint"]}
    return desk.post(f"/plans/{planned.json['id']}/apply", token, body, **headers)


def later(desk: Desk, tokens: dict[str, Any], seconds: int) -> dict[str, Any]:
    """Return what refreshing gives after a while."""
    desk.story.world.advance(seconds=seconds)
    return desk.story.refresh(desk.console, tokens["refresh_token"]).json


def ask(desk: Desk, browser: HttpClient, **params: str) -> Answer:
    """Send a browser to the authorize endpoint, for everything that administrators may do."""
    scope = f"openid {EVERY_SCOPE}"
    return desk.story.authorize(desk.console, browser=browser, scope=scope, **params)


def test_a_person_who_signed_in_long_ago_is_asked_to_do_it_again(desk: Desk) -> None:
    desk.administrator("olga")
    story, browser = desk.story, desk.story.new_browser()
    story.sign_in("olga", browser=browser)
    first = story.redeem(desk.console, ask(desk, browser).code).json

    just_recent = later(desk, first, LIMIT - 10)
    planned = plan(desk, just_recent["access_token"])
    token = later(desk, just_recent, 11)["access_token"]
    refused = [plan(desk, token), apply(desk, token, planned, idempotency_key="once")]

    assert planned.status == 201
    for answer in refused:
        assert (answer.status, answer.code) == (401, "token.sign_in_too_old")
        assert answer.json["params"] == {"max_age": LIMIT}
        challenge = answer.response.headers["WWW-Authenticate"]
        assert 'error="insufficient_user_authentication"' in challenge
        assert f'max_age="{LIMIT}"' in challenge
    assert [one["state"] for one in desk.get(PLANS, token).json["items"]] == ["planned"]
    assert plan(desk, token, "policy.publish").status == 201

    # What the challenge asks for: an authorization request with this max_age. It leads to the
    # sign-in page until the password was typed again.
    assert "code" not in ask(desk, browser, max_age=str(LIMIT)).returned
    story.sign_in("olga", browser=browser)
    code = ask(desk, browser, max_age=str(LIMIT)).code
    fresh: str = story.redeem(desk.console, code).json["access_token"]
    assert apply(desk, fresh, planned, idempotency_key="once").status == 202


def test_a_person_may_take_a_reset_back_however_long_ago_the_sign_in_was(desk: Desk) -> None:
    desk.administrator("olga")
    tokens = desk.tokens_of("olga")
    planned = plan(desk, tokens["access_token"])
    assert apply(desk, tokens["access_token"], planned).status == 202
    Runner(desk.story.world.runtime).run_once()

    token = later(desk, tokens, LIMIT + 1)["access_token"]

    assert desk.post(f"/plans/{planned.json['id']}/undo", token).status == 202


def test_services_and_the_host_have_no_sign_in_that_could_be_old(desk: Desk) -> None:
    token = desk.service("admin:reset")
    desk.story.world.advance(seconds=4 * 60)
    whom = ("--realm", "staff", "--mode", "require_change", "--all", "--json")

    assert apply(desk, token, plan(desk, token)).status == 202
    on_the_host = run_command(desk.story.world.runtime, "reset", "plan", *whom)
    assert json.loads(on_the_host.stdout)["state"] == "planned"


@pytest.mark.parametrize("by", ["API", "CLI"])
def test_the_reason_is_shown_with_the_plan_and_on_record(desk: Desk, by: str) -> None:
    runtime = desk.story.world.runtime
    if by == "API":
        planned = plan(desk, desk.owner())
        shown = planned.json
        assert apply(desk, desk.owner(), planned).status == 202
    else:
        whom = ("--realm", "staff", "--mode", "require_change", "--all", "--reason", REASON)
        shown = json.loads(run_command(runtime, "reset", "plan", *whom, "--json").stdout)
        run_command(runtime, "reset", "apply", shown["id"], "--realm", "staff", "--yes")
    Runner(runtime).run_once()

    assert shown["params"]["reason"] == REASON
    assert shown["summary"].endswith(f"reason: {REASON}")
    told = {event.code: event.params for event in desk.story.world.events()}
    assert REASON in told["plan.created"]["summary"]
    assert told["reset.applied"]["reason"] == REASON
