"""The audit trail over REST: read only, in pages, by what one asks."""

from urllib.parse import quote

import pytest

from tests.idp.api.desk import USERS, Desk
from tests.support.world import PORTAL


def _codes(events: list[dict[str, str]]) -> list[str]:
    return [event["code"] for event in events]


def test_events_of_all_realms_are_read_newest_first(desk: Desk) -> None:
    owner = desk.owner()
    for realm in ("staff", "portal", "staff"):
        desk.story.world.advance(seconds=1)
        desk.post(
            f"/realms/{realm}/groups", owner, {"name": f"g{desk.story.world.clock.now()}"[:25]}
        )

    events = desk.get("/audit?code=group.created", owner).json["items"]

    assert [event["realm"] for event in events] == ["staff", "portal", "staff"]
    assert events == sorted(events, key=lambda event: event["at"], reverse=True)
    assert {event["actor_id"] for event in events} == {desk.story.people["olga"]}
    one = desk.get("/audit?code=group.created&realm=portal", owner).json["items"]
    assert one == events[1:2]
    assert desk.get("/realms/portal/audit?code=group.created", owner).json["items"] == one
    assert desk.get("/audit?realm=nowhere", owner).status == 404


def test_pages_miss_nothing_and_repeat_nothing(desk: Desk) -> None:
    owner = desk.owner()
    for number in range(5):
        desk.post("/realms/portal/groups", owner, {"name": f"p{number}"})
        desk.post("/realms/staff/groups", owner, {"name": f"s{number}"})
    whole = desk.get("/audit?limit=200", owner).json["items"]

    found: list[dict[str, str]] = []
    page = desk.get("/audit?limit=3", owner).json
    while page["next_cursor"]:
        found += page["items"]
        page = desk.get(f"/audit?limit=3&cursor={page['next_cursor']}", owner).json
    found += page["items"]

    assert len(whole) > 10
    assert found == whole


def test_events_are_found_by_whom_they_are_about_and_when(desk: Desk) -> None:
    owner, ada = desk.owner(), desk.person("ada")
    start = desk.story.world.clock.now()
    desk.story.world.advance(minutes=1)
    locked = desk.post(f"{ada}/lock", owner)
    user_id = desk.story.people["ada"]
    request_id = locked.response.headers["X-Request-Id"]
    since, until = quote(desk.story.world.clock.now().isoformat()), quote(start.isoformat())

    about = desk.get(f"/realms/staff/audit?subject_id={user_id}&since={since}", owner).json
    before = desk.get(f"/realms/staff/audit?subject_id={user_id}&until={until}", owner).json
    by_request = desk.get(f"/audit?request_id={request_id}", owner).json
    by_client = desk.get("/audit?client_id=console&code=token.issued", owner).json
    by_actor = desk.get(f"/audit?actor_id={desk.story.people['olga']}&code=user.locked", owner).json

    assert "user.locked" in _codes(about["items"])
    assert "user.locked" not in _codes(before["items"])
    assert "user.locked" in _codes(by_request["items"])
    assert {event["client_id"] for event in by_client["items"]} <= {"console"}
    assert _codes(by_actor["items"]) == ["user.locked"]


def test_what_cannot_be_asked_is_refused(desk: Desk) -> None:
    owner = desk.owner()

    for query in ("since=yesterday", "since=2026-11-02T09:00:00", "cursor=e30", "colour=red"):
        assert desk.get(f"/audit?{query}", owner).status == 422, query
    assert desk.get("/audit?code=%00", owner).status == 422


def test_the_trail_cannot_be_written_here(desk: Desk) -> None:
    owner = desk.owner()

    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert desk.call(method, "/audit", owner, json={}).status == 405


def test_the_trail_has_a_scope_of_its_own(desk: Desk) -> None:
    reader, auditing = desk.service("admin:read"), desk.service("admin:audit")

    assert desk.get("/audit", reader).status == 403
    assert desk.get("/audit", auditing).status == 200
    assert desk.get(USERS, auditing).status == 403
    assert desk.get(f"/realms/{PORTAL}/audit", auditing).status == 200


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_moment_without_a_date_in_utc_is_refused(desk: Desk, moment: str) -> None:
    owner = desk.owner()

    for name in ("since", "until"):
        assert desk.get(f"/audit?{name}={quote(moment)}", owner).status == 422
