"""Directories at the REST interface: how they stand, their runs, what those would change."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from idp.core.sync.runs import RunMode
from idp.jobs.runner import Runner
from tests.idp.api.desk import Desk
from tests.support.story import open_story
from tests.support.syncing import sync_to_end
from tests.support.world import STAFF

LINES = "id,login,email,name,groups\n1,ada,ada@example.com,Ada,makers\n2,ben,ben@example.com,Ben,\n"
CRM, LDAP = "crm", "corp"
SECRET = "bind-Secret-7"
ALL = "/realms/staff/connectors"
PLANS = "/realms/staff/plans"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give a directory of two people."""
    path = tmp_path / "people.csv"
    path.write_text(LINES)
    return path


@pytest.fixture
def desk(database_url: str, file: Path) -> Iterator[Desk]:
    """Give the interface of a product with two directories."""
    connectors = {
        CRM: {"kind": "csv", "path": str(file)},
        LDAP: {
            "kind": "ldap",
            "realm": "portal",
            "url": ["ldaps://ldap.example.test", "ldap://127.0.0.1:3890"],
            "bind_dn": "cn=idp,dc=example,dc=test",
            "bind_password": SECRET,
            "base": "dc=example,dc=test",
        },
    }
    with open_story(database_url, settings={"connectors": connectors}) as story:
        yield Desk(story)


def test_a_directory_is_told_without_its_settings(desk: Desk) -> None:
    token = desk.service("admin:directory")

    [crm] = desk.get(ALL, token).json["items"]
    answer = desk.get(f"/connectors/{LDAP}", token)

    assert (crm["name"], crm["kind"], crm["realm"], crm["servers"]) == (CRM, "csv", "staff", [])
    assert crm["needs_first_plan"] is True
    assert answer.json["realm"] == "portal"
    assert answer.json["servers"] == ["ldaps://ldap.example.test", "ldap://127.0.0.1:3890"]
    for secret in (SECRET, "cn=idp", "dc=example"):
        assert secret not in answer.text
    assert desk.get(f"{ALL}/{LDAP}", token).code == "directory.not_found"
    assert desk.get("/connectors/nothing", token).code == "directory.not_found"


def test_plan_look_apply(desk: Desk) -> None:
    token = desk.service("admin:directory")
    body = {"kind": "directory.sync", "params": {"connector": CRM}}
    planned = desk.post(PLANS, token, body)
    assert planned.status == 201, planned.text
    plan = planned.json
    run_id = plan["params"]["run_id"]

    changes = f"/connectors/{CRM}/runs/{run_id}/changes"
    first = desk.get(f"{changes}?op=create&limit=1", token).json
    second = desk.get(f"{changes}?op=create&limit=1&cursor={first['next_cursor']}", token).json
    found = {item["name"]: item for item in (*first["items"], *second["items"])}
    assert second["next_cursor"] is None
    assert found["ada"]["after"]["email"] == "ada@example.com"
    assert "username_key" not in found["ada"]["after"]
    assert desk.get(f"/connectors/{LDAP}/runs/{run_id}/changes", token).code == (
        "directory.run_not_found"
    )
    assert desk.get(f"{changes}?op=nothing", token).code == "request.invalid"

    started = desk.post(f"{PLANS}/{plan['id']}/apply", token, {"fingerprint": plan["fingerprint"]})
    assert started.status == 202, started.text
    job_id = started.json["job_id"]
    assert desk.post(f"/jobs/{job_id}/pause", token).status == 200
    assert desk.post(f"/jobs/{job_id}/resume", token).status == 200
    Runner(desk.story.world.runtime).run_job(job_id)

    [run] = desk.get(f"/connectors/{CRM}/runs", token).json["items"]
    assert (run["id"], run["state"], run["counts"]["create"]) == (run_id, "applied", 2)
    standing = desk.get(f"{ALL}/{CRM}", token).json
    assert standing["accounts"] == {"active": 2, "disabled": 0, "gone": 0}
    assert standing["last_success_at"] is not None
    outcomes = {item["outcome"] for item in desk.get(changes, token).json["items"]}
    assert outcomes == {"done"}


def test_whose_an_account_and_a_group_are_is_told(desk: Desk) -> None:
    token = desk.service("admin:directory", "admin:read")
    desk.story.world.add_user("local")
    sync_to_end(desk.story.world, CRM, RunMode.FULL)

    users = {
        user["username"]: user for user in desk.get("/realms/staff/users", token).json["items"]
    }
    [group] = desk.get("/realms/staff/groups", token).json["items"]

    told = users["ada"]["directory"]
    assert desk.get(f"/realms/staff/users/{users['ada']['id']}", token).json["directory"] == told
    assert told.pop("checked_at").startswith("20")
    assert told == {
        "connector": CRM, "stable_id": "1", "login": "ada", "must_change": False,
        "is_disabled": False, "is_removed": False, "gone_since": None,
    }  # fmt: skip
    assert users["local"]["directory"] is None
    assert group["directory"] == {"connector": CRM, "is_missing": False}


def test_a_directory_that_is_away_can_be_asked_again(desk: Desk, file: Path) -> None:
    token = desk.service("admin:directory")
    body = {"kind": "directory.sync", "params": {"connector": CRM}}
    file.unlink()

    away = desk.post(PLANS, token, body)
    assert (away.status, away.code) == (503, "directory.unavailable")
    assert "Retry-After" in away.response.headers
    assert str(file) not in away.text


@pytest.mark.parametrize("scope", ["admin:policy", "admin:reset", "admin:read"])
def test_planning_a_sync_takes_its_own_scope(desk: Desk, scope: str) -> None:
    body = {"kind": "directory.sync", "params": {"connector": CRM}}

    assert desk.post(PLANS, desk.service(scope), body).code == "admin.scope_missing"
    reset = {"kind": "password.reset", "params": {"mode": "link", "select": {"all": True}}}
    assert desk.post(PLANS, desk.service("admin:directory"), reset).code == "admin.scope_missing"


def test_a_directory_that_is_no_csv_file_is_told_why(desk: Desk, file: Path) -> None:
    file.write_text("name\nAda\n")
    body = {"kind": "directory.sync", "params": {"connector": CRM}}

    refused = desk.post(PLANS, desk.service("admin:directory"), body)

    assert (refused.status, refused.code) == (409, "directory.misconfigured")
    assert "has no column id" in refused.json["params"]["reason"]
    assert STAFF in desk.get(ALL, desk.owner()).text
