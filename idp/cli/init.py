"""`idp init`: from nothing to an installation that can serve, as often as it takes."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

import click

from idp.cli.base import CliContext, json_option
from idp.cli.refusals import Refusal
from idp.config import Config, default_path, load, render_initial
from idp.core.installation import has_administrator, has_sealed, prepare_realms
from idp.core.links import issue_setup_link
from idp.core.readiness import check_revision
from idp.core.roles import ADMIN_REALM
from idp.core.work import HOST
from idp.errors import ConfigError
from idp.store.migrations import upgrade
from idp.store.revisions import current_revision, head_revision
from idp.store.session import Database

if TYPE_CHECKING:
    from idp.core.runtime import Runtime

_PUBLIC_URL = "http://localhost:8080"
_MAIL_URL = "file:mail"
_MAIL_SENDER = "TimeTrak <no-reply@localhost>"


@click.command()
@click.option("--public-url", metavar="URL", help=f"Where people reach it [{_PUBLIC_URL}].")
@click.option("--mail-url", metavar="URL", help=f"How mail goes out [{_MAIL_URL}].")
@click.option("--mail-sender", metavar="FROM", help=f"The From of mails [{_MAIL_SENDER}].")
@json_option
@click.pass_obj
def init(
    context: CliContext,
    *,
    public_url: str | None,
    mail_url: str | None,
    mail_sender: str | None,
    as_json: bool,
) -> None:
    """Set up a new installation.

    Writes the configuration (unless it is there), the key file, the database with both realms,
    and prints a link with which the first administrator sets a password. What an interrupted run
    left is finished by the next one.
    """
    path = context.config_path or default_path()
    done: list[str] = []
    if not path.exists():
        ask = _asker()
        text = render_initial(
            public_url or ask("Address of the server", _PUBLIC_URL),
            mail_url=mail_url or ask("Mail server", _MAIL_URL),
            mail_sender=mail_sender or ask("From of mails", _MAIL_SENDER),
        )
        _write_new(path, text)
        _check_new(path)
        done.append(f"configuration {path}")
    elif public_url or mail_url or mail_sender:
        message = f"{path} is there already: edit it instead of giving options"
        raise Refusal(message)
    config = load(path)
    done += prepare(context, config)
    runtime = context.parts().build_runtime(config)
    try:
        _finish(context, runtime, done, as_json=as_json)
    finally:
        runtime.database.close()


def prepare(context: CliContext, config: Config) -> list[str]:
    """Create the key file, the schema and the realms, each only where it is missing."""
    done: list[str] = []
    database = Database(config.database.url.reveal())
    try:
        revision = current_revision(database)
        has_secrets = revision is not None and has_sealed(database, config.realms)
    finally:
        database.close()
    key_file = config.secrets.key_file
    if not has_secrets and not key_file.exists():
        context.parts().create_key_file(key_file)
        done.append(f"key file {key_file}")
    if revision != head_revision():
        schema = check_revision(revision)
        if revision is not None and schema.problem is not None:
            raise Refusal(str(schema))
        upgrade(config.database.url.reveal())
        done.append(f"database {config.database.url}")
    runtime = context.parts().assemble(config)
    try:
        done += prepare_realms(runtime)
    finally:
        runtime.database.close()
    return done


def _finish(context: CliContext, runtime: "Runtime", done: list[str], *, as_json: bool) -> None:
    if has_administrator(runtime):
        if not done:
            raise Refusal("this installation is set up already; nothing was changed")
        link = None
    else:
        with runtime.begin(ADMIN_REALM, actor=HOST) as uow:
            token = issue_setup_link(uow)
        link = f"{runtime.config.issuer(ADMIN_REALM)}/setup/{token}"
    if as_json:
        context.print_json({"done": done, "setup_link": link})
        return
    for what in done:
        context.say(f"made {what}")
    if link is None:
        return
    context.say("\nNext:\n  1. idp serve")
    context.say("  2. Open this link and choose the first administrator (once, within 24 hours):\n")
    click.echo(link)
    context.say(f"\nKeep a copy of {runtime.config.secrets.key_file} in a safe place.")


def _asker() -> Callable[[str, str], str]:
    """Return how to get a value: from the person at the terminal, else the default."""
    if not sys.stdin.isatty():
        return lambda _question, default: default

    def ask(question: str, default: str) -> str:
        answer: str = click.prompt(question, default=default, err=True)
        return answer

    return ask


def _check_new(path: Path) -> None:
    """Take a file back whose answers cannot be used, so that the next run asks again."""
    try:
        load(path)
    except ConfigError as error:
        path.unlink()
        message = f"{error}\nno file was written; give another value"
        raise Refusal(message) from error


def _write_new(path: Path, text: str) -> None:
    """Write a new file that only this user can read, whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=path.parent, encoding="utf-8") as draft:
            draft.write(text)
            draft.flush()
            os.fsync(draft.fileno())
            os.link(draft.name, path)
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}"
        raise Refusal(message) from error
