"""The mechanism of every plan: applied once, by exactly what was reviewed, while it is fresh."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from idp.core.jobs import list_jobs
from idp.core.plans import apply_plan, create_plan, get_plan, list_plan_targets, list_plans
from idp.core.work import HOST, Actor
from idp.errors import Conflict, IdpError, InvalidInput, NotFound
from idp.jobs.runner import Runner
from tests.support import campaigns
from tests.support.campaigns import apply, plan_reset
from tests.support.world import PORTAL, STAFF, World


def _outcomes(*calls: Callable[[], object]) -> list[str]:
    """Return what parallel calls came to: `ok`, or the code of the refusal."""

    def outcome(call: Callable[[], object]) -> str:
        try:
            call()
        except IdpError as error:
            return error.code
        return "ok"

    with ThreadPoolExecutor(len(calls)) as pool:
        return sorted(pool.map(outcome, calls))


def test_a_plan_waits_a_day_for_its_review(world: World) -> None:
    world.add_user("ada")
    plan = plan_reset(world, "link")
    world.advance(hours=24)

    with pytest.raises(Conflict) as refused:
        apply(world, plan)

    assert refused.value.code == "plan.expired"
    assert campaigns.view(world, plan).state == "expired"


def test_a_plan_is_applied_once(world: World) -> None:
    world.add_user("ada")
    plan = plan_reset(world, "link")
    job_id = apply(world, plan)

    with pytest.raises(Conflict) as refused:
        apply(world, plan)

    assert refused.value.code == "plan.not_applicable"
    assert refused.value.params["job_id"] == job_id


def test_of_parallel_applies_exactly_one_starts_a_job(world: World) -> None:
    world.add_user("ada")
    plan = plan_reset(world, "link")

    outcomes = _outcomes(*[lambda: apply(world, plan)] * 8)

    assert outcomes == ["ok", *["plan.not_applicable"] * 7]
    with world.begin(write=False) as uow:
        assert [job.kind for job in list_jobs(uow)] == ["password.reset"]


def test_another_fingerprint_is_refused(world: World) -> None:
    world.add_user("ada")
    plan = plan_reset(world, "link")

    with pytest.raises(Conflict) as refused:
        apply_plan(world.runtime, STAFF, plan.id, "0" * 64, HOST)

    assert refused.value.code == "plan.fingerprint_differs"


def test_the_fingerprint_says_who_and_what(world: World) -> None:
    ada, bob = world.add_user("ada"), world.add_user("bob")
    prints = {
        plan_reset(world, mode, select={"user_ids": ids}).fingerprint
        for mode in ("link", "require_change")
        for ids in ([ada], [ada, bob])
    }

    assert len(prints) == 4


def test_a_plan_of_another_realm_does_not_exist(world: World) -> None:
    world.add_user("ada")
    plan = plan_reset(world, "link")

    with pytest.raises(NotFound):
        apply_plan(world.runtime, PORTAL, plan.id, plan.fingerprint, HOST)


def test_an_unknown_kind_is_refused(world: World) -> None:
    with pytest.raises(InvalidInput) as refused:
        create_plan(world.runtime, STAFF, "directory.drop", {}, HOST)

    assert refused.value.params["known"] == ["policy.publish", "password.reset", "directory.sync"]


def test_plans_and_their_targets_are_paged(world: World) -> None:
    campaigns.add_users(world, 5)
    first, second = plan_reset(world, "link"), plan_reset(world, "require_change")

    with world.begin(write=False) as uow:
        newest = list_plans(uow, limit=1)
        older = list_plans(uow, limit=1, before=newest[0].id)
        assert {newest[0].id, older[0].id} == {first.id, second.id}
        assert list_plans(uow, kind="policy.publish") == []
        head = list_plan_targets(uow, first.id, limit=3)
        tail = list_plan_targets(uow, first.id, limit=3, after=head[-1].user_id)
        assert (len(head), len(tail)) == (3, 2)
        with pytest.raises(NotFound):
            get_plan(uow, "nothing")


def test_the_trail_names_who_planned_and_who_applied(world: World) -> None:
    world.add_user("ada")
    planner, applier = world.add_user("planner"), world.add_user("applier")
    plan = plan_reset(world, "link", actor=Actor("user", planner))
    job_id = apply(world, plan, actor=Actor("user", applier))
    Runner(world.runtime).run_job(job_id)

    events = {event.code: event.actor_id for event in world.events()}
    assert plan.author_id == planner
    assert events["plan.created"] == planner
    assert events["reset.applied"] == applier
    assert events["reset.user_reset"] == applier
