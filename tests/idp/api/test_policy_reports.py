"""The policy report over REST: counts, names in a file, and how they went over time."""

import csv
from typing import Any
from xml.etree import ElementTree as ET

from idp.jobs.runner import Runner
from tests.idp.api.desk import Desk

REPORT = "/realms/staff/policy/report"
ASKING = {"enforcement": "everyone", "rules": {"length": {"min": 24, "max": 256}}}


def _listed(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def test_the_report_tells_groups_withheld_and_observed(desk: Desk) -> None:
    owner = desk.owner()
    desk.story.world.publish_policy({**ASKING, "enforcement": "observe"})

    report = desk.get(REPORT, owner).json

    everybody = report["active_users"]
    assert report["withheld"] == report["outcomes"]["withheld"] == everybody
    assert report["groups"] == [
        {"name": None, "users": everybody, "have_to_change": 0, "withheld": everybody}
    ]
    assert [each["by"] for each in report["withheld_by"]] == ["observe"]
    assert report["observed"] == {"everyone": 0, "noncompliant": 0}
    assert (report["oldest_since"], report["oldest_days"]) == (None, None)


def test_the_names_are_a_file(desk: Desk) -> None:
    reader = desk.service("admin:read")
    desk.story.world.add_user("late", user={"username": "@late", "username_key": "@late"})
    desk.story.world.publish_policy(ASKING)

    answer = desk.get(f"{REPORT}.csv", reader)

    assert answer.status == 200
    assert answer.response.content_type == "text/csv; charset=utf-8"
    assert answer.response.headers["Content-Disposition"] == (
        'attachment; filename="staff-policy-report.csv"'
    )
    assert answer.text.startswith("username,email,groups,outcome,why,")
    [late] = _listed(answer.text)
    assert (late["username"], late["outcome"]) == ("'@late", "stale_by_policy")


def test_a_file_of_nobody_has_its_heading(desk: Desk) -> None:
    answer = desk.get("/realms/portal/policy/report.csv", desk.service("admin:policy"))

    assert (answer.status, len(answer.text.splitlines())) == (200, 1)


def _taken(desk: Desk, count: int) -> None:
    for _ in range(count):
        Runner(desk.story.world.runtime).run_once()
        desk.story.world.advance(hours=1)


def test_the_history_is_paged_oldest_first(desk: Desk) -> None:
    _taken(desk, 3)
    reader = desk.service("admin:read")

    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = desk.get(f"{REPORT}/history?limit=2{cursor and '&cursor='}{cursor}", reader).json
        found += page["items"]
        cursor = page["next_cursor"]
    since = found[1]["at"].replace("+", "%2B")
    later = desk.get(f"{REPORT}/history?since={since}", reader).json["items"]

    moments = [each["at"] for each in found]
    assert len(moments) == 3
    assert moments == sorted(set(moments))
    assert later == found[1:]
    assert found[0]["active_users"] == sum(found[0]["outcomes"].values())


def test_what_cannot_be_asked_of_the_history_is_refused(desk: Desk) -> None:
    reader = desk.service("admin:read")

    for query in ("cursor=x", "cursor=WyJ4Il0", "since=2026-11-02T09:00:00", "limit=0", "days=1"):
        assert desk.get(f"{REPORT}/history?{query}", reader).status == 422, query
    for query in ("days=0", "days=401", "days=x", "limit=1"):
        assert desk.get(f"{REPORT}/burn-down.svg?{query}", reader).status == 422, query


def test_the_burn_down_is_a_picture(desk: Desk) -> None:
    _taken(desk, 2)
    reader = desk.service("admin:policy")

    answer = desk.get(f"{REPORT}/burn-down.svg?days=7", reader)

    assert answer.status == 200
    assert answer.response.content_type == "image/svg+xml; charset=utf-8"
    root = ET.fromstring(answer.text)  # noqa: S314 - our own
    assert root.get("role") == "img"


def test_the_files_ask_for_the_scope_of_the_report(desk: Desk) -> None:
    stranger = desk.service("admin:clients")

    for path in (f"{REPORT}.csv", f"{REPORT}/history", f"{REPORT}/burn-down.svg"):
        assert desk.get(path).status == 401
        assert desk.get(path, stranger).status == 403
        assert desk.get(path.replace("staff", "nowhere"), stranger).status in (403, 404)
