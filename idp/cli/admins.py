"""`idp admin`: who may administrate."""

import click

from idp.cli.base import CliContext, json_option
from idp.cli.user_subjects import user_argument, user_named
from idp.core.admins import list_admins
from idp.core.links import issue_setup_link
from idp.core.roles import ADMIN_REALM, AdminRole, grant_role, revoke_role
from idp.core.work import HOST

_COLUMNS = ("username", "role", "status", "granted_at", "user_id")
_realm = click.option("--realm", default=ADMIN_REALM, show_default=True, metavar="R")
_role = click.argument("role", type=click.Choice([role.value for role in AdminRole]))


@click.group()
def admin_group() -> None:
    """Administrators: owners may do everything, auditors may look at everything."""


@admin_group.command("grant")
@user_argument
@_role
@_realm
@click.pass_obj
def grant(context: CliContext, *, user: str, role: str, realm: str) -> None:
    """Give a user a role."""
    with context.runtime().begin(context.realm(realm), actor=HOST) as uow:
        view = user_named(uow, user)
        is_new = grant_role(uow, view.id, AdminRole(role))
    context.say(f"{view.username} is {'now' if is_new else 'already'} {role}")


@admin_group.command("revoke")
@user_argument
@_role
@_realm
@click.pass_obj
def revoke(context: CliContext, *, user: str, role: str, realm: str) -> None:
    """Take a role away; whatever its holder was given ends."""
    with context.runtime().begin(context.realm(realm), actor=HOST) as uow:
        view = user_named(uow, user)
        was_held = revoke_role(uow, view.id, AdminRole(role))
    context.say(f"{view.username} is {'no longer' if was_held else 'not'} {role}")


@admin_group.command("list")
@_realm
@json_option
@click.pass_obj
def list_command(context: CliContext, *, realm: str, as_json: bool) -> None:
    """List who holds a role."""
    with context.runtime().begin(context.realm(realm), write=False, actor=HOST) as uow:
        admins = list_admins(uow)
    if as_json:
        context.print_json(admins)
    else:
        context.table(([getattr(admin, key) for key in _COLUMNS] for admin in admins), _COLUMNS)


@admin_group.command("setup-link")
@json_option
@click.pass_obj
def setup_link(context: CliContext, *, as_json: bool) -> None:
    """Print a link that makes the first owner. It works once, within 24 hours."""
    with context.runtime().begin(ADMIN_REALM, actor=HOST) as uow:
        token = issue_setup_link(uow)
    link = f"{context.config.issuer(ADMIN_REALM)}/setup/{token}"
    if as_json:
        context.print_json({"setup_link": link})
    else:
        click.echo(link)
