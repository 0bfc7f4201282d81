"""The group that every command hangs from: loads them late, gives each `--config`, maps errors."""

import difflib
import importlib
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from idp.cli.base import CliContext
from idp.cli.output import printable_lines
from idp.cli.refusals import Refusal, refusal_of
from idp.errors import IdpError

_INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Entry:
    """One command of the root group.

    Attributes:
        name: as typed.
        place: `module:attribute` of the click command or group.
        help: one line for `idp --help`; None for what only other commands call.
    """

    name: str
    place: str
    help: str | None


class RootGroup(click.Group):
    """Loads the commands of a table late, and turns refusals into lines and exit codes."""

    def __init__(self, name: str, entries: Sequence[Entry], summary: str) -> None:
        super().__init__(
            name,
            params=list(common_options()),
            help=summary,
            context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        )
        self._entries = {entry.name: entry for entry in entries}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return every name, in the order of the table."""
        return list(self._entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, its module loaded, `--config` and `--debug` added throughout."""
        entry = self._entries.get(cmd_name)
        if entry is None:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = entry.place.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        _add_common_options(command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that was typed; a wrong name is told the nearest right one."""
        near = difflib.get_close_matches(args[0], self._entries, n=1)
        if args[0] not in self._entries and args[0][:1] != "-" and near:
            message = f'there is no command "{args[0]}"; did you mean "{near[0]}"?'
            raise click.UsageError(message, ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without loading any."""
        with formatter.section("Commands"):
            entries = self._entries.values()
            formatter.write_dl([(entry.name, entry.help) for entry in entries if entry.help])

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; say a refusal in one line, show a traceback only when debugging."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit):
            raise
        except (KeyboardInterrupt, click.Abort):
            click.echo("idp: interrupted", err=True)
            ctx.exit(_INTERRUPTED)
        except IdpError as error:
            _show_traceback(ctx)
            raise refusal_of(error, debug=_is_debugging(ctx)) from error
        except Exception as error:
            _show_traceback(ctx)
            message = f"unexpected {type(error).__name__}; `idp --debug ...` shows where"
            raise Refusal(message) from error


def _is_debugging(ctx: click.Context) -> bool:
    context = ctx.find_object(CliContext)
    return context is not None and context.debug


def _show_traceback(ctx: click.Context) -> None:
    if _is_debugging(ctx):
        click.echo(printable_lines(traceback.format_exc()), err=True, nl=False)


def common_options() -> tuple[click.Option, click.Option]:
    """Return `--config` and `--debug`, which every command takes and none declares."""
    return (
        click.Option(
            ["--config", "config_path"],
            type=click.Path(path_type=Path, dir_okay=False),
            expose_value=False,
            is_eager=True,
            callback=_note_config,
            metavar="FILE",
            help="The configuration (default: IDP_CONFIG, else ./config.toml).",
        ),
        click.Option(
            ["--debug"],
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=_note_debug,
            help="Show where an unexpected error comes from.",
        ),
    )


def _note_config(ctx: click.Context, _option: click.Parameter, value: Path | None) -> None:
    if value is not None:
        ctx.ensure_object(CliContext).config_path = value


def _note_debug(ctx: click.Context, _option: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's signature
    if value:
        ctx.ensure_object(CliContext).debug = True


def _add_common_options(command: click.Command) -> None:
    if isinstance(command, click.Group):
        for child in command.commands.values():
            _add_common_options(child)
    elif not any(option.name == "config_path" for option in command.params):
        command.params.extend(common_options())
