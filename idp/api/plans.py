"""Plans of dangerous acts: `/realms/{realm}/plans`. Compute, review, apply, undo.

A plan and its job can also be named without their realm: `/plans/{id}`.
"""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from idp.api.access import DIRECTORY, POLICY, READ, RESET, SYSTEM, Caller
from idp.api.endpoints import Answer, Call, Endpoint
from idp.api.paging import cut, read_id_cursor, write_cursor
from idp.api.plan_targets import PlanTarget, PlanTargetPage, TargetQuery, policy_page
from idp.api.schema import Body, NextCursor, PageQuery, View
from idp.core import plans
from idp.core.policies import current_policy
from idp.core.policy_publishing import KIND_NAME as PUBLISH
from idp.core.policy_targets import list_policy_targets
from idp.core.reset_targets import list_administrators, refuse_administrators
from idp.core.resets import KIND_NAME as BULK_RESET
from idp.core.roles import require_recent_sign_in
from idp.core.runtime import Runtime
from idp.core.sync.applying import APPLY_JOB
from idp.core.sync.kind import KIND_NAME as SYNC
from idp.core.work import UnitOfWork
from idp.errors import InvalidInput, NotFound
from idp.ids import RealmName

_MOST_BYTES = 8 * 1024 * 1024
_SCOPES = {PUBLISH: POLICY, BULK_RESET: RESET, SYNC: DIRECTORY}
_JOB_SCOPES = {APPLY_JOB: DIRECTORY}


class Plan(View):
    """What would be done, for review."""

    id: str
    realm: str
    kind: str
    state: str
    fingerprint: Annotated[str, Field(description="To be repeated when the plan is applied.")]
    summary: str
    counts: dict[str, Any]
    params: dict[str, Any]
    job_id: str | None
    author_id: str | None
    created_at: datetime
    expires_at: datetime
    applied_at: datetime | None


class PlanPage(View):
    """One page of plans, newest first."""

    items: list[Plan]
    next_cursor: NextCursor


class PlanQuery(PageQuery):
    """Which plans to list."""

    kind: Annotated[str | None, Field(max_length=32)] = None


class NewPlan(Body):
    """What to plan."""

    kind: Annotated[
        str, Field(description="`policy.publish`, `password.reset` or `directory.sync`.")
    ]
    params: dict[str, Any]


class Application(Body):
    """The go-ahead for a plan that was reviewed."""

    fingerprint: Annotated[str, Field(max_length=64, description="Of the plan that was seen.")]


class Started(View):
    """The job that does it."""

    job_id: str


def scope_of(kind: str) -> str:
    """Return the scope that acts of a kind take, of a plan or of a job."""
    return (_SCOPES | _JOB_SCOPES).get(kind.removesuffix(".undo"), SYSTEM)


def require_power_over_targets(caller: Caller, uow: UnitOfWork, plan_id: str) -> None:
    """Return when the caller may act on everybody whom a bulk reset would hit.

    Raises:
        Forbidden: `admin.subject_is_administrator`.
    """
    if not caller.has_power_over_all:
        refuse_administrators(list_administrators(uow, plan_id))


def list_plans(call: Call, query: PlanQuery) -> Answer:
    """List plans, newest first."""
    before = read_id_cursor(query.cursor)
    with call.work(write=False) as uow:
        found = plans.list_plans(uow, limit=query.limit + 1, before=before, kind=query.kind)
    page, cursor = cut(found, query.limit, lambda plan: write_cursor(plan.id))
    items = [Plan.model_validate(plan) for plan in page]
    return Answer(PlanPage(items=items, next_cursor=cursor))


def create_plan(call: Call, body: NewPlan) -> Answer:
    """Compute a plan and keep it for 24 hours; nothing is changed yet.

    A `password.reset` of a person takes a sign-in of the last 15 minutes.
    If-Match may name the policy version that a `policy.publish` was made of. A `directory.sync`
    takes the params `connector` and `mode`, and reads the directory before it answers.
    """
    if body.kind not in _SCOPES:
        raise InvalidInput("plan.kind_unknown", known=sorted(_SCOPES))
    call.caller.require(scope_of(body.kind))
    if body.kind == BULK_RESET:
        require_recent_sign_in(call.caller.actor, call.runtime.clock.now())
    if body.kind == PUBLISH:
        with call.work(write=False) as uow:
            call.check_version(current_policy(uow).number)
    params = _within_power(call.caller, body)
    plan = plans.create_plan(
        call.runtime, call.realm, body.kind, params, call.caller.actor, call.trace
    )
    return Answer(Plan.model_validate(plan), {"Location": call.address(f"plans/{plan.id}")})


