"""Refresh: rotation, the ten seconds of grace, reuse, the limits, and who may do it."""

import json
from typing import Any

import pytest

from idp.adapters.secretbox import KeyFileBox
from idp.core.client_admin import update_client
from idp.core.sessions import end_session
from tests.support import world
from tests.support.story import App, Story
from tests.support.world import PORTAL


def begin(story: Story) -> tuple[App, str]:
    """Return an app and its first refresh token."""
    app = story.app()
    story.sign_in("ada")
    return app, story.tokens(app)["refresh_token"]


def test_a_refresh_gives_new_tokens_of_the_same_sign_in(story: Story) -> None:
    app, first = begin(story)
    before = story.event_codes()
    story.world.advance(minutes=10)

    answer = story.refresh(app, first)

    assert answer.status == 200
    assert answer.json["refresh_token"] != first
    id_token = story.claims(answer.json["id_token"])
    now = int(story.world.clock.now().timestamp())
    assert id_token["iat"] == now
    assert id_token["auth_time"] == now - 600
    assert "nonce" not in id_token
    assert story.userinfo(answer.json["access_token"]).status == 200
    assert story.event_codes() == before  # a rotation writes no event


def test_within_ten_seconds_the_same_successor_comes_again(story: Story) -> None:
    app, first = begin(story)

    answers = [story.refresh(app, first)]
    story.world.advance(seconds=10)
    answers.append(story.refresh(app, first))

    assert [answer.status for answer in answers] == [200, 200]
    successors = {answer.json["refresh_token"] for answer in answers}
    assert len(successors) == 1
    assert answers[0].json["access_token"] != answers[1].json["access_token"]
    assert story.refresh(app, successors.pop()).status == 200


def test_after_ten_seconds_an_old_token_ends_the_family(story: Story) -> None:
    app, first = begin(story)
    rs = story.app("rs", application_type="service", may_introspect=True)
    second = story.refresh(app, first).json
    third = story.refresh(app, second["refresh_token"]).json
    assert story.introspect(rs, third["refresh_token"]).json["active"] is True

    story.world.advance(seconds=11)
    reuse = story.refresh(app, first)

    assert (reuse.status, reuse.error) == (400, "invalid_grant")
    assert "idp_reason" not in reuse.json
    assert story.refresh(app, third["refresh_token"]).error == "invalid_grant"
    assert story.introspect(rs, third["access_token"]).json == {"active": False}
    assert story.introspect(rs, third["refresh_token"]).json == {"active": False}
    assert story.event_codes().count("token.reuse_detected") == 1


def test_the_grace_ends_once_the_successor_is_used(story: Story) -> None:
    app, first = begin(story)
    second = story.refresh(app, first).json["refresh_token"]
    third = story.refresh(app, second).json["refresh_token"]

    assert story.refresh(app, first).error == "invalid_grant"
    assert story.refresh(app, third).error == "invalid_grant"


def test_one_second_too_late_is_reuse(story: Story) -> None:
    app, first = begin(story)
    second = story.refresh(app, first).json["refresh_token"]
    story.world.advance(seconds=10.5)

    assert story.refresh(app, first).error == "invalid_grant"
    assert story.refresh(app, second).error == "invalid_grant"


def test_a_refresh_token_belongs_to_its_client(story: Story) -> None:
    app, first = begin(story)
    web2 = story.app("web2")
    spa = story.app("spa", application_type="spa")
    pweb = story.app("pweb", realm=PORTAL)
    spa_token = story.tokens(spa)["refresh_token"]

    refused = [
        story.refresh(web2, first),
        story.refresh(App("web", "wrong", ""), first),
        story.refresh(App("web", None, ""), first),
        story.refresh(pweb, first),
        story.refresh(App("spa", app.secret, ""), spa_token),
        story.refresh(spa, spa_token, client_secret=str(app.secret)),
    ]

    assert [answer.error for answer in refused] == [
        *("invalid_grant", "invalid_client", "invalid_client", "invalid_grant"),
        *("invalid_client", "invalid_client"),
    ]
    assert all("access_token" not in answer.json for answer in refused)
    assert story.refresh(app, first).status == 200
    assert story.refresh(spa, spa_token).status == 200


def test_the_grace_is_for_the_same_client_only(story: Story) -> None:
    app, first = begin(story)
    web2 = story.app("web2")
    story.refresh(app, first)

    assert story.refresh(web2, first).error == "invalid_grant"
    assert story.refresh(app, first).status == 200


@pytest.mark.parametrize("raw", ["x", "", "A" * 70, "é", "A" * 100_000])
def test_a_token_that_nobody_wrote_is_refused(story: Story, raw: str) -> None:
    app = story.app()

    answer = story.refresh(app, raw)

    assert answer.status in {400, 413}
    assert answer.error in {"invalid_grant", "invalid_request"}


def test_a_token_with_one_changed_character_is_refused(story: Story) -> None:
    app, first = begin(story)

    for place in (0, 25, 40, 68):
        other = "A" if first[place] != "A" else "B"
        changed = first[:place] + other + first[place + 1 :]
        assert story.refresh(app, changed).error == "invalid_grant"
    assert story.refresh(app, first).status == 200


