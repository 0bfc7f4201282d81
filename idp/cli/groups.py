"""`idp group`: named sets of users."""

import click

from idp.cli.base import CliContext, json_option, realm_option, yes_option
from idp.cli.user_subjects import user_named
from idp.core.group_roles import grant_group_role, revoke_group_role
from idp.core.groups import (
    Group,
    create_group,
    get_group,
    list_groups,
    remove_group,
    update_group,
)
from idp.core.roles import AdminRole
from idp.core.work import HOST

_COLUMNS = ("name", "members", "description", "roles", "directory", "id")
_ROLES = click.Choice([role.value for role in AdminRole])


@click.group()
def group_group() -> None:
    """Groups of users."""


@group_group.command("add")
@click.argument("name")
@realm_option
@click.option("--description", metavar="TEXT")
@json_option
@click.pass_obj
def add(
    context: CliContext, *, name: str, realm: str, description: str | None, as_json: bool
) -> None:
    """Make a group."""
    with context.runtime().begin(context.realm(realm), actor=HOST) as uow:
        group = create_group(uow, name, description=description)
    _show(context, group, as_json=as_json)


@group_group.command("list")
@realm_option
@json_option
@click.pass_obj
def list_command(context: CliContext, *, realm: str, as_json: bool) -> None:
    """List the groups by name."""
    with context.runtime().begin(context.realm(realm), write=False, actor=HOST) as uow:
        groups = list_groups(uow)
    if as_json:
        context.print_json(groups)
    else:
        context.table((list(_facts(group).values()) for group in groups), _COLUMNS)


@group_group.command("edit")
@click.argument("name")
@realm_option
@click.option("--name", "new_name", metavar="NAME", help="The new name.")
@click.option("--description", metavar="TEXT", help="An empty one takes it away.")
@click.option("--add-user", "added", multiple=True, metavar="USER", help="Repeatable.")
@click.option("--remove-user", "removed", multiple=True, metavar="USER", help="Repeatable.")
@click.option("--add-role", "given", multiple=True, type=_ROLES, help="Its members hold it.")
@click.option("--remove-role", "taken", multiple=True, type=_ROLES, help="Theirs no more.")
@json_option
@click.pass_obj
def edit(  # noqa: PLR0913 - one for each option
    context: CliContext,
    *,
    name: str,
    realm: str,
    new_name: str | None,
    description: str | None,
    added: tuple[str, ...],
    removed: tuple[str, ...],
    given: tuple[str, ...],
    taken: tuple[str, ...],
    as_json: bool,
) -> None:
    """Change a group: its name, its members, the roles it gives.

    Whoever is in it holds its administrator roles. A group of a directory takes roles too; it
    keeps them when the directory renames it.
    """
    is_edited = new_name is not None or description is not None or bool(added or removed)
    if not is_edited and not given and not taken:
        raise click.UsageError("say what to change, e.g. --add-user")
    with context.runtime().begin(context.realm(realm), actor=HOST) as uow:
        group = get_group(uow, name)
        if is_edited:
            group = update_group(
                uow,
                group.id,
                new_name=new_name,
                description=description,
                add=[user_named(uow, user).id for user in added],
                remove=[user_named(uow, user).id for user in removed],
            )
        for role in given:
            grant_group_role(uow, group.id, AdminRole(role))
        for role in taken:
            revoke_group_role(uow, group.id, AdminRole(role))
        group = get_group(uow, group.id)
    _show(context, group, as_json=as_json)


@group_group.command("remove")
@click.argument("name")
@realm_option
@yes_option
@click.pass_obj
def remove(context: CliContext, *, name: str, realm: str, yes: bool) -> None:
    """Remove a group; its users stay."""
    realm_name = context.realm(realm)
    with context.runtime().begin(realm_name, write=False, actor=HOST) as uow:
        group = get_group(uow, name)
    if group.members:
        context.confirm(f"{group.name} has members ({group.members}). Remove it?", assume_yes=yes)
    with context.runtime().begin(realm_name, actor=HOST) as uow:
        remove_group(uow, group.id)
    context.say(f"{group.name} is removed")


def _show(context: CliContext, group: Group, *, as_json: bool) -> None:
    if as_json:
        context.print_json(group)
    else:
        context.details(_facts(group))


def _facts(group: Group) -> dict[str, object]:
    facts = {key: getattr(group, key) for key in _COLUMNS}
    if (owner := group.directory) is not None:
        facts["directory"] = (
            f"{owner.connector}, missing there" if owner.is_missing else owner.connector
        )
    return facts
