"""The policy over REST: read here, changed by plans."""

import json
from collections.abc import Iterator

import pytest

from tests.idp.api.desk import Desk
from tests.support.commands import run_command
from tests.support.story import open_story

POLICY = "/realms/staff/policy"
PLANS = "/realms/staff/plans"
LONGER = {"enforcement": "everyone", "rules": {"length": {"min": 12, "max": 256}}}


def _publish(desk: Desk, owner: str, document: object = LONGER, **params: object) -> str:
    body = {"kind": "policy.publish", "params": {"policy": document, **params}}
    plan = desk.post(PLANS, owner, body)
    assert plan.status == 201, plan.text
    applied = desk.post(
        f"/plans/{plan.json['id']}/apply", owner, {"fingerprint": plan.json["fingerprint"]}
    )
    assert applied.status == 202, applied.text
    job_id: str = applied.json["job_id"]
    return job_id


def test_the_policy_in_force_is_read_with_its_version(desk: Desk) -> None:
    policy = desk.get(POLICY, desk.owner())

    assert policy.etag == '"v1"'
    assert policy.json["number"] == 1
    assert policy.json["is_current"] is True
    assert policy.json["managed_by"] == "admin"
    assert policy.json["document"]["rules"]["length"]["min"] == 8


def test_a_publication_is_a_plan_and_its_job_is_done_at_once(desk: Desk) -> None:
    owner = desk.owner()

    job_id = _publish(desk, owner)

    job = desk.get(f"/jobs/{job_id}", owner).json
    assert (job["state"], job["done"], job["total"], job["errors"]) == ("done", 1, 1, [])
    policy = desk.get(POLICY, owner)
    assert (policy.etag, policy.json["document"]) == ('"v2"', LONGER)
    assert policy.json["author_id"] == desk.story.people["olga"]
    assert policy.json["diff"]


def test_versions_are_kept_and_paged_newest_first(desk: Desk) -> None:
    owner = desk.owner()
    for least in (9, 10):
        _publish(desk, owner, {"rules": {"length": {"min": least, "max": 256}}})

    first = desk.get(f"{POLICY}/versions?limit=2", owner).json
    second = desk.get(f"{POLICY}/versions?limit=2&cursor={first['next_cursor']}", owner).json
    one = desk.get(f"{POLICY}/versions/2", owner)

    numbers = [version["number"] for version in first["items"] + second["items"]]
    assert numbers == [3, 2, 1]
    assert second["next_cursor"] is None
    assert (one.json["number"], one.json["is_current"]) == (2, False)
    assert desk.get(f"{POLICY}/versions/9", owner).status == 404
    assert desk.get(f"{POLICY}/versions/99999999999", owner).status == 404


def test_who_saw_an_older_policy_does_not_overwrite_the_newer(desk: Desk) -> None:
    owner = desk.owner()
    seen = desk.get(POLICY, owner)
    _publish(desk, owner)
    body = {"kind": "policy.publish", "params": {"policy": {"rules": {}}}}

    by_header = desk.post(PLANS, owner, body, if_match=seen.etag)
    body["params"]["base_version"] = seen.json["number"]  # type: ignore[index]
    by_number = desk.post(PLANS, owner, body)

    assert (by_header.status, by_number.status) == (412, 412)


def test_of_two_plans_on_one_policy_one_is_applied(desk: Desk) -> None:
    owner = desk.owner()
    body = {"kind": "policy.publish", "params": {"policy": LONGER, "base_version": 1}}
    plans = [desk.post(PLANS, owner, body).json for _ in range(2)]

    applied = [
        desk.post(f"/plans/{plan['id']}/apply", owner, {"fingerprint": plan["fingerprint"]})
        for plan in plans
    ]

    assert [one.status for one in applied] == [202, 409]
    assert applied[1].code == "plan_outdated"


def test_a_document_that_is_wrong_says_where(desk: Desk) -> None:
    owner = desk.owner()
    wrong = {"rules": {"length": {"min": "many"}}}

    refused = desk.post(PLANS, owner, {"kind": "policy.publish", "params": {"policy": wrong}})

    assert (refused.status, refused.code) == (422, "policy.invalid")
    assert refused.json["params"]["path"] == "rules.length.min"


def test_a_conflict_with_nist_has_to_be_accepted(desk: Desk) -> None:
    owner = desk.owner()
    aged = {"rules": {"length": {"min": 8, "max": 256}, "max_age": {"days": 90}}}
    params: dict[str, object] = {"policy": aged}

    asked = desk.post(PLANS, owner, {"kind": "policy.publish", "params": params})
    params["accept_conflicts"] = True
    accepted = desk.post(PLANS, owner, {"kind": "policy.publish", "params": params})

    assert (asked.status, asked.code) == (409, "policy.conflicts_with_nist")
    assert accepted.status == 201


@pytest.fixture
def configured(database_url: str) -> Iterator[Desk]:
    """Give a product whose configuration owns the staff policy."""
    realms = {
        "staff": {"policy_managed_by": "config", "policy": {"rules": {}}},
        "portal": {},
    }
    with open_story(database_url, settings={"realms": realms}) as story:
        yield Desk(story)


def test_a_policy_that_the_configuration_owns_is_not_published_here(configured: Desk) -> None:
    owner = configured.owner()
    body = {"kind": "policy.publish", "params": {"policy": LONGER}}

    refused = configured.post(PLANS, owner, body)

    assert (refused.status, refused.code) == (409, "policy.managed_by_config")
    assert configured.get(POLICY, owner).json["managed_by"] == "config"


def test_the_report_is_the_one_that_the_command_prints(desk: Desk) -> None:
    owner = desk.owner()
    desk.story.person("bob")
    _publish(desk, owner)

    report = desk.get(f"{POLICY}/report", owner)
    printed = run_command(
        desk.story.world.runtime, "policy", "report", "--realm", "staff", "--json"
    )

    assert report.status == 200, report.text
    assert report.json == json.loads(printed.stdout)
    assert report.json["have_to_change"] == report.json["outcomes"]["stale_by_policy"] >= 1