def test_scopes_can_shrink_and_never_grow(story: Story) -> None:
    app = story.app()
    story.sign_in()
    first = story.tokens(app, scope="openid email")["refresh_token"]

    grown = story.refresh(app, first, scope="openid email phone")
    shrunk = story.refresh(app, first, scope="openid")
    whole = story.refresh(app, shrunk.json["refresh_token"])

    assert grown.error == "invalid_scope"
    assert shrunk.json["scope"] == "openid"
    assert "email" not in story.userinfo(shrunk.json["access_token"]).json
    assert whole.json["scope"] == "openid email"


def test_a_scope_that_the_client_lost_is_gone(story: Story) -> None:
    app = story.app()
    story.sign_in()
    first = story.tokens(app, scope="openid email")["refresh_token"]
    with story.world.begin() as uow:
        update_client(uow, "web", {"scopes": ("openid",)})

    assert story.refresh(app, first).json["scope"] == "openid"


def test_a_claim_asked_for_by_name_goes_with_its_scope(story: Story) -> None:
    app = story.app()
    story.sign_in()
    wish = {"email": None, "given_name": None}
    first = story.tokens(app, claims=json.dumps({"id_token": wish, "userinfo": wish}))
    with story.world.begin() as uow:
        update_client(uow, "web", {"scopes": ("openid",)})

    later = story.refresh(app, first["refresh_token"]).json

    assert "email" in story.claims(first["id_token"])
    assert "email" not in story.claims(later["id_token"])
    for token in (first["access_token"], later["access_token"]):
        assert set(story.userinfo(token).json) == {"sub"}


def test_an_idle_token_ends(story: Story) -> None:
    app, first = begin(story)
    story.world.advance(days=14)
    second = story.refresh(app, first).json["refresh_token"]

    story.world.advance(days=14, seconds=1)

    answer = story.refresh(app, second)
    assert answer.error == "invalid_grant"
    assert "idp_reason" not in answer.json


def test_the_absolute_limit_counts_from_the_sign_in(story: Story) -> None:
    app = story.app()
    story.sign_in("ada")
    story.world.advance(hours=7)
    token = story.tokens(app)["refresh_token"]

    for _ in range(8):
        story.world.advance(days=11)
        token = story.refresh(app, token).json["refresh_token"]
    story.world.advance(days=1, hours=16, minutes=59)
    token = story.refresh(app, token).json["refresh_token"]
    story.world.advance(minutes=2)

    assert story.refresh(app, token).error == "invalid_grant"


REFUSALS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "disabled": ({"status": "inactive"}, {}, "account_disabled"),
    "locked": ({"locked_at": "now"}, {}, "account_locked"),
    "password changed": ({"epoch": 2, "credential_epoch": 2}, {}, "credential_changed"),
    "sessions ended": ({"epoch": 2}, {}, "session_ended"),
    "imported hash": ({}, {"judged_under": 0}, "sign_in_required"),
    "must change": ({}, {"must_change": True}, "password_change_required"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_the_gate_refuses_and_the_family_lives_on(story: Story, case: str) -> None:
    user, credential, reason = REFUSALS[case]
    app, first = begin(story)
    ada = story.people["ada"]
    now = story.world.clock.now()
    before = story.world.user(ada)
    if user:
        changes: dict[str, Any] = {
            name: now if value == "now" else value for name, value in user.items()
        }
        story.world.change_user(ada, **changes)
    if credential:
        story.world.change_credential(ada, **credential)

    refused = story.refresh(app, first)

    assert (refused.status, refused.error) == (400, "invalid_grant")
    assert refused.json["idp_reason"] == reason
    assert refused.json["error_description"]
    assert ("idp_action_uri" in refused.json) == (reason == "password_change_required")
    event = story.world.events()[-1]
    assert (event.code, event.params["reason"]) == ("token.refused", reason)
    story.world.change_user(ada, status=before.status, locked_at=None, epoch=1, credential_epoch=1)
    story.world.change_credential(ada, must_change=False, judged_under=1)
    assert story.refresh(app, first).status == 200


def test_the_action_address_is_ours_and_stays_while_the_app_asks(story: Story) -> None:
    app, first = begin(story)
    story.world.change_credential(story.people["ada"], must_change=True)

    addresses = {story.refresh(app, first).json["idp_action_uri"] for _ in range(3)}

    assert len(addresses) == 1
    assert addresses.pop().startswith("http://localhost:8080/realms/staff/action/")


def test_an_ended_session_ends_its_refresh_tokens(story: Story) -> None:
    app = story.app()
    sid = story.sign_in("ada")
    first = story.tokens(app)["refresh_token"]
    with story.world.begin() as uow:
        end_session(uow, story.people["ada"], sid)  # type: ignore[arg-type]

    assert story.refresh(app, first).json["idp_reason"] == "session_ended"


def test_a_session_that_only_timed_out_ends_nothing(story: Story) -> None:
    app, first = begin(story)
    story.world.advance(days=8)

    assert story.authorize(app, prompt="none").returned["error"] == "login_required"
    assert story.refresh(app, first).status == 200


def test_a_key_file_with_a_new_key_still_knows_the_old_tokens(story: Story) -> None:
    app, first = begin(story)
    keys = {b"\x00\x00\x00\x02": b"n" * 32, world._KEY_ID: world._KEY}
    story.world.runtime.box = KeyFileBox(keys)
    second = story.refresh(app, first)
    story.world.runtime.box = KeyFileBox({b"\x00\x00\x00\x02": b"n" * 32})

    assert second.status == 200
    assert story.refresh(app, first).error in {"invalid_client", "invalid_grant"}
