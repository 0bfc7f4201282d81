"""`idp plan`: plans of every kind, in any realm."""

import click

from idp.cli.base import CliContext, json_option, yes_option
from idp.cli.directory_changes import changes_document, held_because, show_changes
from idp.cli.following import (
    find_plan,
    look_at,
    realms_of,
    report_job,
    see_through,
    show_plan,
)
from idp.cli.policy_preview import list_targets, show_policy_targets, show_publication
from idp.core.jobs import get_job
from idp.core.plans import PlanTarget, PlanView, apply_plan, list_plan_targets, list_plans
from idp.core.plans import undo_plan as undo
from idp.core.policy_publishing import KIND_NAME as PUBLISH
from idp.core.sync.kind import KIND_NAME as SYNC
from idp.core.work import HOST

_PAGE = 1000


@click.group("plan")
def plan_group() -> None:
    """Plans: review, apply, undo."""


@plan_group.command("list")
@click.option("--realm", metavar="R", help="One realm; all of them without it.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@json_option
@click.pass_obj
def list_command(context: CliContext, realm: str | None, limit: int, *, as_json: bool) -> None:
    """List plans, the latest first."""
    plans = [
        plan
        for name in realms_of(context, realm)
        for plan in look_at(context, name, lambda uow: list_plans(uow, limit=limit))
    ]
    plans.sort(key=lambda plan: plan.created_at, reverse=True)
    if as_json:
        context.print_json({"plans": plans[:limit]})
        return
    context.table(
        [(p.id, p.realm, p.state.value, p.created_at, p.summary) for p in plans[:limit]],
        ("plan", "realm", "state", "created", "what"),
    )


@plan_group.command("show")
@click.argument("plan_id", metavar="PLAN")
@click.option("--targets", "with_targets", is_flag=True, help="Also whom it names.")
@json_option
@click.pass_obj
def show_command(context: CliContext, plan_id: str, *, with_targets: bool, as_json: bool) -> None:
    """Show a plan."""
    plan = find_plan(context, plan_id)
    if plan.kind == PUBLISH:
        _show_publication(context, plan, with_targets=with_targets, as_json=as_json)
        return
    if plan.kind == SYNC:
        _show_sync(context, plan, as_json=as_json)
        return
    if not with_targets:
        show_plan(context, plan, as_json=as_json)
        return
    targets = _list_targets(context, plan)
    if as_json:
        context.print_json({"plan": plan, "targets": targets})
        return
    show_plan(context, plan, as_json=False)
    columns = ("user", "id", "left out because", "warning", "outcome")
    context.table(
        [(t.username, t.user_id, t.excluded, t.warning, t.outcome) for t in targets], columns
    )


@plan_group.command("apply")
@click.argument("plan_id", metavar="PLAN")
@click.option("--wait", is_flag=True, help="Return when it is done.")
@yes_option
@json_option
@click.pass_obj
def apply_command(
    context: CliContext, plan_id: str, *, wait: bool, yes: bool, as_json: bool
) -> None:
    """Do what a plan says."""
    plan = find_plan(context, plan_id)
    for reason in held_because(plan):
        context.say(f"HELD: {reason}")
    context.confirm(f"{plan.summary}. Do it?", assume_yes=yes)
    job_id = apply_plan(context.runtime(), plan.realm, plan.id, plan.fingerprint, HOST)
    _finish(context, plan, job_id, wait=wait, as_json=as_json)


@plan_group.command("undo")
@click.argument("plan_id", metavar="PLAN")
@click.option("--wait", is_flag=True, help="Return when it is done.")
@yes_option
@json_option
@click.pass_obj
def undo_command(
    context: CliContext, plan_id: str, *, wait: bool, yes: bool, as_json: bool
) -> None:
    """Take back what a plan did, as far as that still makes sense."""
    plan = find_plan(context, plan_id)
    context.confirm(f"Undo: {plan.summary}?", assume_yes=yes)
    job_id = undo(context.runtime(), plan.realm, plan.id, HOST)
    _finish(context, plan, job_id, wait=wait, as_json=as_json)


def _finish(context: CliContext, plan: PlanView, job_id: str, *, wait: bool, as_json: bool) -> None:
    if wait:
        job = see_through(context, plan.realm, job_id, plan.kind)
    else:
        job = look_at(context, plan.realm, lambda uow: get_job(uow, job_id))
    report_job(context, job, as_json=as_json)


def _show_publication(
    context: CliContext, plan: PlanView, *, with_targets: bool, as_json: bool
) -> None:
    if as_json and with_targets:
        context.print_json({"plan": plan, "targets": list_targets(context, plan)})
    elif as_json:
        context.print_json(plan)
    else:
        show_publication(context, plan)
        if with_targets:
            show_policy_targets(context, plan)


def _show_sync(context: CliContext, plan: PlanView, *, as_json: bool) -> None:
    if as_json:
        context.print_json(changes_document(context, plan))
        return
    show_plan(context, plan, as_json=False)
    show_changes(context, plan)
    for reason in held_because(plan):
        context.say(f"HELD: {reason}")


def _list_targets(context: CliContext, plan: PlanView) -> list[PlanTarget]:
    targets: list[PlanTarget] = []
    while True:
        after = targets[-1].user_id if targets else ""
        page = look_at(
            context,
            plan.realm,
            lambda uow, after=after: list_plan_targets(uow, plan.id, limit=_PAGE, after=after),  # type: ignore[misc]
        )
        targets.extend(page)
        if len(page) < _PAGE:
            return targets
