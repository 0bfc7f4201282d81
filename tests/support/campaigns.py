"""Bulk resets and publications as an administrator makes them, and a worker that does them."""

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from idp.core.jobs import Job, get_job
from idp.core.plans import (
    PlanTarget,
    PlanView,
    apply_plan,
    create_plan,
    get_plan,
    list_plan_targets,
    undo_plan,
)
from idp.core.runtime import Runtime
from idp.core.work import HOST, SYSTEM, Actor
from idp.ids import RealmName
from idp.jobs.runner import Runner
from idp.store.users import UserRow
from tests.support.world import STAFF, World

SHARED = "Tui7"
"""A password that everybody gets; four characters, as in TimeTrak's recipe."""

EVERYONE: Mapping[str, object] = {"all": True}


def plan_reset(
    world: World,
    mode: str = "shared",
    *,
    realm: RealmName = STAFF,
    actor: Actor = HOST,
    **params: object,
) -> PlanView:
    """Plan a bulk reset of everybody, unless `select` says otherwise."""
    order: dict[str, object] = {"mode": mode, "select": EVERYONE, **params}
    if mode == "shared":
        order.setdefault("password", SHARED)
    return create_plan(world.runtime, realm, "password.reset", order, actor)


def apply(world: World, plan: PlanView, *, actor: Actor = HOST) -> str:
    """Start a reviewed plan and return its job's id."""
    return apply_plan(world.runtime, plan.realm, plan.id, plan.fingerprint, actor)


def run_reset(
    world: World, mode: str = "shared", *, realm: RealmName = STAFF, **params: object
) -> PlanView:
    """Plan, apply and finish a bulk reset."""
    plan = plan_reset(world, mode, realm=realm, actor=HOST, **params)
    job_id = apply(world, plan)
    Runner(world.runtime).run_job(job_id)
    assert job(world, job_id, realm=plan.realm).state == "done"
    return view(world, plan)


def run_undo(world: World, plan: PlanView) -> Job:
    """Undo an applied plan and return the finished job."""
    job_id = undo_plan(world.runtime, plan.realm, plan.id, HOST)
    Runner(world.runtime).run_job(job_id)
    return job(world, job_id, realm=plan.realm)


def publish(world: World, document: Mapping[str, object], **params: object) -> PlanView:
    """Plan and apply a publication."""
    order = {"policy": document, **params}
    plan = create_plan(world.runtime, STAFF, "policy.publish", order, HOST)
    apply(world, plan)
    return view(world, plan)


def view(world: World, plan: PlanView) -> PlanView:
    """Return a plan as it stands now."""
    with world.begin(plan.realm, write=False) as uow:
        return get_plan(uow, plan.id)


def job(world: World, job_id: str, *, realm: RealmName = STAFF) -> Job:
    """Return a job as it stands now."""
    with world.begin(realm, write=False) as uow:
        return get_job(uow, job_id)


def targets(world: World, plan: PlanView) -> dict[str, PlanTarget]:
    """Return whom a plan names, by login name."""
    with world.begin(plan.realm, write=False) as uow:
        return {t.username: t for t in list_plan_targets(uow, plan.id, limit=10_000)}


def add_users(world: World, count: int, *, realm: RealmName = STAFF) -> list[str]:
    """Add `user-0`, `user-1`, … at once, all with the same cheap hash; return their ids."""
    first = world.add_user("user-0", realm=realm)
    return copy_users(world.runtime, realm, first, count)


def copy_users(runtime: Runtime, realm: RealmName, first: str, count: int) -> list[str]:
    """Add `user-1`, `user-2`, … until there are `count`, all like `first`; return their ids."""
    with runtime.begin(realm, actor=SYSTEM) as uow:
        connection = uow.db.connection()
        tables = UserRow.metadata.tables
        _copy_rows(connection, tables["users"], "id", (realm, first), count)
        # PostgreSQL would look up each owner by reading the whole table, as if it were small still.
        connection.execute(sa.text("ANALYZE users"))
        _copy_rows(connection, tables["credentials"], "user_id", (realm, first), count)
    return [first, *(_numbered(first, number) for number in range(1, count))]


def _numbered(first: str, number: int) -> str:
    return f"{first[:24]}{number:012d}"


def _copy_rows(
    connection: Connection, table: sa.Table, key: str, model: tuple[str, str], count: int
) -> None:
    realm, first = model
    query = sa.select(table).where(table.c.realm == realm, table.c[key] == first)
    row = dict(connection.execute(query).mappings().one())
    rows = []
    for number in range(1, count):
        copy = row | {key: _numbered(first, number)}
        if table.name == "users":
            name = f"user-{number}"
            address = f"{name}@example.com"
            copy |= {"sub": _numbered(first, number), "username": name, "username_key": name}
            copy |= {"email": address, "email_key": address}
        rows.append(copy)
    if rows:
        connection.execute(sa.insert(table), rows)
