"""`idp reset`: passwords of many users at once, planned, reviewed, applied, undone."""

from dataclasses import dataclass

import click

from idp.cli.base import CliContext, json_option, realm_option, yes_option
from idp.cli.following import look_at, report_job, see_through, show_plan
from idp.core.jobs import cancel_job, get_job
from idp.core.planning import PlanState
from idp.core.plans import PlanView, apply_plan, create_plan, get_plan, list_plans, undo_plan
from idp.core.reset_orders import ResetMode
from idp.core.reset_status import (
    CampaignView,
    count_on_shared_password,
    get_campaign,
    list_campaigns,
)
from idp.core.resets import KIND_NAME
from idp.core.users import find_user
from idp.core.work import HOST
from idp.ids import RealmName

_wait_option = click.option("--wait", is_flag=True, help="Return when it is done.")


@click.group("reset")
def reset_group() -> None:
    """Reset the passwords of many users at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Who:
    """The ways to say who, of which exactly one is used."""

    everyone: bool
    groups: tuple[str, ...]
    users: tuple[str, ...]
    set_before: str | None
    version_below: int | None

    def select(self, context: CliContext, realm: RealmName) -> dict[str, object]:
        """Return the selection of the plan's parameters."""
        ways: dict[str, object] = {
            "all": True if self.everyone else None,
            "groups": list(self.groups) or None,
            "user_ids": _find_ids(context, realm, self.users) or None,
            "password_set_before": self.set_before,
            "policy_version_below": self.version_below,
        }
        chosen = {way: what for way, what in ways.items() if what is not None}
        if len(chosen) != 1:
            options = "--all, --group, --user, --password-set-before or --policy-version-below"
            usage = f"say who, in exactly one way: {options}"
            raise click.UsageError(usage)
        return chosen


@reset_group.command("plan")
@click.option("--mode", required=True, type=click.Choice([mode.value for mode in ResetMode]))
@click.option("--password-stdin", is_flag=True, help="Read the shared password there.")
@click.option("--require-change/--no-require-change", default=None, help="Shared: must change.")
@click.option("--expires-in", metavar="P3D", help="Shared: how long it works, or 'never'.")
@click.option("--accept-repeat", is_flag=True, help="Shared: it may be one given out before.")
@click.option("--keep-sessions", is_flag=True, help="Leave people signed in.")
@click.option("--all", "everyone", is_flag=True, help="Everybody in the realm.")
@click.option("--group", "groups", multiple=True, metavar="G", help="Members of a group.")
@click.option("--user", "users", multiple=True, metavar="U", help="One user.")
@click.option("--password-set-before", "set_before", metavar="DATE")
@click.option("--policy-version-below", "version_below", type=int, metavar="N")
@click.option("--include-self", is_flag=True, help="Also the acting administrator.")
@click.option("--reason", metavar="TEXT", help="Kept in the audit trail; mailed in mode link.")
@realm_option
@json_option
@click.pass_obj
def plan_command(  # noqa: PLR0913 - one argument for each option
    context: CliContext,
    /,
    mode: str,
    realm: str,
    *,
    password_stdin: bool,
    require_change: bool | None,
    expires_in: str | None,
    accept_repeat: bool,
    keep_sessions: bool,
    include_self: bool,
    reason: str | None,
    as_json: bool,
    **who: object,
) -> None:
    """Compute and store a plan of a reset; nobody is touched yet."""
    name = context.realm(realm)
    params: dict[str, object] = {
        "mode": mode,
        "select": _Who(**who).select(context, name),  # type: ignore[arg-type]
        "end_sessions": not keep_sessions,
        "include_self": include_self,
        "reason": reason,
    }
    if require_change is not None:
        params["require_change"] = require_change
    if expires_in is not None:
        params["expires_in"] = None if expires_in == "never" else expires_in
    if accept_repeat:
        params["accept_repeat"] = True
    if mode == ResetMode.SHARED:
        params["password"] = context.read_secret(
            stdin=password_stdin, prompt="The password for everybody", confirm=True
        )
    plan = create_plan(context.runtime(), name, KIND_NAME, params, HOST)
    show_plan(context, plan, as_json=as_json)
    if not as_json:
        context.say(f"apply it with: idp reset apply {plan.id} --realm {realm} --wait")


@reset_group.command("apply")
@click.argument("plan_id", metavar="PLAN")
@_wait_option
@yes_option
@realm_option
@json_option
@click.pass_obj
def apply_command(
    context: CliContext, plan_id: str, realm: str, *, wait: bool, yes: bool, as_json: bool
) -> None:
    """Do what a plan says."""
    name = context.realm(realm)
    plan = look_at(context, name, lambda uow: get_plan(uow, plan_id))
    context.confirm(f"{plan.summary}. Do it?", assume_yes=yes)
    job_id = apply_plan(context.runtime(), name, plan.id, plan.fingerprint, HOST)
    _finish(context, name, job_id, wait=wait, as_json=as_json)


