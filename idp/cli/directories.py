"""`idp directory`: the directories that own accounts, looked at, planned, synced, released."""

import difflib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from connectors.port import ConnectorError, DirectoryUnavailable
from idp.cli.base import CliContext, json_option, yes_option
from idp.cli.directory_changes import (
    changes_document,
    held_because,
    is_empty,
    show_changes,
    show_counts,
    write_changes,
)
from idp.cli.directory_reading import plan_sync
from idp.cli.directory_views import (
    check_document,
    show_check,
    show_standing,
    standing_document,
    standing_rows,
)
from idp.cli.following import job_document, look_at, realms_of, report_job, see_through
from idp.config import Connector
from idp.core.plans import PlanView, apply_plan
from idp.core.sync.runs import RunMode, list_runs
from idp.core.sync_review import get_standing, list_standings
from idp.core.work import HOST
from idp.errors import Unavailable
from idp.ids import RealmName

F = TypeVar("F", bound=Callable[..., Any])
_RUNS = 5


def _connector_option(command: F) -> F:
    """Add `--connector NAME`; the command gets the text and asks `_find`."""
    return click.option(
        "--connector", "name", required=True, metavar="NAME", help="As in [connectors.NAME]."
    )(command)


def _mode_option(command: F) -> F:
    return click.option(
        "--mode",
        type=click.Choice([mode.value for mode in RunMode]),
        default=RunMode.FULL.value,
        show_default=True,
        help="All; what changed; or only who is there.",
    )(command)


@click.group("directory")
def directory_group() -> None:
    """Directories whose accounts sign in here."""


@directory_group.command("list")
@json_option
@click.pass_obj
def list_command(context: CliContext, *, as_json: bool) -> None:
    """List the directories of the configuration."""
    found = [
        standing
        for realm in realms_of(context, None)
        for standing in look_at(context, realm, list_standings)
    ]
    if as_json:
        context.print_json({"connectors": [standing_document(one) for one in found]})
        return
    context.table(*standing_rows(found))


@directory_group.command("check")
@_connector_option
@json_option
@click.pass_obj
def check_command(context: CliContext, name: str, *, as_json: bool) -> None:
    """Connect and read a little. Nothing is stored or changed."""
    connector = _find(context, name)
    try:
        report = context.runtime().directories.source(name).check()
    except DirectoryUnavailable as error:
        context.fail(f"{name} does not answer: {error.reason}")
    except ConnectorError as error:
        context.fail(f"{name} cannot be used like this: {error.reason}")
    if as_json:
        context.print_json(check_document(name, connector, report))
    else:
        show_check(context, connector, report)


@directory_group.command("plan")
@_connector_option
@_mode_option
@click.option(
    "--csv",
    "csv_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write every change to this file.",
)
@json_option
@click.pass_obj
def plan_command(
    context: CliContext, name: str, mode: str, csv_file: Path | None, *, as_json: bool
) -> None:
    """Show what would change. The directory is read, nothing is applied.

    The plan is kept for 24 hours: `idp plan apply PLAN` does just that.
    """
    plan = _plan(context, name, mode)
    if csv_file is not None:
        context.say(f"changes in {csv_file}: {write_changes(context, plan, csv_file)}")
    if as_json:
        context.print_json(changes_document(context, plan))
        return
    show_counts(context, plan)
    show_changes(context, plan)
    _tell_holds(context, plan)
    context.say(f"apply it with: idp plan apply {plan.id} --wait")


@directory_group.command("sync")
@_connector_option
@_mode_option
@click.option("--release", is_flag=True, help="Apply it although it would be held.")
@yes_option
@json_option
@click.pass_obj
def sync_command(
    context: CliContext, name: str, mode: str, *, release: bool, yes: bool, as_json: bool
) -> None:
    """Show what changes, and apply it once you agree."""
    plan = _plan(context, name, mode)
    if not as_json:
        show_counts(context, plan)
        show_changes(context, plan)
    if _tell_holds(context, plan) and not release:
        context.fail(
            f"nothing was applied; look at plan {plan.id}, and if it is right:"
            f" idp directory sync --connector {name} --mode {mode} --release"
        )
    context.confirm(f"{plan.summary}. Do it?", assume_yes=yes or is_empty(plan))
    job_id = apply_plan(context.runtime(), plan.realm, plan.id, plan.fingerprint, HOST)
    job = see_through(context, plan.realm, job_id, "changes")
    if as_json:
        context.print_json({"plan": plan, "job": job_document(job)})
    else:
        report_job(context, job, as_json=False)


@directory_group.command("status")
@click.option("--connector", "name", metavar="NAME", help="One directory; all without it.")
@json_option
@click.pass_obj
def status_command(context: CliContext, name: str | None, *, as_json: bool) -> None:
    """Show how directories stand, and their last runs."""
    names = list(context.config.connectors) if name is None else [name]
    found = []
    for each in names:
        realm = RealmName(_find(context, each).realm)
        found.append(
            look_at(
                context,
                realm,
                lambda uow, each=each: (get_standing(uow, each), list_runs(uow, each, limit=_RUNS)),  # type: ignore[misc]
            )
        )
    if as_json:
        shown = [{**standing_document(one), "runs": runs} for one, runs in found]
        context.print_json({"connectors": shown})
        return
    for one, runs in found:
        show_standing(context, one, runs)


@directory_group.command("seal")
@click.option("--password-stdin", is_flag=True, help="Read the value there.")
@click.pass_obj
def seal_command(context: CliContext, *, password_stdin: bool) -> None:
    """Print a secret as the configuration may hold it.

    It can stand there as a bind_password, for example. Only the key file of this
    installation opens it again.
    """
    is_piped = not sys.stdin.isatty()
    value = context.read_secret(stdin=password_stdin or is_piped, prompt="The value", confirm=True)
    runtime = context.lent_runtime
    parts = context.parts()
    key_file = context.config.secrets.key_file
    box = parts.open_key_file(key_file) if runtime is None else runtime.box
    click.echo(parts.seal_setting(box, value))


def _find(context: CliContext, name: str) -> Connector:
    """Return a directory's settings, or end as wrong usage with the nearest name."""
    known = context.config.connectors
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f'did you mean "{near[0]}"?' if near else f"there are: {', '.join(known) or 'none'}"
    message = f'no directory "{name}"; {hint}'
    raise click.BadParameter(message, param_hint="--connector")


def _plan(context: CliContext, name: str, mode: str) -> PlanView:
    realm = RealmName(_find(context, name).realm)
    try:
        return plan_sync(context, realm, name, mode)
    except Unavailable as error:
        if error.code != "directory.unavailable":
            raise
        context.fail(f"{name} does not answer; nothing was changed: {error.detail}")


def _tell_holds(context: CliContext, plan: PlanView) -> bool:
    """Say why a plan is held; return whether it is."""
    reasons = held_because(plan)
    for reason in reasons:
        context.say(f"HELD: {reason}")
    return bool(reasons)
