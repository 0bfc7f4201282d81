"""The options that say who somebody is, one for each column."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from idp.core.claims import parse_claims
from idp.core.profiles import KEEP, Keep, Profile

F = TypeVar("F", bound=Callable[..., Any])

_TEXTS = {
    "username": ("NAME", "The login name."),
    "email": ("ADDRESS", "The e-mail."),
    "given_name": ("NAME", None),
    "family_name": ("NAME", None),
    "name": ("NAME", "The whole name, as people see it."),
    "phone_number": ("NUMBER", None),
    "locale": ("TAG", "E.g. en-NZ."),
    "zoneinfo": ("ZONE", "E.g. Pacific/Auckland."),
    "external_id": ("ID", "What the user is called elsewhere."),
}


def profile_options(command: F) -> F:
    """Add an option for each column that says who somebody is."""
    command = click.option("--claims", metavar="JSON", help="Further standard OIDC claims.")(
        command
    )
    command = click.option(
        "--email-verified/--email-not-verified", default=None, help="Whether the e-mail is theirs."
    )(command)
    for name, (metavar, text) in reversed(_TEXTS.items()):
        option = f"--{name.replace('_', '-')}"
        command = click.option(option, metavar=metavar, help=text)(command)
    return command


def profile_of(said: Mapping[str, Any], *, groups: tuple[str, ...] | Keep) -> Profile:
    """Return what the options said; what none said is left as it is."""
    texts = {name: KEEP if said[name] is None else said[name] for name in _TEXTS}
    verified, claims = said["email_verified"], said["claims"]
    return Profile(
        **texts,
        email_verified=KEEP if verified is None else verified,
        claims=KEEP if claims is None else _claims(claims),
        groups=groups,
    )


def _claims(text: str) -> dict[str, object]:
    try:
        return parse_claims(text) if text else {}
    except ValueError as error:
        reason = f"not a JSON object: {error}"
        raise click.BadParameter(reason, param_hint="--claims") from error
