"""What every command shares: its context, its options, and the group that maps errors.

A command is a click function that takes `@click.pass_obj` of type `CliContext`: it parses, calls
one use case, prints. It lets `IdpError`s pass: the root group says them on stderr and exits 1
(wrong usage exits 2, an interrupt 130). `--config` and `--debug` are added to every command by
the root group, so commands do not declare them. Tests go through `tests.support.commands`.
"""

import difflib
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeVar

import click

from idp.cli.output import Progress, json_text, print_table, printable_lines, progress
from idp.cli.refusals import Refusal
from idp.ids import RealmName

if TYPE_CHECKING:  # a command's help must not wait for pydantic and SQLAlchemy
    from collections.abc import Iterable, Sequence

    from idp.config import Config
    from idp.core.jobs import Job
    from idp.core.ports import CommonPasswords, SecretBox, StrengthMeter
    from idp.core.runtime import Runtime
    from policy.model import Rule

_MAX_SECRET_BYTES = 64 * 1024
F = TypeVar("F", bound=Callable[..., Any])


class JobRunner(Protocol):
    """Runs queued jobs and outgoing messages (`idp.jobs.runner.Runner`)."""

    def run_job(self, job_id: str, on_progress: "Callable[[Job], None] | None" = None) -> None:
        """Run one job to its end, or to where it is paused or cancelled."""
        ...

    def run_forever(self, stop: threading.Event) -> None:
        """Take work until `stop` is set."""
        ...


class Parts(Protocol):
    """What the composition root lends to the commands, which may not import it (`idp.app`)."""

    def assemble(self, config: "Config") -> "Runtime":
        """Return the parts of a process without looking at the database."""
        ...

    def build_runtime(self, config: "Config") -> "Runtime":
        """Return the parts of a process that can serve, or raise `ConfigError` with the reason."""
        ...

    def job_runner(
        self, runtime: "Runtime", *, name: str | None = None, heir_of: str | None = None
    ) -> JobRunner:
        """Return what runs jobs in this process; it frees what `heir_of`, dead now, still held."""
        ...

    def create_key_file(self, path: Path) -> None:
        """Write a new key file; an existing one is never replaced."""
        ...

    def open_key_file(self, path: Path) -> "SecretBox":
        """Return what encrypts with the key file, or raise `ConfigError` with the reason."""
        ...

    def seal_setting(self, box: "SecretBox", value: str) -> str:
        """Return a secret as it may stand among a directory's settings."""
        ...

    def check_mail(self, config: "Config") -> str | None:
        """Return why mail cannot go out, or None; nothing is sent."""
        ...

    def common_passwords(self) -> "CommonPasswords":
        """Return the list of common passwords, which needs no configuration."""
        ...

    def strength_meter(self) -> "StrengthMeter":
        """Return what measures passwords, which needs no configuration."""
        ...

    def policy_rules(self) -> "tuple[type[Rule], ...]":
        """Return every rule there is, or raise `ConfigError` for one that cannot be used."""
        ...

    def start_log(self, config: "Config") -> None:
        """Send this process's log to stderr as the configuration says."""
        ...

    def serve_web(self, load: "Callable[[], Config]", *, parent: int | None) -> None:
        """Answer HTTP requests until told to stop; `load` is called again for every reload."""
        ...

    def supervise(self, config_path: Path | None, config: "Config", *, with_jobs: bool) -> int:
        """Run the web server and the jobs as child processes; return the exit status."""
        ...


