"""`idp admin`: who may administrate."""

import click

from idp.cli.base import CliContext, json_option
from idp.cli.user_subjects import user_argument, user_named
from idp.core.admins import list_admins
from idp.core.links import issue_setup_link
from idp.core.roles import ADMIN_REALM, AdminRole, grant_role, revoke_role
from idp.core.users import get_user
from idp.core.work import HOST

_COLUMNS = ("username", "role", "status", "group", "granted_at", "user_id")
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
    """Take a granted role away; whatever its holder was given ends.

    What a group gives stays: see `idp group edit --remove-role`.
    """
    with context.runtime().begin(context.realm(realm), actor=HOST) as uow:
        view = user_named(uow, user)
        was_granted = revoke_role(uow, view.id, AdminRole(role))
        still = role in get_user(uow, view.id).roles
    told = "still" if still else "no longer" if was_granted else "not"
    through = ", through a group" if still else ""
    context.say(f"{view.username} is {told} {role}{through}")


@admin_group.command("list")
@_realm
@json_option
@click.pass_obj
def list_command(context: CliContext, *, realm: str, as_json: bool) -> None:
    """List who holds a role, and whether a group gives it."""
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
