"""`idp db`: the schema, and backups."""

from pathlib import Path

import click

from idp.cli.base import CliContext, json_option
from idp.cli.refusals import Refusal
from idp.core.readiness import check_revision
from idp.store.backups import back_up, find_damage, restore
from idp.store.migrations import upgrade
from idp.store.revisions import current_revision, head_revision, knows_revision
from idp.store.session import Database

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group("db")
def database_group() -> None:
    """Upgrade, check, back up, restore."""


@database_group.command("upgrade")
@click.pass_obj
def upgrade_command(context: CliContext) -> None:
    """Bring the database to the schema of this program."""
    url = context.config.database.url
    database = Database(url.reveal())
    try:
        before = current_revision(database)
    finally:
        database.close()
    if before is not None and not knows_revision(before):
        raise Refusal(str(check_revision(before)))
    if before == head_revision():
        context.say(f"{url} is at schema {before} already")
        return
    upgrade(url.reveal())
    context.say(f"{url}: schema {before or 'none'} -> {head_revision()}")


@database_group.command("check")
@json_option
@click.pass_obj
def check_command(context: CliContext, *, as_json: bool) -> None:
    """Check that the database is whole and of this program's schema."""
    database = Database(context.config.database.url.reveal())
    revision = None
    try:
        problems = find_damage(database)
        if not problems:
            revision = current_revision(database)
            schema = check_revision(revision)
            problems = [str(schema)] if schema.problem else []
    finally:
        database.close()
    if as_json:
        context.print_json({"schema": revision, "is_good": not problems, "problems": problems})
    if problems:
        raise Refusal("\n".join(problems))
    context.say(f"the database is whole, at schema {revision}")


@database_group.command("backup")
@click.argument("file", type=_FILE)
@click.pass_obj
def backup_command(context: CliContext, file: Path) -> None:
    """Write a copy of the whole database to FILE while it is in use.

    The key file is not in it: keep a copy of that apart from the backups.
    """
    database = Database(context.config.database.url.reveal())
    try:
        back_up(database, file)
    finally:
        database.close()
    context.say(f"wrote {file}; keep {context.config.secrets.key_file} apart from it")


@database_group.command("restore")
@click.argument("file", type=_FILE)
@click.option("--force", is_flag=True, help="Replace what the database holds.")
@click.pass_obj
def restore_command(context: CliContext, file: Path, *, force: bool) -> None:
    """Put the backup FILE in the place of the database's content. Stop the server first."""
    database = Database(context.config.database.url.reveal())
    try:
        restore(database, file, force=force)
        revision = current_revision(database)
    finally:
        database.close()
    context.say(f"restored {file}, at schema {revision}")
    if revision != head_revision():
        context.say("it is older than this program: run `idp db upgrade`")
