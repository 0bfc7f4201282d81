"""Past decisions over REST: why a user was asked, and that the record says what was decided."""

import pytest

from tests.idp.api.desk import USERS, Desk
from tests.support.world import PASSWORD

LONG = {"length": {"min": 24, "max": 256}}


@pytest.fixture
def asked(desk: Desk) -> str:
    """Give somebody who was observed, then asked twice in two apps; return the address."""
    story = desk.story
    ada = story.person("ada", password=PASSWORD)
    mobile, pro = story.app("mobile", client_name="Mobile"), story.app("pro", client_name="Pro")
    story.sign_in("ada")
    for enforcement, app in (("observe", mobile), ("everyone", mobile), ("everyone", pro)):
        story.world.advance(seconds=1)
        story.world.publish_policy({"enforcement": enforcement, "rules": LONG})
        for _ in range(2):
            story.authorize(app, prompt="none")
    return f"{USERS}/{ada}/decisions"


def test_decisions_are_listed_in_words_and_as_data(desk: Desk, asked: str) -> None:
    seen = desk.get(asked, desk.owner())

    assert seen.status == 200, seen.text
    pro, mobile, observed = seen.json["items"]
    assert seen.json["next_cursor"] is None
    assert pro["text"] == (
        "Pro asked you to choose another password, "
        "because the minimum length was raised to 24 characters."
    )
    assert pro["findings"] == [
        {
            "code": "policy.stricter",
            "params": {"version": 4, "rules": "length"},
            "text": "The minimum length was raised to 24 characters.",
        }
    ]
    told = {name: pro[name] for name in ("code", "outcome", "reason", "action", "withheld_by")}
    assert told == {
        "code": "policy.stricter",
        "outcome": "refused",
        "reason": "password_change_required",
        "action": "change_password",
        "withheld_by": None,
    }
    assert (pro["policy_version"], pro["judged_under"], pro["count"]) == (4, 1, 2)
    assert (pro["client_id"], pro["at"], pro["last_at"]) == ("pro", pro["at"], pro["at"])
    assert (mobile["policy_version"], mobile["client_name"]) == (3, "Mobile")
    assert (observed["outcome"], observed["withheld_by"], observed["reason"]) == (
        "withheld",
        "observe",
        None,
    )
    assert (observed["policy_version"], observed["count"]) == (2, 1)
    assert [each["replay"] for each in seen.json["items"]] == [{"agrees": True}] * 3


def test_they_come_in_pages(desk: Desk, asked: str) -> None:
    owner = desk.owner()
    first = desk.get(f"{asked}?limit=2", owner).json
    last = desk.get(f"{asked}?limit=2&cursor={first['next_cursor']}", owner).json

    found = [each["policy_version"] for each in (*first["items"], *last["items"])]
    assert (found, last["next_cursor"]) == ([4, 3, 2], None)


@pytest.mark.parametrize(
    ("scope", "status"), [("admin:read", 200), ("admin:users", 200), ("admin:clients", 403)]
)
def test_whoever_may_read_users_may_read_them(
    desk: Desk, asked: str, scope: str, status: int
) -> None:
    assert desk.get(asked, desk.service(scope)).status == status


def test_of_nobody_there_are_none(desk: Desk) -> None:
    nobody = "00000000-0000-7000-8000-000000000000"

    assert desk.get(f"{USERS}/{nobody}/decisions", desk.owner()).code == "user.not_found"
