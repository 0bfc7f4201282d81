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
    "user.invalid": "that cannot be stored",
    "user.username_taken": "that login name is taken",
    "user.external_id_taken": "that external id is taken",
    "user.email_is_login": "that e-mail address is the login name of an account of a directory",
    "user.changed_meanwhile": "the user was changed meanwhile by somebody else",
    "user.no_password": "the user has no password yet",
    "user.no_email": "the user has no e-mail",
    "user.inactive": "the user is inactive",
    "user.locked": "the user is locked",
    "user.directory_owned": "a directory owns the account; change this there",
    "user.disabled_by_directory": "the directory that owns the account disabled it",
    "group.changed_meanwhile": "the group was changed or removed meanwhile",
    "group.directory_owned": "a directory owns the group; change it there",
    "group.invalid": "that cannot be stored",
    "client.invalid": "that cannot be stored",
    "import.bad_header": "the file is not understood; nothing was changed",
    "policy.invalid": "the policy is not understood",
    "policy.unreadable": "the policy cannot be read",
    "policy.group_not_found": "the policy names a group that is not there",
    "policy.waves_too_slow": "the waves cannot ask everybody before their deadline",
    "policy.conflicts_with_nist": (
        "the policy contradicts NIST SP 800-63B-4; --accept-conflicts plans it anyway"
    ),
    "policy.version_moved": "another version was published meanwhile",
    "directory.busy": "the directory is being read or synced at this moment",
    "directory.misconfigured": "the directory cannot be read like this; nothing was changed",
    "directory.unavailable": "the directory does not answer; nothing was changed",
    "directory.untrustworthy": "too much of the directory was not understood; nothing was changed",
    "plan.param_invalid": "that cannot be planned",
    "plan_outdated": "things changed since the plan was made; make a new one",
    "plan.not_applicable": "that plan cannot be applied",
    "plan.not_undoable": "that plan cannot be undone",
    "plan.undo_too_late": "it is too late to undo that",
    "plan.expired": "that plan is too old; make a new one",
    "reset.users_refused": "not every user can be taken",
}
"""What codes mean; what the refusal is about is told after it."""

_SENTENCES: Mapping[str, str] = {
    "admin.other_realm": "only users of the realm {realm} can be administrators",
    "user.not_found": "there is no user {user}",
    "group.not_found": "there is no group {name}",
    "group.name_taken": "there is a group {name} already",
    "group.in_policy": "the policy names the group {name}; publish one without it first",
    "group.in_client": (
        "the group {name} may use {client_ids}; limit them to others first: idp client edit"
    ),
    "client.not_found": "there is no client {client_id}",
    "client.exists": "there is a client {client_id} already",
    "client.has_no_secret": "the client {client_id} has no secret",
    "key.not_found": "there is no key {kid}",
    "key.in_use": "the key {kid} is in use",
    "keys.rotation_under_way": "the next keys of {realm} are published already",
    "directory.not_found": "there is no directory {name}",
    "directory.run_not_found": "there is no run {run_id}",
    "directory.run_planned": "the run {run_id} has a plan already: {plan_id}",
    "plan.not_found": "there is no plan {plan_id}",
    "job.not_found": "there is no job {job_id}",
    "policy.version_not_found": "there is no version {version}",
    "policy.managed_by_config": "the policy of {realm} is in the configuration; change it there",
    "reset.groups_unknown": "there is no group {unknown}",
    "reset.not_begun": "nothing of a reset {plan_id} was done yet",
    "reset.password_repeated": (
        "that password was given to everybody before; --accept-repeat gives it out again"
    ),
    "password.too_short": "too short, at least {min} characters",
    "password.too_long": "too long, at most {max} characters",
    "password.too_few_uppercase": "too few capital letters, at least {min}",
    "password.too_few_lowercase": "too few small letters, at least {min}",
    "password.too_few_digits": "too few digits, at least {min}",
    "password.too_few_symbols": "too few signs, at least {min}",
    "password.too_few_classes": "too few kinds of characters, at least {min}",
    "password.same_as_current": "the same as the present one",
    "password.used_before": "used before",
    "password.common": "on the list of common passwords",
    "password.blocked_word": "a blocked word",
    "password.personal": "too close to the user's name or e-mail",
    "password.too_large": "far too long",
    "password.malformed": "has characters that cannot be typed",
    "password.past_bulk_secret": "was once given to everybody",
}
"""What codes mean, with everything that the refusal is about."""

_SUBJECTS = ("field", "path", "param")
_UNNAMED = frozenset({"reason", "problems", "conflicts"})


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
    sentence = _sentence(code, params)
    if sentence is not None:
        return f"{sentence} [{code}]"
    told = [_told(name, value) for name, value in _joined(params).items() if value not in ([], ())]
    said = ", ".join(told)
    return f"{_spoken(code)}: {said} [{code}]" if said else f"{_spoken(code)} [{code}]"


def _sentence(code: str, params: Mapping[str, object]) -> str | None:
    """Return the sentence about a code, unless it speaks of something that was not given."""
    try:
        return _SENTENCES[code].format_map({name: _shown(value) for name, value in params.items()})
    except KeyError:
        return None


def _joined(params: Mapping[str, object]) -> Mapping[str, object]:
    """Return the parameters with a reason put behind the name of what it is about."""
    reason = params.get("reason")
    if not isinstance(reason, str):
        return params
    rest = {name: value for name, value in params.items() if name != "reason"}
    subject = next((str(rest.pop(name)) for name in _SUBJECTS if rest.get(name)), "")
    file = f"{rest.pop('file')}: " if "file" in rest else ""
    return {"reason": f"{file}{subject} {reason}" if subject else f"{file}{reason}", **rest}


def _told(name: str, value: object) -> str:
    if name not in _UNNAMED:
        return f"{name} {_shown(value)}"
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Sequence):
        return "; ".join(item if isinstance(item, str) else _shown(item) for item in value)
    return _shown(value)


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
