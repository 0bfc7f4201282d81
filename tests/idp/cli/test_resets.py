"""`idp reset`, `idp plan` and `idp job` as an administrator types them on the host."""

import json
from typing import Any

import pytest
from click.testing import Result

from idp.core.jobs import pause_job
from tests.support import campaigns
from tests.support.commands import run_command
from tests.support.world import PORTAL, World

LONG = "kereru-over-the-harbour"


def _idp(world: World, *arguments: str, stdin: str = "") -> Result:
    return run_command(world.runtime, *arguments, stdin=stdin)


def _json(world: World, *arguments: str, stdin: str = "") -> Any:  # noqa: ANN401 - any JSON
    answer = _idp(world, *arguments, "--json", stdin=stdin)
    assert answer.exit_code == 0, answer.stderr
    return json.loads(answer.stdout)


def _plan(world: World, *arguments: str, password: str = LONG) -> Any:  # noqa: ANN401 - any JSON
    shared = ("reset", "plan", "--realm", "staff", "--mode", "shared", "--password-stdin")
    return _json(world, *shared, *arguments, stdin=f"{password}\n")


def test_plan_apply_status_undo(world: World) -> None:
    ada = world.add_user("ada")
    plan = _plan(world, "--all", "--no-require-change", "--reason", "moving house")
    assert plan["counts"]["targets"] == 1
    assert plan["params"]["reason"] == "moving house"
    assert "password" not in plan["params"]
    assert LONG not in json.dumps(plan)

    done = _idp(world, "reset", "apply", plan["id"], "--realm", "staff", "--wait", "--yes")
    assert done.exit_code == 0
    assert "users: 1 of 1" in done.stderr
    assert not world.credential(ada).must_change

    status = _json(world, "reset", "status", "--realm", "staff")
    assert status["campaigns"][0]["on_shared_password"] == 1
    assert status["accounts_on_shared_password"] == 1
    listed = _idp(world, "reset", "status", "--realm", "staff")
    assert plan["id"] in listed.stdout
    assert "accounts on a shared password: 1" in listed.output
    details = _idp(world, "reset", "status", plan["id"], "--realm", "staff").stdout
    assert "still on the shared password\t1" in details

    undone = _json(world, "reset", "undo", "--realm", "staff", "--wait", "--yes")
    assert undone["state"] == "done"
    after = _json(world, "reset", "status", plan["id"], "--realm", "staff")
    assert (after["undone"], after["on_shared_password"]) == (1, 0)


def test_nothing_is_applied_without_a_yes(world: World) -> None:
    world.add_user("ada")
    plan = _plan(world, "--all")

    refused = _idp(world, "reset", "apply", plan["id"], "--realm", "staff", "--wait")

    assert refused.exit_code == 1
    assert "--yes" in refused.stderr
    assert _json(world, "plan", "show", plan["id"])["state"] == "planned"


def test_a_second_apply_is_refused(world: World) -> None:
    world.add_user("ada")
    plan = _plan(world, "--all")
    apply = ("reset", "apply", plan["id"], "--realm", "staff", "--yes")
    assert _idp(world, *apply, "--wait").exit_code == 0

    refused = _idp(world, *apply)

    assert refused.exit_code == 1
    assert "plan.not_applicable" in refused.stderr


def test_without_wait_workers_do_it(world: World) -> None:
    world.add_user("ada")
    plan = _plan(world, "--all")

    job = _json(world, "plan", "apply", plan["id"], "--yes")

    assert job["state"] == "queued"
    assert _idp(world, "job", "show", job["job_id"]).exit_code == 0
    refused = _idp(world, "plan", "undo", plan["id"], "--yes")
    assert refused.exit_code == 1
    assert "plan.not_undoable" in refused.stderr


@pytest.mark.parametrize(
    "who", [(), ("--all", "--user", "ada"), ("--group", "x", "--policy-version-below", "3")]
)
def test_exactly_one_way_to_say_who(world: World, who: tuple[str, ...]) -> None:
    answer = _idp(world, "reset", "plan", "--realm", "staff", "--mode", "link", *who)

    assert answer.exit_code == 2
    assert "exactly one way" in answer.stderr


