"""`idp user lock`, `unlock`, `deactivate` and the like: what is done to one account."""

from collections.abc import Callable

import click

from idp.cli.base import CliContext, json_option, realm_option
from idp.cli.user_subjects import user_argument, user_named
from idp.core.sessions import end_session, list_sessions
from idp.core.users import (
    UserView,
    deactivate_user,
    end_sessions,
    lock_user,
    reactivate_user,
    require_change,
    send_reset,
    set_user_password,
    unlock_user,
)
from idp.core.work import HOST, UnitOfWork
from idp.ids import SessionId, UserId
from idp.store.sessions import SessionRow

_SESSION_COLUMNS = ("id", "signed_in_at", "last_seen_at", "address", "user_agent")


def _state_command(
    name: str, action: Callable[[UnitOfWork, UserId], UserView], help_text: str
) -> click.Command:
    """Return a command that does one thing to one account and says what it is now."""

    @click.command(name, help=help_text)
    @user_argument
    @realm_option
    @click.pass_obj
    def command(context: CliContext, *, user: str, realm: str) -> None:
        with context.runtime().begin(context.realm(realm), actor=HOST) as uow:
            view = action(uow, user_named(uow, user).id)
        context.say(f"{view.username} is {view.status}")

    return command


@click.command("set-password")
@user_argument
@realm_option
@click.option("--password-stdin", is_flag=True, help="Read it from standard input; do not ask.")
@click.option("--permanent", is_flag=True, help="It need not be changed and does not run out.")
@click.pass_obj
def set_password_command(
    context: CliContext, *, user: str, realm: str, password_stdin: bool, permanent: bool
) -> None:
    """Set a user's password; everything given before ends.

    Unless --permanent, it has to be changed at the next sign-in and works for three days.
    """
    name = context.realm(realm)
    runtime = context.runtime()
    with runtime.begin(name, write=False, actor=HOST) as uow:
        found = user_named(uow, user)
    password = context.read_secret(stdin=password_stdin, prompt="New password", confirm=True)
    view = set_user_password(runtime, name, found.id, password, permanent=permanent, actor=HOST)
    until = view.password.temporary_until if view.password else None
    lasts = f"; to be changed by {until:%Y-%m-%d %H:%M} UTC" if until else ""
    context.say(f"{view.username} has another password{lasts}")


@click.command("require-change")
@user_argument
@realm_option
@click.option("--end-sessions", "ends", is_flag=True, help="Sign the user out everywhere, too.")
@click.pass_obj
def require_change_command(context: CliContext, *, user: str, realm: str, ends: bool) -> None:
    """Ask a user for another password before the next token."""
    with context.runtime().begin(context.realm(realm), actor=HOST) as uow:
        view = require_change(uow, user_named(uow, user).id, end_sessions=ends)
    context.say(f"{view.username} must choose another password")


@click.command("send-reset")
@user_argument
@realm_option
@click.pass_obj
def send_reset_command(context: CliContext, *, user: str, realm: str) -> None:
    """Mail a user a link to choose a password with. It works once, for 24 hours."""
    with context.runtime().begin(context.realm(realm), actor=HOST) as uow:
        view = user_named(uow, user)
        send_reset(uow, view.id)
    context.say(f"a link goes to {view.email}")


@click.command("sessions")
@user_argument
@realm_option
@click.option("--end", "ended", metavar="ID", help="End this session.")
@click.option("--end-all", is_flag=True, help="Sign the user out everywhere.")
@json_option
@click.pass_obj
def sessions_command(
    context: CliContext, *, user: str, realm: str, ended: str | None, end_all: bool, as_json: bool
) -> None:
    """List where a user is signed in, or end that."""
    is_change = bool(ended) or end_all
    with context.runtime().begin(context.realm(realm), write=is_change, actor=HOST) as uow:
        user_id = user_named(uow, user).id
        if end_all:
            context.say(f"sessions that ended: {end_sessions(uow, user_id)}")
        elif ended:
            end_session(uow, user_id, SessionId(ended))
        sessions = [_session(row) for row in list_sessions(uow, user_id)]
    if as_json:
        context.print_json(sessions)
    else:
        context.table(
            ([row[key] for key in _SESSION_COLUMNS] for row in sessions), _SESSION_COLUMNS
        )


def _session(row: SessionRow) -> dict[str, object]:
    return {
        "id": row.id,
        "signed_in_at": row.auth_time,
        "created_at": row.created_at,
        "last_seen_at": row.last_seen_at,
        "expires_at": row.expires_at,
        "address": row.address,
        "user_agent": row.user_agent,
    }


STATE_COMMANDS = (
    _state_command("lock", lock_user, "Lock an account at once: sign-in, sessions, tokens, links."),
    _state_command("unlock", unlock_user, "Open a locked account, or one with failed sign-ins."),
    _state_command("deactivate", deactivate_user, "Remove a user from use; nothing is deleted."),
    _state_command("reactivate", reactivate_user, "Bring a removed user back."),
    set_password_command,
    require_change_command,
    send_reset_command,
    sessions_command,
)
"""What `idp user` can do to one account."""