@reset_group.command("status")
@click.argument("plan_id", metavar="[PLAN]", required=False)
@realm_option
@json_option
@click.pass_obj
def status_command(context: CliContext, plan_id: str | None, realm: str, *, as_json: bool) -> None:
    """Show the resets that began. It says how many users still have the shared password."""
    name = context.realm(realm)
    if plan_id is not None:
        found = look_at(context, name, lambda uow: get_campaign(uow, plan_id))
        _show_campaign(context, found, as_json=as_json)
        return
    campaigns, on_shared = look_at(
        context, name, lambda uow: (list_campaigns(uow), count_on_shared_password(uow))
    )
    if as_json:
        shown = {"campaigns": campaigns, "accounts_on_shared_password": on_shared}
        context.print_json(shown)
        return
    columns = ("plan", "state", "mode", "planned", "reset", "skipped", "undone", "on shared")
    context.table(
        [
            (
                c.plan_id,
                c.state.value,
                c.mode,
                c.planned,
                c.reset,
                c.skipped,
                c.undone,
                c.on_shared_password,
            )
            for c in campaigns
        ],
        columns,
    )
    context.say(f"accounts on a shared password: {on_shared}")


@reset_group.command("cancel")
@click.argument("plan_id", metavar="[PLAN]", required=False)
@realm_option
@json_option
@click.pass_obj
def cancel_command(context: CliContext, plan_id: str | None, realm: str, *, as_json: bool) -> None:
    """Stop a reset that is being applied. What it did stays, and can be undone."""
    name = context.realm(realm)
    plan = _choose(context, name, plan_id, (PlanState.APPLYING,))
    if plan.job_id is None:
        context.fail(f"plan {plan.id} is {plan.state.value}: nothing is being applied")
    job_id = plan.job_id
    with context.runtime().begin(name, actor=HOST) as uow:
        cancel_job(uow, job_id)
    context.runner().run_job(job_id)
    job = look_at(context, name, lambda uow: get_job(uow, job_id))
    report_job(context, job, as_json=as_json)


@reset_group.command("undo")
@click.argument("plan_id", metavar="[PLAN]", required=False)
@_wait_option
@yes_option
@realm_option
@json_option
@click.pass_obj
def undo_command(
    context: CliContext, plan_id: str | None, realm: str, *, wait: bool, yes: bool, as_json: bool
) -> None:
    """Give users back the password they had. Who used the new one or chose another keeps it."""
    name = context.realm(realm)
    plan = _choose(context, name, plan_id, (PlanState.APPLIED, PlanState.CANCELLED))
    context.confirm(f"Undo: {plan.summary}?", assume_yes=yes)
    job_id = undo_plan(context.runtime(), name, plan.id, HOST)
    _finish(context, name, job_id, wait=wait, as_json=as_json)


def _finish(
    context: CliContext, realm: RealmName, job_id: str, *, wait: bool, as_json: bool
) -> None:
    if wait:
        job = see_through(context, realm, job_id, "users")
    else:
        job = look_at(context, realm, lambda uow: get_job(uow, job_id))
    report_job(context, job, as_json=as_json)


def _find_ids(context: CliContext, realm: RealmName, named: tuple[str, ...]) -> list[str]:
    """Return the ids of users; a name that nobody has stays, and the plan refuses it."""
    ids = []
    for name in named:
        found = look_at(context, realm, lambda uow, name=name: find_user(uow, name))  # type: ignore[misc]
        ids.append(name if found is None else str(found.id))
    return ids


def _choose(
    context: CliContext, realm: RealmName, plan_id: str | None, states: tuple[PlanState, ...]
) -> PlanView:
    """Return the named plan, or else the latest reset in one of these states."""
    if plan_id is not None:
        return look_at(context, realm, lambda uow: get_plan(uow, plan_id))
    plans = look_at(context, realm, lambda uow: list_plans(uow, kind=KIND_NAME))
    found = next((plan for plan in plans if plan.state in states), None)
    if found is None:
        context.fail(f"no reset of {realm} is {' or '.join(state.value for state in states)}")
    return found


def _show_campaign(context: CliContext, campaign: CampaignView, *, as_json: bool) -> None:
    if as_json:
        context.print_json(campaign)
        return
    context.details(
        {
            "plan": campaign.plan_id,
            "state": campaign.state.value,
            "mode": campaign.mode,
            "reason": campaign.reason,
            "planned": campaign.planned,
            "reset": campaign.reset,
            "skipped": campaign.skipped,
            "undone": campaign.undone,
            "still on the shared password": campaign.on_shared_password,
            "started at": campaign.started_at,
            "finished at": campaign.finished_at,
            "can be undone until": campaign.undo_until,
            "job": campaign.job_id,
        }
    )
