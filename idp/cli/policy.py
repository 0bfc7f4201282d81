"""`idp policy`: the password policy of a realm, shown, planned, published, rolled back.

What only looks at what a policy does is in `policy_checks` and `policy_explain`.
"""

from collections.abc import Mapping
from pathlib import Path

import click

from idp.cli.base import CliContext, json_option, realm_option, yes_option
from idp.cli.following import look_at, report_job, see_through
from idp.cli.policy_checks import test_command
from idp.cli.policy_explain import explain_command
from idp.cli.policy_files import read_document, write_toml
from idp.cli.policy_preview import describe_publication, show_publication
from idp.cli.policy_reports import report_command
from idp.core.plans import apply_plan, create_plan
from idp.core.policy_publishing import KIND_NAME
from idp.core.policy_versions import get_policy_version, list_policy_versions, read_policy
from idp.core.policy_words import find_conflicts
from idp.core.work import HOST
from idp.ids import RealmName
from policy.parse import to_document

_file_argument = click.argument("file", type=click.Path(path_type=Path))
_base_option = click.option(
    "--base-version", type=int, metavar="N", help="Refuse if another version is current."
)
_comment_option = click.option("--comment", metavar="TEXT", help="Kept with the version.")


@click.group("policy")
def policy_group() -> None:
    """The password policy: show, test, plan, publish, report, roll back."""


policy_group.add_command(report_command)
policy_group.add_command(explain_command)
policy_group.add_command(test_command)


@policy_group.command("show")
@click.option("--version", type=int, metavar="N", help="An earlier one.")
@realm_option
@json_option
@click.pass_obj
def show_command(context: CliContext, realm: str, version: int | None, *, as_json: bool) -> None:
    """Show the policy in force, as a document for `publish`. Defaults are spelled out."""
    name = context.realm(realm)
    view = look_at(context, name, lambda uow: get_policy_version(uow, version))
    if as_json:
        context.print_json(view)
        return
    click.echo(f"# version {view.number} of {realm}, {view.created_at:%Y-%m-%d %H:%M}Z")
    policy = read_policy(name, view.document, rules=context.runtime().rules)
    click.echo(write_toml(to_document(policy)), nl=False)


@policy_group.command("history")
@realm_option
@json_option
@click.pass_obj
def history_command(context: CliContext, realm: str, *, as_json: bool) -> None:
    """List the versions, the latest first, with what each changed."""
    name = context.realm(realm)
    versions = look_at(context, name, lambda uow: list_policy_versions(uow, limit=1000))
    if as_json:
        context.print_json({"versions": versions})
        return
    context.table(
        [
            (
                v.number,
                "yes" if v.is_current else "",
                v.origin,
                v.created_at,
                "; ".join(v.diff),
                v.comment,
            )
            for v in versions
        ],
        ("version", "current", "origin", "published", "what changed", "comment"),
    )


@policy_group.command("plan")
@_file_argument
@_base_option
@_comment_option
@click.option("--accept-conflicts", is_flag=True, help="Although it contradicts NIST's advice.")
@realm_option
@json_option
@click.pass_obj
def plan_command(  # noqa: PLR0913 - one argument for each option
    context: CliContext,
    file: Path,
    realm: str,
    base_version: int | None,
    comment: str | None,
    *,
    accept_conflicts: bool,
    as_json: bool,
) -> None:
    """Show what publishing a policy would do. Nothing is published."""
    params = {
        "policy": read_document(file),
        "base_version": base_version,
        "comment": comment,
        "accept_conflicts": accept_conflicts,
    }
    plan = create_plan(context.runtime(), context.realm(realm), KIND_NAME, params, HOST)
    if as_json:
        context.print_json(plan)
        return
    show_publication(context, plan)


@policy_group.command("publish")
@_file_argument
@_base_option
@_comment_option
@click.option("--wait", is_flag=True, help="Return when it is done.")
@yes_option
@realm_option
@json_option
@click.pass_obj
def publish_command(  # noqa: PLR0913 - one argument for each option
    context: CliContext,
    file: Path,
    realm: str,
    base_version: int | None,
    comment: str | None,
    *,
    wait: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Plan and publish a policy in one go."""
    del wait  # publishing is done when it returns
    params = {"base_version": base_version, "comment": comment}
    _publish(context, context.realm(realm), read_document(file), params, yes=yes, as_json=as_json)


@policy_group.command("rollback")
@click.argument("version", type=int, metavar="N")
@click.option("--wait", is_flag=True, help="Return when it is done.")
@yes_option
@realm_option
@json_option
@click.pass_obj
def rollback_command(
    context: CliContext, version: int, realm: str, *, wait: bool, yes: bool, as_json: bool
) -> None:
    """Publish an earlier version anew."""
    del wait  # publishing is done when it returns
    name = context.realm(realm)
    view = look_at(context, name, lambda uow: get_policy_version(uow, version))
    params = {"comment": f"rollback to version {version}"}
    _publish(context, name, view.document, params, yes=yes, as_json=as_json)


def _publish(
    context: CliContext,
    realm: RealmName,
    document: Mapping[str, object],
    params: Mapping[str, object],
    *,
    yes: bool,
    as_json: bool,
) -> None:
    conflicts = find_conflicts(read_policy(realm, document, rules=context.runtime().rules))
    if conflicts:
        said = "; ".join(conflicts)
        question = f"This contradicts NIST SP 800-63B-4 ({said}). Publish it anyway?"
        context.confirm(question, assume_yes=yes)
    order = {**params, "policy": document, "accept_conflicts": bool(conflicts)}
    plan = create_plan(context.runtime(), realm, KIND_NAME, order, HOST)
    context.say(describe_publication(plan))
    context.confirm("Publish it?", assume_yes=yes)
    job_id = apply_plan(context.runtime(), realm, plan.id, plan.fingerprint, HOST)
    job = see_through(context, realm, job_id, "policy")
    if as_json:
        published = look_at(context, realm, get_policy_version)
        context.print_json({"plan": plan, "job_id": job.id, "version": published.number})
        return
    report_job(context, job, as_json=False)
