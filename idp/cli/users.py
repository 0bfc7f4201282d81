"""`idp user`: the users of a realm."""

from dataclasses import replace
from typing import Any

import click

from idp.cli.base import CliContext, json_option, realm_option
from idp.cli.user_files import export_command, import_command
from idp.cli.user_profiles import profile_of, profile_options
from idp.cli.user_states import STATE_COMMANDS
from idp.cli.user_subjects import user_argument, user_named
from idp.core.profiles import KEEP
from idp.core.roles import AdminRole
from idp.core.users import (
    NewUser,
    UserQuery,
    UserStatus,
    UserView,
    create_user,
    list_users,
    update_user,
    user_document,
)
from idp.core.users.listing import MOST_PER_PAGE
from idp.core.work import HOST, UnitOfWork

_COLUMNS = ("username", "email", "name", "status", "groups", "roles", "must_change", "id")


@click.group()
def user_group() -> None:
    """Users of a realm.

    USER is a login name, an e-mail that only one account has, or an id.
    """


@user_group.command("add")
@realm_option
@profile_options
@click.option("--group", "groups", multiple=True, metavar="NAME", help="A group; repeatable.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--must-change", is_flag=True, help="To be changed at the first sign-in (3 days).")
@click.option(
    "--admin", "role", type=click.Choice([role.value for role in AdminRole]), help="Grant a role."
)
@click.option(
    "--status",
    type=click.Choice([status.value for status in UserStatus]),
    default=UserStatus.ACTIVE.value,
    show_default=True,
)
@json_option
@click.pass_obj
def add(context: CliContext, /, *, realm: str, as_json: bool, **said: Any) -> None:  # noqa: ANN401 - a value for each option
    """Add a user.

    Without --password-stdin nobody can sign in yet: send a link with `idp user send-reset`, or
    use `idp user set-password`. In the portal the login name defaults to the e-mail.
    """
    name = context.realm(realm)
    password = None
    if said["password_stdin"]:
        password = context.read_secret(stdin=True, prompt="Password")
    new = NewUser(
        profile=profile_of(said, groups=said["groups"] or KEEP),
        password=password,
        must_change=said["must_change"],
        status=UserStatus(said["status"]),
        roles=(AdminRole(said["role"]),) if said["role"] else (),
    )
    _show(context, create_user(context.runtime(), name, new, HOST), as_json=as_json)


@user_group.command("list")
@realm_option
@click.option("--search", metavar="TEXT", help="Part of a name, e-mail or external id.")
@click.option("--group", metavar="NAME", help="Only who is in this group.")
@click.option("--status", type=click.Choice([status.value for status in UserStatus]))
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True, metavar="N")
@json_option
@click.pass_obj
def list_command(  # noqa: PLR0913 - one for each option
    context: CliContext,
    *,
    realm: str,
    search: str | None,
    group: str | None,
    status: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List users by login name."""
    query = UserQuery(search=search, group=group, status=UserStatus(status) if status else None)
    with context.runtime().begin(context.realm(realm), write=False, actor=HOST) as uow:
        users, more = _read_pages(uow, query, limit)
    if as_json:
        context.print_json([user_document(user) for user in users])
    else:
        documents = map(user_document, users)
        context.table(([user[key] for key in _COLUMNS] for user in documents), _COLUMNS)
    if more:
        context.say(f"these are the first {limit}; there are more (--limit, --search)")


@user_group.command("show")
@user_argument
@realm_option
@json_option
@click.pass_obj
def show(context: CliContext, *, user: str, realm: str, as_json: bool) -> None:
    """Show everything about a user that is no secret."""
    with context.runtime().begin(context.realm(realm), write=False, actor=HOST) as uow:
        view = user_named(uow, user)
    _show(context, view, as_json=as_json)


@user_group.command("edit")
@user_argument
@realm_option
@profile_options
@click.option("--group", "groups", multiple=True, metavar="NAME", help="All groups; repeatable.")
@click.option("--no-groups", is_flag=True, help="Out of every group.")
@click.option("--if-version", type=int, metavar="N", help="Only if nobody changed it since.")
@json_option
@click.pass_obj
def edit(
    context: CliContext,
    /,
    *,
    user: str,
    realm: str,
    as_json: bool,
    **said: Any,  # noqa: ANN401 - a value for each option
) -> None:
    """Change who a user is; an empty text takes a value away.

    With --group the user is in exactly these groups afterwards.
    """
    if said["groups"] and said["no_groups"]:
        raise click.UsageError("--group and --no-groups exclude each other")
    groups = said["groups"] if said["groups"] or said["no_groups"] else KEEP
    profile = profile_of(said, groups=groups)
    if not profile.given():
        raise click.UsageError("say what to change, e.g. --email")
    with context.runtime().begin(context.realm(realm), actor=HOST) as uow:
        found = user_named(uow, user)
        view = update_user(uow, found.id, profile, version=said["if_version"])
    _show(context, view, as_json=as_json)


for _command in (*STATE_COMMANDS, import_command, export_command):
    user_group.add_command(_command)


def _read_pages(uow: UnitOfWork, query: UserQuery, limit: int) -> tuple[list[UserView], bool]:
    users: list[UserView] = []
    cursor: str | None = None
    while len(users) < limit:
        size = min(MOST_PER_PAGE, limit - len(users))
        page = list_users(uow, replace(query, limit=size, cursor=cursor))
        users += page.users
        cursor = page.next_cursor
        if cursor is None:
            break
    return users, cursor is not None


def _show(context: CliContext, user: UserView, *, as_json: bool) -> None:
    document = user_document(user)
    if as_json:
        context.print_json(document)
    else:
        facts = document | _directory_facts(user)
        context.details({key: value for key, value in facts.items() if value not in (None, [])})


def _directory_facts(user: UserView) -> dict[str, object]:
    """Return in words how somebody stands in a directory, in place of the document's members."""
    found = user.directory
    if found is None:
        return {}
    words = [
        *([f"gone since {found.gone_since:%Y-%m-%d %H:%MZ}"] if found.gone_since else ()),
        *(["disabled there"] if found.is_disabled and found.gone_since is None else ()),
        *(["deactivated here"] if found.is_removed else ()),
    ]
    return {
        "directory": ", ".join([found.connector, *words]),
        "id in the directory": found.stable_id,
        "last looked at": found.checked_at,
    }
