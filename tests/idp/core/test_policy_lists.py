"""Who still has to change, by name, in a file that spreadsheets open safely."""

from datetime import timedelta

import pytest

from idp.core import policy_lists
from idp.core.policy_lists import REPORT_COLUMNS, list_outstanding
from tests.support.campaigns import run_reset
from tests.support.world import PORTAL, STAFF, World

LONG = {"length": {"min": 12, "max": 256}}
ASKING = {"enforcement": "everyone", "rules": LONG}


def _rows(world: World) -> dict[str, dict[str, str]]:
    rows = [
        dict(zip(REPORT_COLUMNS, cells, strict=True))
        for cells in list_outstanding(world.runtime, STAFF)
    ]
    assert [row["username"] for row in rows] == sorted(row["username"] for row in rows)
    return {row["username"]: row for row in rows}


def test_only_who_is_not_done_is_listed(world: World) -> None:
    now = world.clock.now()
    world.add_user("fine", credential={"judged_under": 2})
    world.add_user("stale")
    world.add_user("asked", credential={"judged_under": 2, "must_change": True})
    world.add_user("imported", credential={"judged_under": 0})
    world.add_user("shared", credential={"judged_under": 2, "campaign_id": "some"})
    world.add_user("temporary", credential={"judged_under": 2, "temporary_until": now})
    world.add_user("none", password=None)
    world.add_user("gone", user={"status": "inactive"})
    world.add_user("pat", realm=PORTAL)
    world.publish_policy(ASKING)

    assert list(_rows(world)) == ["asked", "shared", "stale", "temporary"]


def test_a_row_tells_why_and_since_when(world: World) -> None:
    seen = world.clock.now() - timedelta(days=1)
    world.add_user("ada", user={"last_sign_in_at": seen})
    began = world.clock.now()
    world.publish_policy(ASKING)
    world.advance(days=2)

    [row] = _rows(world).values()

    assert row == {
        "username": "ada",
        "email": "ada@example.com",
        "groups": "",
        "outcome": "stale_by_policy",
        "why": "policy.stricter",
        "judged_under": "1",
        "password_set_at": "2026-11-02T09:00:00Z",
        "on_shared_password": "false",
        "last_sign_in_at": "2026-11-01T09:00:00Z",
        "since": began.isoformat().replace("+00:00", "Z"),
        "withheld_by": "",
        "withheld_until": "",
    }


def test_who_is_not_asked_yet_is_listed_with_the_date(world: World) -> None:
    world.add_user("ada")
    world.publish_policy({**ASKING, "grace": "P7D"})

    [row] = _rows(world).values()

    assert (row["outcome"], row["why"]) == ("withheld", "policy.stricter")
    assert (row["withheld_by"], row["withheld_until"]) == ("grace", "2026-11-09T09:00:00Z")


def test_a_bulk_reset_is_listed_until_people_chose_their_own(world: World) -> None:
    world.publish_policy({"enforcement": "everyone", "rules": {}})
    world.add_user("ada", user={"email": None})
    run_reset(world)

    [row] = _rows(world).values()

    assert (row["outcome"], row["on_shared_password"], row["email"]) == ("must_change", "true", "")


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+1", "-1", "@x", "\tx", "\rx", "\uff1d1"])
def test_no_cell_is_run_by_a_spreadsheet(world: World, name: str) -> None:
    columns = {"username": name, "username_key": f"{name}-key", "email": f"{name}@example.com"}
    world.add_user("ada", user=columns)
    world.publish_policy(ASKING)

    [cells] = list_outstanding(world.runtime, STAFF)

    assert cells[:2] == [f"'{name}", f"'{name}@example.com"]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)


def test_the_pages_miss_nothing_and_repeat_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy_lists, "PAGE", 3)
    for number in range(9):
        world.add_user(f"user-{number}")
    world.publish_policy(ASKING)

    assert list(_rows(world)) == [f"user-{number}" for number in range(9)]
