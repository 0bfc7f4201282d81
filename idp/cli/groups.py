"""`idp group`: named sets of users."""

import click

from idp.cli.base import CliContext, json_option, realm_option, yes_option
from idp.cli.user_subjects import user_named
from idp.core.groups import (
    Group,
    create_group,
    get_group,
    list_groups,
    remove_group,
    update_group,
)
from idp.core.work import HOST

_COLUMNS = ("name", "members", "description", "id")


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
        context.table(([getattr(group, key) for key in _COLUMNS] for group in groups), _COLUMNS)


@group_group.command("edit")
@click.argument("name")
@realm_option
@click.option("--name", "new_name", metavar="NAME", help="The new name.")
@click.option("--description", metavar="TEXT", help="An empty one takes it away.")
@click.option("--add-user", "added", multiple=True, metavar="USER", help="Repeatable.")
@click.option("--remove-user", "removed", multiple=True, metavar="USER", help="Repeatable.")
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
    as_json: bool,
) -> None:
    """Rename or describe a group, or change who is in it."""
    if new_name is None and description is None and not added and not removed:
        raise click.UsageError("say what to change, e.g. --add-user")
    with context.runtime().begin(context.realm(realm), actor=HOST) as uow:
        group = update_group(
            uow,
            name,
            new_name=new_name,
            description=description,
            add=[user_named(uow, user).id for user in added],
            remove=[user_named(uow, user).id for user in removed],
        )
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
        context.details({key: getattr(group, key) for key in _COLUMNS})
