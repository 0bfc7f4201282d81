"""Whom a command is about."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from idp.core.users import UserView, find_user
from idp.core.work import UnitOfWork
from idp.errors import NotFound

F = TypeVar("F", bound=Callable[..., Any])


def user_argument(command: F) -> F:
    """Add the argument USER: a login name, a unique e-mail, or an id."""
    return click.argument("user", metavar="USER")(command)


def user_named(uow: UnitOfWork, named: str) -> UserView:
    """Return the user that was typed.

    Raises:
        NotFound: `user.not_found`, with what was typed.
    """
    found = find_user(uow, named)
    if found is None:
        raise NotFound("user.not_found", user=named[:256])
    return found
