"""`idp client`: apps that sign in here."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from idp.cli.base import CliContext, json_option, realm_option, yes_option
from idp.cli.client_files import read_json_object
from idp.core.client_admin import (
    ClientCreated,
    ClientView,
    create_client,
    get_client,
    list_clients,
    remove_client,
    rotate_client_secret,
    update_client,
)
from idp.core.client_metadata import read_metadata, write_metadata
from idp.core.client_registration import APPLICATION_TYPES, AUTH_METHODS, Registration
from idp.core.key_ring import ALGORITHMS
from idp.core.work import HOST

F = TypeVar("F", bound=Callable[..., Any])
_COLUMNS = ("client_id", "client_name", "application_type", "token_endpoint_auth_method", "scope")
_TEXTS = {
    "name": "client_name",
    "kind": "application_type",
    "auth_method": "token_endpoint_auth_method",
    "backchannel_logout_uri": "backchannel_logout_uri",
    "initiate_login_uri": "initiate_login_uri",
    "id_token_alg": "id_token_signed_response_alg",
    "consent": "consent_required",
    "introspect": "may_introspect",
}
_LISTS = {
    "redirect_uri": "redirect_uris",
    "post_logout_redirect_uri": "post_logout_redirect_uris",
    "grant": "grant_types",
    "spa_origin": "spa_origins",
    "allow_group": "allowed_groups",
}
_OPTIONS = (
    click.option("--name", metavar="TEXT", help="The name that people see."),
    click.option("--type", "kind", type=click.Choice(APPLICATION_TYPES), help="A new one's: web."),
    click.option("--auth-method", type=click.Choice(AUTH_METHODS)),
    click.option("--secret-stdin", is_flag=True, help="Read the client's secret from stdin."),
    click.option("--redirect-uri", multiple=True, metavar="URI", help="Repeatable."),
    click.option("--post-logout-redirect-uri", multiple=True, metavar="URI", help="Repeatable."),
    click.option("--backchannel-logout-uri", metavar="URI", help="Kept; not called yet."),
    click.option("--initiate-login-uri", metavar="URI", help="Where a sign-in begins in the app."),
    click.option("--grant", multiple=True, metavar="TYPE", help="Repeatable."),
    click.option("--scope", multiple=True, metavar="SCOPE", help="Repeatable, or with blanks."),
    click.option("--spa-origin", multiple=True, metavar="ORIGIN", help="Repeatable."),
    click.option("--pkce", type=click.Choice(["required", "optional"])),
    click.option("--hybrid", is_flag=True, help="Not part of this version."),
    click.option("--consent/--no-consent", default=None, help="Whether people are asked."),
    click.option("--introspect/--no-introspect", default=None, help="May ask about any token."),
    click.option("--allow-group", multiple=True, metavar="G", help="Only its members; repeatable."),
    click.option("--allow-everybody", is_flag=True, help="Not only members of some groups."),
    click.option("--id-token-alg", type=click.Choice(ALGORITHMS), help="A new one's: RS256."),
    click.option("--jwks", metavar="FILE", help="Public keys, for private_key_jwt."),
    click.option("--metadata", metavar="FILE", help="JSON with RFC 7591 names."),
)


@click.group()
def client_group() -> None:
    """Apps that sign in here."""


def _registration_options(command: F) -> F:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def _client_argument(command: F) -> F:
    command = click.option("--id", "id_option", metavar="ID", help="The client.")(command)
    return click.argument("client", metavar="[ID]", required=False)(command)


@client_group.command("add")
@click.option("--id", "client_id", metavar="ID", help="The client_id.")
@realm_option
@_registration_options
@json_option
@click.pass_obj
def add(
    context: CliContext,
    /,
    *,
    client_id: str | None,
    realm: str,
    as_json: bool,
    **options: Any,  # noqa: ANN401 - the options of a registration
) -> None:
    """Register a client. Its secret is shown this once."""
    members = _members(context, options)
    if client_id is not None:
        members["client_id"] = client_id
    if "client_id" not in members:
        raise click.UsageError("--id is missing")
    with context.runtime().begin(context.realm(realm), actor=HOST) as uow:
        created = create_client(uow, Registration(**members))
    _show_created(context, created, as_json=as_json)


@client_group.command("list")
@realm_option
@json_option
@click.pass_obj
def list_command(context: CliContext, *, realm: str, as_json: bool) -> None:
    """List the clients by id."""
    with context.runtime().begin(context.realm(realm), write=False, actor=HOST) as uow:
        documents = [write_metadata(client) for client in list_clients(uow)]
    if as_json:
        context.print_json(documents)
    else:
        context.table(([row.get(key, "") for key in _COLUMNS] for row in documents), _COLUMNS)


@client_group.command("show")
@_client_argument
@realm_option
@json_option
@click.pass_obj
def show(
    context: CliContext, *, client: str | None, id_option: str | None, realm: str, as_json: bool
) -> None:
    """Show one client; never its secret."""
    with context.runtime().begin(context.realm(realm), write=False, actor=HOST) as uow:
        found = get_client(uow, _named(client, id_option))
    _show(context, found, as_json=as_json)


@client_group.command("edit")
@_client_argument
@realm_option
@_registration_options
@json_option
@click.pass_obj
def edit(
    context: CliContext,
    /,
    *,
    realm: str,
    as_json: bool,
    client: str | None,
    **options: Any,  # noqa: ANN401 - the options of a registration
) -> None:
    """Change a client. A list that is given replaces the whole list."""
    client_id = _named(client, options.pop("id_option"))
    changes = _members(context, options)
    changes.pop("client_id", None)
    if not changes:
        raise click.UsageError("say what to change, e.g. --redirect-uri")
    with context.runtime().begin(context.realm(realm), actor=HOST) as uow:
        changed = update_client(uow, client_id, changes)
    _show_created(context, changed, as_json=as_json)


@client_group.command("rotate-secret")
@_client_argument
@realm_option
@click.option("--secret-stdin", is_flag=True, help="Read the new secret from stdin.")
@json_option
@click.pass_obj
def rotate_secret(
    context: CliContext,
    /,
    *,
    client: str | None,
    realm: str,
    as_json: bool,
    **options: Any,  # noqa: ANN401 - the options of a registration
) -> None:
    """Give a client a new secret. The old one stops working at once."""
    client_id = _named(client, options["id_option"])
    secret = _read_secret(context) if options["secret_stdin"] else None
    with context.runtime().begin(context.realm(realm), actor=HOST) as uow:
        rotated = rotate_client_secret(uow, client_id, secret)
    _show_created(context, rotated, as_json=as_json)


@client_group.command("remove")
@_client_argument
@realm_option
@yes_option
@click.pass_obj
def remove(
    context: CliContext, *, client: str | None, id_option: str | None, realm: str, yes: bool
) -> None:
    """Remove a client; its tokens stop working at once."""
    client_id = _named(client, id_option)
    name = context.realm(realm)
    context.confirm(f"Remove {client_id} and end everything it was given?", assume_yes=yes)
    with context.runtime().begin(name, actor=HOST) as uow:
        remove_client(uow, client_id)
    context.say(f"removed {client_id}")


def _named(client: str | None, id_option: str | None) -> str:
    names = {name for name in (client, id_option) if name}
    if len(names) != 1:
        raise click.UsageError("name one client, e.g. idp client show web --realm staff")
    return names.pop()


def _members(context: CliContext, options: dict[str, Any]) -> dict[str, Any]:
    """Return the members of a registration that the options give; they win over the file."""
    if options["hybrid"]:
        context.fail("--hybrid is not part of this version: clients use the code flow (RFC 9700)")
    members: dict[str, Any] = {}
    if options["metadata"]:
        read = read_metadata(read_json_object(options["metadata"]))
        members |= read.members
        for name in read.ignored:
            context.say(f"{options['metadata']}: {name} is not known here and was left out")
    for option, member in _TEXTS.items():
        if options[option] is not None:
            members[member] = options[option]
    for option, member in _LISTS.items():
        if options[option]:
            members[member] = tuple(options[option])
    return members | _special_members(context, options)


def _special_members(context: CliContext, options: dict[str, Any]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    if options["allow_everybody"]:
        if options["allow_group"]:
            raise click.UsageError("--allow-group and --allow-everybody exclude each other")
        members["allowed_groups"] = None
    if options["scope"]:
        members["scopes"] = tuple(" ".join(options["scope"]).split())
    if options["pkce"]:
        members["pkce_required"] = options["pkce"] == "required"
    if options["jwks"]:
        members["jwks"] = read_json_object(options["jwks"])
    if options["secret_stdin"]:
        members["secret"] = _read_secret(context)
    return members


def _read_secret(context: CliContext) -> str:
    return context.read_secret(stdin=True, prompt="Client secret")


def _show_created(context: CliContext, made: ClientCreated, *, as_json: bool) -> None:
    _show(context, made.client, as_json=as_json, secret=made.secret)
    if made.secret is not None and not as_json:
        context.say("The secret is not shown again.")


def _show(
    context: CliContext, client: ClientView, *, as_json: bool, secret: str | None = None
) -> None:
    document = write_metadata(client, secret=secret)
    if as_json:
        context.print_json(document)
    else:
        context.details({name: _line(value) for name, value in document.items()})


def _line(value: object) -> object:
    return (", ".join(map(str, value)) or "none") if isinstance(value, list) else value