def get_plan(call: Call, plan_id: str) -> Answer:
    """Read a plan."""
    with call.work(write=False) as uow:
        return Answer(Plan.model_validate(plans.get_plan(uow, plan_id)))


def list_targets(call: Call, plan_id: str, query: TargetQuery) -> Answer:
    """List whom a plan names, those who are left out included.

    Of `policy.publish`, the active users whom the policy would ask something of at this moment.
    A `directory.sync` names nobody here: its run, `params.run_id`, lists its changes.
    """
    after = read_id_cursor(query.cursor) or ""
    with call.work(write=False) as uow:
        if plans.get_plan(uow, plan_id).kind == PUBLISH or query.state is not None:
            found = list_policy_targets(
                uow, plan_id, state=query.state, limit=query.limit, after=after
            )
            return Answer(policy_page(found))
        stored = plans.list_plan_targets(uow, plan_id, limit=query.limit + 1, after=after)
    page, cursor = cut(stored, query.limit, lambda target: write_cursor(target.user_id))
    items = [PlanTarget.model_validate(target) for target in page]
    return Answer(PlanTargetPage(items=items, next_cursor=cursor))


def apply_plan(call: Call, plan_id: str, body: Application) -> Answer:
    """Start what a plan says, once.

    A `password.reset` of a person takes a sign-in of the last 15 minutes.
    """
    if _require_scope(call, plan_id) == BULK_RESET:
        require_recent_sign_in(call.caller.actor, call.runtime.clock.now())
    job_id = plans.apply_plan(
        call.runtime, call.realm, plan_id, body.fingerprint, call.caller.actor, call.trace
    )
    return Answer(Started(job_id=job_id))


def undo_plan(call: Call, plan_id: str) -> Answer:
    """Start taking back what a plan did, as far as that still makes sense."""
    _require_scope(call, plan_id)
    job_id = plans.undo_plan(call.runtime, call.realm, plan_id, call.caller.actor, call.trace)
    return Answer(Started(job_id=job_id))


def find_realm(runtime: Runtime, plan_id: str) -> RealmName:
    """Return the realm of a plan.

    Raises:
        NotFound: `plan.not_found`.
    """
    for realm in map(RealmName, runtime.config.realms):
        with suppress(NotFound), runtime.begin(realm, write=False) as uow:
            plans.get_plan(uow, plan_id)
            return realm
    raise NotFound("plan.not_found", plan_id=plan_id)


def _require_scope(call: Call, plan_id: str) -> str:
    """Return the kind of a plan on which the caller may act."""
    with call.work(write=False) as uow:
        plan = plans.get_plan(uow, plan_id)
        call.caller.require(scope_of(plan.kind))
        if plan.kind == BULK_RESET:
            require_power_over_targets(call.caller, uow, plan_id)
        return plan.kind


def _within_power(caller: Caller, body: NewPlan) -> dict[str, Any]:
    """Return the parameters; a client that is no administrator's equal leaves them out."""
    if body.kind != BULK_RESET or caller.has_power_over_all:
        return body.params
    return {**body.params, "exclude_administrators": True}


_ALL = "/realms/<name:realm>/plans"
_ONE = "/plans/<id:plan_id>"
_WRITING = (POLICY, RESET, DIRECTORY)
_READING = (READ, *_WRITING)

_ABOUT_ONE = (
    Endpoint(method="GET", path=_ONE, act=get_plan, any_of=_READING, answer=Plan),
    Endpoint(
        method="GET",
        path=f"{_ONE}/targets",
        act=list_targets,
        any_of=_READING,
        query=TargetQuery,
        answer=PlanTargetPage,
    ),
    Endpoint(
        method="POST",
        path=f"{_ONE}/apply",
        act=apply_plan,
        any_of=_WRITING,
        body=Application,
        answer=Started,
        status=202,
        is_repeatable=True,
    ),
    Endpoint(
        method="POST",
        path=f"{_ONE}/undo",
        act=undo_plan,
        any_of=_WRITING,
        answer=Started,
        status=202,
        is_repeatable=True,
    ),
)

ENDPOINTS = (
    Endpoint(
        method="GET",
        path=_ALL,
        act=list_plans,
        any_of=_READING,
        query=PlanQuery,
        answer=PlanPage,
    ),
    Endpoint(
        method="POST",
        path=_ALL,
        act=create_plan,
        any_of=_WRITING,
        body=NewPlan,
        answer=Plan,
        status=201,
        if_match="taken",
        is_repeatable=True,
        most_bytes=_MOST_BYTES,
    ),
    *(replace(one, find_realm=find_realm) for one in _ABOUT_ONE),
    *(
        replace(one, path=f"/realms/<name:realm>{one.path}", name=f"{one.operation}_in_realm")
        for one in _ABOUT_ONE
    ),
)
