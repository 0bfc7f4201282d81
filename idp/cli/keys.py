"""`idp keys`: signing keys."""

import click

from idp.cli.base import CliContext, json_option, realm_option, yes_option
from idp.core.keys import KeyView, list_keys, retire_key, rotate_keys
from idp.core.work import HOST

_COLUMNS = ("kid", "alg", "state", "active_at", "ends_at")


@click.group()
def keys_group() -> None:
    """Signing keys."""


@keys_group.command("list")
@realm_option
@json_option
@click.pass_obj
def list_command(context: CliContext, *, realm: str, as_json: bool) -> None:
    """List the keys, newest first."""
    with context.runtime().begin(context.realm(realm), write=False, actor=HOST) as uow:
        keys = list_keys(uow)
    _show(context, keys, as_json=as_json)


@keys_group.command("rotate")
@realm_option
@click.option("--emergency", is_flag=True, help="Drop every old key now: all tokens die.")
@yes_option
@json_option
@click.pass_obj
def rotate(context: CliContext, *, realm: str, emergency: bool, yes: bool, as_json: bool) -> None:
    """Publish new keys. They sign 6 minutes later, when every copy of the JWKS has them."""
    name = context.realm(realm)
    if emergency:
        context.confirm(
            f"Drop every signing key of {name} now? Every token it signed stops working.",
            assume_yes=yes,
        )
    keys = rotate_keys(context.runtime(), name, actor=HOST, emergency=emergency)
    _show(context, keys, as_json=as_json)


@keys_group.command("retire")
@click.argument("kid")
@realm_option
@json_option
@click.pass_obj
def retire(context: CliContext, *, kid: str, realm: str, as_json: bool) -> None:
    """Drop a key that was replaced, before its time. What it signed is refused."""
    key = retire_key(context.runtime(), context.realm(realm), kid, actor=HOST)
    _show(context, [key], as_json=as_json)


def _show(context: CliContext, keys: list[KeyView], *, as_json: bool) -> None:
    if as_json:
        context.print_json(keys)
    else:
        context.table(([getattr(key, name) for name in _COLUMNS] for key in keys), _COLUMNS)