def test_users_are_named_by_login_or_id(world: World) -> None:
    ada, bob = world.add_user("ada"), world.add_user("bob")
    world.add_user("cleo")
    mode = ("reset", "plan", "--realm", "staff", "--mode", "require_change")

    plan = _json(world, *mode, "--user", "Ada", "--user", bob)

    assert plan["params"]["select"] == {"user_ids": [ada, bob]}
    refused = _idp(world, *mode, "--user", "ada", "--user", "nobody")
    assert refused.exit_code == 1
    assert '"nobody"' in refused.stderr


def test_options_become_parameters(world: World) -> None:
    world.add_user("ada")

    plan = _plan(
        world,
        *("--password-set-before", "2030-01-01"),
        *("--expires-in", "P1D"),
        *("--keep-sessions", "--include-self", "--accept-repeat"),
    )

    assert plan["params"]["expires_in"] == "P1D"
    assert plan["params"]["end_sessions"] is False
    assert plan["params"]["include_self"] is True
    assert _plan(world, "--all", "--expires-in", "never")["params"]["expires_in"] is None


def test_a_reset_that_is_paused_is_cancelled(world: World) -> None:
    world.add_user("ada")
    plan = _plan(world, "--all")
    job = _json(world, "reset", "apply", plan["id"], "--realm", "staff", "--yes")
    assert _json(world, "job", "pause", job["id"])["state"] == "paused"

    cancelled = _json(world, "reset", "cancel", "--realm", "staff")

    assert cancelled["state"] == "cancelled"
    assert _json(world, "plan", "show", plan["id"])["state"] == "cancelled"
    resumed = _json(world, "job", "resume", job["id"])
    assert resumed["state"] == "queued"


def test_a_job_that_stops_short_is_a_refusal(world: World) -> None:
    world.add_user("ada")
    plan = _plan(world, "--all")
    job = _json(world, "reset", "apply", plan["id"], "--realm", "staff", "--yes")
    with world.begin() as uow:
        pause_job(uow, job["id"])

    assert _json(world, "job", "cancel", job["id"])["state"] == "cancelled"
    nothing = _idp(world, "reset", "cancel", "--realm", "staff")
    assert nothing.exit_code == 1
    assert "no reset of staff is applying" in nothing.stderr


def test_plans_and_jobs_of_all_realms_are_listed(world: World) -> None:
    world.add_user("ada")
    world.add_user("cleo", realm=PORTAL)
    campaigns.run_reset(world, "require_change")
    campaigns.run_reset(world, "require_change", realm=PORTAL)

    plans = _json(world, "plan", "list")["plans"]
    assert sorted(plan["realm"] for plan in plans) == ["portal", "staff"]
    jobs = _json(world, "job", "list", "--realm", "portal")["jobs"]
    assert [job["state"] for job in jobs] == ["done"]
    assert "password.reset" in _idp(world, "job", "list").stdout
    assert plans[0]["id"] in _idp(world, "plan", "list").stdout


def test_a_plan_is_shown_with_whom_it_names(world: World) -> None:
    world.add_user("ada")
    world.add_user("gone", user={"status": "inactive"})
    plan = _plan(world, "--all")

    shown = _json(world, "plan", "show", plan["id"], "--targets")
    assert {t["username"]: t["excluded"] for t in shown["targets"]} == {
        "ada": None,
        "gone": "inactive",
    }
    table = _idp(world, "plan", "show", plan["id"], "--targets").stdout
    assert "left out because" in table
    assert "excluded because\tinactive 1" in table


def test_unknown_plans_and_jobs_are_not_found(world: World) -> None:
    for command in (("plan", "show"), ("job", "show"), ("job", "resume")):
        answer = _idp(world, *command, "nothing")
        assert answer.exit_code == 1
        assert f'there is no {command[0]} "nothing"' in answer.stderr


def test_a_refused_password_names_every_finding(world: World) -> None:
    shared = ("reset", "plan", "--realm", "staff", "--mode", "shared", "--password-stdin", "--all")

    answer = _idp(world, *shared, stdin="Tui\n")

    assert answer.exit_code == 1
    assert "password.too_short" in answer.stderr