@dataclass(slots=True)
class CliContext:
    """One run of the command line.

    Attributes:
        lend: gives the composition root; asked once, by `parts`.
        config_path: the file named by `--config`; None means `idp.config.default_path()`.
        lent_runtime: a runtime that somebody else opened and will close (tests).
    """

    lend: Callable[[], Parts]
    config_path: Path | None = None
    debug: bool = False
    lent_runtime: "Runtime | None" = None
    _parts: Parts | None = field(default=None, repr=False)
    _config: "Config | None" = field(default=None, repr=False)
    _runtime: "Runtime | None" = field(default=None, repr=False)

    def parts(self) -> Parts:
        """Return the composition root, loaded on first use."""
        if self._parts is None:
            self._parts = self.lend()
        return self._parts

    @property
    def config(self) -> "Config":
        """Return the configuration, read on first use."""
        if self.lent_runtime is not None:
            return self.lent_runtime.config
        if self._config is None:
            from idp.config import load  # noqa: PLC0415 - only commands that need it pay for it

            self._config = load(self.config_path)
        return self._config

    def runtime(self) -> "Runtime":
        """Return the running parts, put together and checked on first use."""
        if self.lent_runtime is not None:
            return self.lent_runtime
        if self._runtime is None:
            self._runtime = self.parts().build_runtime(self.config)
            _on_close(self._runtime.directories.close)
            _on_close(self._runtime.database.close)
        return self._runtime

    def runner(self) -> JobRunner:
        """Return what runs jobs in this process, for `--wait`."""
        return self.parts().job_runner(self.runtime())

    def realm(self, name: str) -> RealmName:
        """Return a realm of the configuration, or end as wrong usage with the nearest name."""
        known = list(self.config.realms)
        if name in known:
            return RealmName(name)
        near = difflib.get_close_matches(name, known, n=1)
        hint = f'did you mean "{near[0]}"?' if near else f"there are: {', '.join(known)}"
        message = f'no realm "{name}"; {hint}'
        raise click.BadParameter(message, param_hint="--realm")

    def print_json(self, document: object) -> None:
        """Print one JSON document on stdout; dataclasses, moments and durations included."""
        click.echo(json_text(document))

    def say(self, text: str) -> None:
        """Tell the person something on stderr; stdout is for results."""
        click.echo(printable_lines(text), err=True)

    def table(self, rows: "Iterable[Sequence[object]]", columns: "Sequence[str]") -> None:
        """Print rows under their headings on stdout."""
        print_table(rows, columns)

    def details(self, facts: Mapping[str, object]) -> None:
        """Print the facts about one thing, a line each."""
        print_table(facts.items(), ("what", "value"))

    def progress(self, label: str, total: int | None) -> AbstractContextManager[Progress]:
        """Show how far long work is, on stderr; call what it gives with the number done."""
        return progress(label, total)

    def fail(self, message: str) -> NoReturn:
        """End the command as refused (exit 1) with one line on stderr."""
        raise Refusal(message)

    def confirm(self, question: str, *, assume_yes: bool = False) -> None:
        """Return when the person agrees (or `--yes` was given); end the command otherwise."""
        if assume_yes:
            return
        if not sys.stdin.isatty():
            self.fail(f"{question} Not asked, because nobody is at a terminal: add --yes.")
        if not click.confirm(question, err=True):
            self.fail("nothing was changed")

    def read_secret(self, *, stdin: bool, prompt: str, confirm: bool = False) -> str:
        """Return a secret from a prompt, or from the first line of standard input."""
        if stdin:
            return _read_secret_line()
        if not sys.stdin.isatty():
            raise click.UsageError(
                "nobody is at a terminal to type it: pass it with --password-stdin"
            )
        value: str = click.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True)
        return value


def _on_close(action: Callable[[], None]) -> None:
    context = click.get_current_context(silent=True)
    if context is not None:
        context.find_root().call_on_close(action)


def _read_secret_line() -> str:
    line = sys.stdin.buffer.readline(_MAX_SECRET_BYTES + 1)
    if len(line) > _MAX_SECRET_BYTES:
        raise Refusal("the secret on standard input is too long")
    try:
        secret = line.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise Refusal("the secret on standard input is not UTF-8 text") from error
    if not secret:
        raise Refusal("there is no secret on standard input")
    return secret


def realm_option(command: F) -> F:
    """Add `--realm R` (required); the command gets the text and asks `CliContext.realm`."""
    return click.option("--realm", required=True, metavar="R", help="staff, portal, ...")(command)


def json_option(command: F) -> F:
    """Add `--json` as `as_json`."""
    return click.option(
        "--json", "as_json", is_flag=True, help="One JSON document on standard output."
    )(command)


def yes_option(command: F) -> F:
    """Add `--yes`."""
    return click.option("--yes", is_flag=True, help="Do not ask.")(command)
