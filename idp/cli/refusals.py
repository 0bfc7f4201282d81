"""A refusal in one clear line for the person at the terminal."""

from collections.abc import Mapping, Sequence
from typing import IO

import click

from idp.cli.output import printable
from idp.errors import ConfigError, IdpError, PasswordRejected, RateLimited, Unavailable

_WORDS: Mapping[str, str] = {
    "database.unavailable": "the database does not answer; nothing was changed",
    "hashing.busy": "too many passwords are being checked; nothing was changed",
    "backup.file_exists": "a file of that name is there already",
    "backup.database_not_empty": "the database is not empty; --force replaces what is there",
    "backup.not_a_backup": "the file is not a backup of this product; nothing was changed",
    "backup.damaged": "the backup is damaged; nothing was changed",
    "backup.newer": "the backup was made by a newer version; nothing was changed",
    "backup.failed": "it did not work; nothing was changed",
    "backup.file": "that file cannot be used",
    "setup.closed": "there is an administrator already",
    "admin.last_owner": "the last owner who can act must stay an active owner",
    "admin.other_realm": "only users of the staff realm can be administrators",
    "user.invalid": "that cannot be stored",
    "user.username_taken": "that login name is taken",
    "user.external_id_taken": "that external id is taken",
    "user.changed_meanwhile": "the user was changed meanwhile by somebody else",
    "user.no_password": "the user has no password yet",
    "user.no_email": "the user has no e-mail",
    "user.inactive": "the user is inactive",
    "user.locked": "the user is locked",
    "import.bad_header": "the file is not understood; nothing was changed",
}


class Refusal(click.ClickException):
    """A refused command: says why on stderr and exits 1."""

    def show(self, file: IO[str] | None = None) -> None:
        """Print each line of the message after the program's name."""
        for line in self.message.splitlines() or [""]:
            click.echo(f"idp: {printable(line)}", file=file, err=file is None)


def refusal_of(error: IdpError, *, debug: bool = False) -> Refusal:
    """Return what to tell about `error`; its private detail only when debugging."""
    text = _text_of(error)
    if debug and error.detail:
        text = f"{text}\ndetail: {printable(error.detail)}"
    return Refusal(text)


def _text_of(error: IdpError) -> str:
    match error:
        case ConfigError():
            return str(error)
        case PasswordRejected():
            findings = "; ".join(_named(f.code, f.params) for f in error.findings)
            return f"the policy does not accept this password: {findings}"
        case RateLimited() | Unavailable():
            again = f"try again in {error.retry_after} s"
            return f"{_spoken(error.code)}; {again}"
        case _:
            return _named(error.code, error.params)


def _named(code: str, params: Mapping[str, object]) -> str:
    said = ", ".join(f"{name} {_shown(value)}" for name, value in params.items())
    return f"{_spoken(code)}: {said} [{code}]" if said else f"{_spoken(code)} [{code}]"


def _spoken(code: str) -> str:
    return _WORDS.get(code) or code.replace(".", " ").replace("_", " ")


def _shown(value: object) -> str:
    match value:
        case {"field": name, "reason": reason}:
            return printable(f"{name} {reason}")
        case Mapping():
            return "; ".join(f"{key}: {_shown(item)}" for key, item in value.items())
        case str():
            return f'"{printable(value)}"'
        case Sequence():
            return ", ".join(_shown(item) for item in value)
        case _:
            return printable(value)
