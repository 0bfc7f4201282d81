"""Bulk resets over REST: plan, review, apply, follow, undo; by whom, of whom (B-06)."""

from typing import Any

import pytest

from idp.core.roles import AdminRole, grant_role
from idp.jobs.runner import Runner
from tests.idp.api.desk import Desk, Reply
from tests.support.world import PORTAL

PLANS = "/realms/staff/plans"
SHARED = "one phrase for all of us"


def _plan(desk: Desk, token: str, mode: str = "shared", **params: object) -> Reply:
    order: dict[str, object] = {"mode": mode, "select": {"all": True}, **params}
    if mode == "shared":
        order.setdefault("password", SHARED)
    return desk.post(PLANS, token, {"kind": "password.reset", "params": order})


def _apply(desk: Desk, token: str, plan: dict[str, Any], **headers: str) -> Reply:
    body = {"fingerprint": plan["fingerprint"]}
    return desk.post(f"/plans/{plan['id']}/apply", token, body, **headers)


def _crowd(desk: Desk, *names: str) -> str:
    for name in names:
        desk.person(name)
    return desk.owner()


def test_a_plan_is_reviewed_applied_and_undone(desk: Desk) -> None:
    owner = _crowd(desk, "ada", "bob")

    planned = _plan(desk, owner, reason="Monday")
    plan = planned.json
    targets = desk.get(f"/plans/{plan['id']}/targets", owner).json["items"]
    started = _apply(desk, owner, plan)
    Runner(desk.story.world.runtime).run_once()
    job = desk.get(f"/jobs/{started.json['job_id']}", owner).json
    applied = desk.get(f"/plans/{plan['id']}", owner).json
    undone = desk.post(f"/plans/{plan['id']}/undo", owner)

    assert planned.status == 201
    assert planned.response.headers["Location"].endswith(f"{PLANS}/{plan['id']}")
    assert plan["counts"]["targets"] == 2
    assert plan["state"] == "planned"
    assert {one["username"]: one["excluded"] for one in targets} == {
        "ada": None,
        "bob": None,
        "olga": "acting_administrator",
    }
    assert started.status == 202
    assert (job["state"], job["done"], job["total"], job["errors"]) == ("done", 2, 2, [])
    assert job["plan_id"] == plan["id"]
    assert job["started_at"] is not None
    assert job["finished_at"] is not None
    assert applied["state"] == "applied"
    assert applied["job_id"] == job["id"]
    assert undone.status == 202


def test_the_shared_password_is_nowhere_in_the_answers(desk: Desk) -> None:
    owner = _crowd(desk, "ada")

    planned = _plan(desk, owner)
    refused = _plan(desk, owner, password="Zq7")
    texts = [
        answer.text
        for answer in (
            planned,
            refused,
            desk.get(f"/plans/{planned.json['id']}", owner),
            desk.get(PLANS, owner),
            desk.get("/audit", owner),
        )
    ]

    assert (refused.status, refused.code) == (422, "password.rejected")
    assert not [text for text in texts if SHARED in text or "Zq7" in text or "$argon2" in text]


def test_a_plan_is_applied_once(desk: Desk) -> None:
    owner = _crowd(desk, "ada")
    plan = _plan(desk, owner).json

    first = _apply(desk, owner, plan)
    second = _apply(desk, owner, plan)
    other = _apply(desk, owner, {**plan, "fingerprint": "0" * 64})

    assert [first.status, second.status, other.status] == [202, 409, 409]
    assert second.code == "plan.not_applicable"
    assert second.json["params"]["job_id"] == first.json["job_id"]
    assert desk.get("/realms/staff/jobs", owner).json["items"][0]["id"] == first.json["job_id"]


def test_an_outdated_or_foreign_fingerprint_changes_nothing(desk: Desk) -> None:
    owner = _crowd(desk, "ada")
    plan = _plan(desk, owner).json

    foreign = _apply(desk, owner, {**plan, "fingerprint": "0" * 64})
    for name in ("bob", "cy"):
        desk.person(name)
    outdated = _apply(desk, owner, plan)

    assert (foreign.status, foreign.code) == (409, "plan.fingerprint_differs")
    assert (outdated.status, outdated.code) == (409, "plan_outdated")
    assert desk.get("/realms/staff/jobs", owner).json["items"] == []


def test_unknown_people_refuse_the_whole_call_and_are_listed(desk: Desk) -> None:
    owner = _crowd(desk, "ada")
    desk.person("pat", realm=PORTAL)
    ids = [desk.story.people["ada"]] * 2 + [desk.story.people["pat"]]

    refused = _plan(desk, owner, select={"user_ids": ids})

    assert (refused.status, refused.code) == (422, "reset.users_refused")
    assert refused.json["params"] == {"unknown": ids[2:], "duplicate": ids[:1]}


def test_a_plan_and_a_job_are_found_with_and_without_their_realm(desk: Desk) -> None:
    owner = desk.owner()
    desk.person("pat", realm=PORTAL)
    body = {"kind": "password.reset", "params": {"mode": "link", "select": {"all": True}}}
    plan = desk.post("/realms/portal/plans", owner, body).json
    started = _apply(desk, owner, plan).json["job_id"]

    for path in (f"plans/{plan['id']}", f"plans/{plan['id']}/targets", f"jobs/{started}"):
        assert desk.get(f"/{path}", owner).status == 200
        assert desk.get(f"/realms/portal/{path}", owner).status == 200
        assert desk.get(f"/realms/staff/{path}", owner).status == 404


def test_the_scope_has_to_fit_the_kind(desk: Desk) -> None:
    owner = _crowd(desk, "ada")
    policy, reset = desk.service("admin:policy"), desk.service("admin:reset")
    plan = _plan(desk, owner, mode="require_change").json
    publication = {"kind": "policy.publish", "params": {"policy": {"rules": {}}}}

    assert _plan(desk, policy, mode="require_change").status == 403
    assert desk.post(PLANS, reset, publication).status == 403
    assert _apply(desk, policy, plan).status == 403
    started = _apply(desk, reset, plan)
    assert started.status == 202
    job = f"/jobs/{started.json['job_id']}"
    assert desk.post(f"{job}/pause", policy).status == 403
    assert desk.post(f"{job}/pause", reset).status == 200


@pytest.mark.parametrize("mode", ["shared", "link", "require_change"])
def test_a_client_without_an_owner_s_power_resets_no_administrator(desk: Desk, mode: str) -> None:
    owner = _crowd(desk, "ada")
    desk.administrator("aude", AdminRole.AUDITOR)
    weak, strong = desk.service("admin:reset"), desk.service("admin:reset", "admin:system")
    olga, ada = desk.story.people["olga"], desk.story.people["ada"]
    select = {"user_ids": [olga, ada]}

    refused = _plan(desk, weak, mode=mode, select=select, exclude_administrators=False)
    nothing = desk.get(PLANS, owner).json["items"]
    by_owner = _plan(desk, owner, mode=mode, select=select, include_self=True).json
    applied = _apply(desk, weak, by_owner)
    of_all = _plan(desk, weak, mode=mode, select={"all": True}).json
    targets = desk.get(f"/plans/{of_all['id']}/targets", owner).json["items"]

    for reply in (refused, applied):
        assert (reply.status, reply.code) == (403, "admin.subject_is_administrator")
        assert reply.json["params"]["user_ids"] == [olga]
    assert nothing == []
    assert {one["username"]: one["excluded"] for one in targets} == {
        "ada": None,
        "olga": "administrator",
        "aude": "administrator",
    }
    assert _apply(desk, weak, of_all).status == 202
    assert _plan(desk, strong, mode=mode, select=select).json["counts"]["administrators"] == 1


@pytest.mark.parametrize(("mode", "left_out"), [("shared", 2), ("link", 1), ("require_change", 1)])
def test_an_owner_leaves_out_administrators_of_a_shared_password_only(
    desk: Desk, mode: str, left_out: int
) -> None:
    owner = _crowd(desk, "ada")
    desk.administrator("aude", AdminRole.AUDITOR)

    plan = _plan(desk, owner, mode=mode, select={"all": True}).json

    assert plan["counts"]["excluded"] == left_out


def test_whoever_became_an_administrator_after_the_plan_is_not_reset_by_a_client(
    desk: Desk,
) -> None:
    owner = _crowd(desk, *(f"user-{number}" for number in range(3)))
    weak = desk.service("admin:reset")
    plan = _plan(desk, weak, mode="require_change", select={"all": True}).json
    started = _apply(desk, weak, plan)
    late = desk.story.people["user-1"]
    with desk.story.world.begin() as uow:
        grant_role(uow, late, AdminRole.AUDITOR)

    Runner(desk.story.world.runtime).run_once()

    assert started.status == 202
    assert not desk.story.world.credential(late).must_change
    assert desk.story.world.credential(desk.story.people["user-2"]).must_change
    targets = desk.get(f"/plans/{plan['id']}/targets", owner).json["items"]
    assert {t["username"]: t["outcome"] for t in targets}["user-1"] != "reset"


def test_a_publication_names_whom_it_asks_something_of(desk: Desk) -> None:
    owner = _crowd(desk, "ada", "bob", "cy")
    rules = {"length": {"min": 200, "max": 256}}
    order = {"policy": {"enforcement": "everyone", "grace": "P7D", "rules": rules}}
    planned = desk.post(PLANS, owner, {"kind": "policy.publish", "params": order})
    path = f"/plans/{planned.json['id']}/targets"

    first = desk.get(f"{path}?limit=3", owner).json
    second = desk.get(f"{path}?limit=3&cursor={first['next_cursor']}", owner).json
    withheld = desk.get(f"{path}?state=withheld", owner).json["items"]

    assert planned.json["counts"]["states"]["withheld"] == 4
    assert len(first["items"]) == 3
    assert second["next_cursor"] is None
    assert first["computed_at"] is not None
    found = first["items"] + second["items"]
    assert found == withheld
    assert {one["username"] for one in found} == {"ada", "bob", "cy", "olga"}
    [olga] = [one for one in found if one["username"] == "olga"]
    assert olga["live_sessions"] == 1
    assert olga["last_seen_at"] is not None
    assert (olga["state"], olga["withheld_by"], olga["groups"]) == ("withheld", "grace", [])
    assert olga["findings"] == [
        {"code": "policy.stricter", "params": {"version": 2, "rules": "length"}}
    ]
    assert desk.get(f"{path}?state=must_change", owner).json["items"] == []
    assert desk.get(path, desk.service("admin:read")).status == 200
    assert desk.get(path, desk.service("admin:clients")).status == 403


def test_stored_targets_have_no_states(desk: Desk) -> None:
    owner = _crowd(desk, "ada")
    plan = _plan(desk, owner, mode="require_change").json
    path = f"/plans/{plan['id']}/targets"

    refused = desk.get(f"{path}?state=judged", owner)
    unknown = desk.get(f"{path}?state=happy", owner)

    assert (refused.status, refused.code) == (422, "plan.has_stored_targets")
    assert unknown.status in (400, 422)
    assert desk.get(path, owner).json["computed_at"] is None


def test_a_policy_for_an_unknown_group_is_refused(desk: Desk) -> None:
    owner = desk.owner()
    policy = {"groups": {"ofice": {"rules": {"length": {"min": 9}}}}}

    refused = desk.post(PLANS, owner, {"kind": "policy.publish", "params": {"policy": policy}})

    assert (refused.status, refused.code) == (422, "policy.group_not_found")


def test_an_unknown_kind_or_parameter_is_refused(desk: Desk) -> None:
    owner = desk.owner()

    kind = desk.post(PLANS, owner, {"kind": "everything", "params": {}})
    param = _plan(desk, owner, passwrod="x")

    assert (kind.status, kind.code) == (422, "plan.kind_unknown")
    assert (param.status, param.code) == (422, "plan.params_unknown")


def test_plans_jobs_and_targets_are_paged(desk: Desk) -> None:
    owner = _crowd(desk, "ada", "bob", "cy")
    plans = []
    for _ in range(3):
        desk.story.world.advance(seconds=1)
        plans.append(_plan(desk, owner, mode="require_change").json)
        _apply(desk, owner, plans[-1])

    for path, expected in (
        (PLANS, [plan["id"] for plan in reversed(plans)]),
        ("/realms/staff/jobs", None),
        (f"/plans/{plans[0]['id']}/targets", None),
    ):
        first = desk.get(f"{path}?limit=2", owner).json
        second = desk.get(f"{path}?limit=2&cursor={first['next_cursor']}", owner).json
        found = [one.get("id") for one in first["items"] + second["items"]]
        assert len(found) in (3, 4)
        assert second["next_cursor"] is None
        assert expected in (None, found)
    kinds = desk.get(f"{PLANS}?kind=policy.publish", owner).json["items"]
    assert kinds == []


@pytest.mark.parametrize(
    ("verbs", "states"),
    [
        (("pause", "resume"), ("paused", "queued")),
        (("pause", "cancel"), ("paused", "paused")),
    ],
)
def test_a_job_is_paused_resumed_and_cancelled(
    desk: Desk, verbs: tuple[str, ...], states: tuple[str, ...]
) -> None:
    owner = _crowd(desk, "ada")
    plan = _plan(desk, owner, mode="require_change").json
    job = f"/jobs/{_apply(desk, owner, plan).json['job_id']}"

    told = [desk.post(f"{job}/{verb}", owner).json["state"] for verb in verbs]
    Runner(desk.story.world.runtime).run_once()

    assert tuple(told) == states
    ended = desk.get(job, owner).json["state"]
    assert ended == ("cancelled" if "cancel" in verbs else "done")
    assert desk.post(f"{job}/pause", owner).status == 409


def test_a_client_without_an_owner_s_power_resumes_no_reset_of_an_administrator(
    desk: Desk,
) -> None:
    owner = _crowd(desk, "ada")
    weak = desk.service("admin:reset")
    select = {"user_ids": [desk.story.people["olga"], desk.story.people["ada"]]}
    plan = _plan(desk, owner, mode="require_change", select=select, include_self=True).json
    job = f"/jobs/{_apply(desk, owner, plan).json['job_id']}"

    stopped = desk.post(f"{job}/pause", weak)
    refused = desk.post(f"{job}/resume", weak)

    assert stopped.json["state"] == "paused"
    assert (refused.status, refused.code) == (403, "admin.subject_is_administrator")
    assert desk.get(job, owner).json["state"] == "paused"
    assert desk.post(f"{job}/resume", owner).status == 200


def test_a_list_of_very_many_people_is_taken(desk: Desk) -> None:
    owner = desk.owner()
    ids = [f"00000000-0000-7000-8000-{number:012d}" for number in range(20_000)]

    refused = _plan(desk, owner, mode="link", select={"user_ids": ids})

    assert refused.code == "reset.users_refused"
    assert len(refused.json["params"]["unknown"]) == 20_000
