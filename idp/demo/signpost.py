"""Telling where everything is: one table for people, one JSON file for programs."""

import json
import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from idp.core.scopes import ADMIN_SCOPES
from idp.demo.places import Places
from idp.demo.samples import ACCOUNTS, APPS, PORTAL, SERVICE, STAFF
from idp.demo.seed import Prepared, write_private

_PLAIN_WIDTH = 200
_SHARED = "kiwi"
"""The password of the recipe's bulk reset: four characters, as its policy then allows."""


def report_of(places: Places, prepared: Prepared) -> dict[str, object]:
    """Return everything that programs need to find their way, secrets included."""
    return {
        "pid": os.getpid(),
        "public_url": places.public_url,
        "issuers": {realm: places.issuer(realm) for realm in (STAFF, PORTAL)},
        "apps": {app.key: places.url(app.key) for app in APPS},
        "mail": places.url("mail"),
        "rest": f"{places.public_url}/admin/api/v1",
        "config": str(places.config.absolute()),
        "sign_ins": [
            {
                "realm": account.realm,
                "username": account.username,
                "password": account.password,
                "password_changed": account.username in prepared.changed,
                "role": "owner" if account.is_owner else None,
            }
            for account in ACCOUNTS
        ],
        "service_client": {
            "client_id": SERVICE,
            "client_secret": prepared.secrets[SERVICE],
            "token_endpoint": f"{places.issuer(STAFF)}/token",
            "scope": " ".join(ADMIN_SCOPES),
        },
        "commands": dict(_commands(places, prepared.secrets[SERVICE])),
    }


def write_report(places: Places, report: Mapping[str, object]) -> None:
    """Write `demo.json`, for this user only."""
    text = json.dumps(report, indent=2, ensure_ascii=False)
    write_private(places.report, text + "\n")


def print_signpost(places: Places, prepared: Prepared) -> None:
    """Print the table of addresses and sign-ins, and the commands to paste."""
    console = Console() if sys.stdout.isatty() else Console(width=_PLAIN_WIDTH)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in ("What", "Where", "Sign in with"):
        table.add_column(column, overflow="fold")
    for row in _rows(places, prepared):
        table.add_row(*map(Text, row))
    console.print(table)
    for title, command in _commands(places, prepared.secrets[SERVICE]).items():
        console.print(Text(f"# {title}", style="dim"), soft_wrap=True)
        console.print(Text(command), soft_wrap=True)
    console.print(Text(f"\nThe same as JSON: {places.report}   Stop: Ctrl-C"))


def _rows(places: Places, prepared: Prepared) -> Iterator[tuple[str, str, str]]:
    for app in APPS:
        yield app.name, places.url(app.key), _sign_ins(app.realm, prepared)
    yield "Account page, staff", f"{places.issuer(STAFF)}/account", "as in Professional"
    yield "Account page, portal", f"{places.issuer(PORTAL)}/account", "as in the portal"
    yield "Mail", places.url("mail"), "nothing: reset links arrive here"
    secret = prepared.secrets[SERVICE]
    yield "Administration (REST)", f"{places.public_url}/admin/api/v1", f"{SERVICE} / {secret}"


def _sign_ins(realm: str, prepared: Prepared) -> str:
    accounts = [account for account in ACCOUNTS if account.realm == realm]
    return "\n".join(
        f"{account.username} / "
        + ("(changed since)" if account.username in prepared.changed else account.password)
        for account in accounts
    )


def _commands(places: Places, secret: str) -> Mapping[str, str]:
    """Return the recipe and a look at the REST interface, each ready to paste."""
    folder = shlex.quote(str(places.data.absolute()))
    program = shlex.quote(str(Path(sys.executable).absolute().parent))
    return {
        "Once, in another terminal": (
            f'export PATH={program}:"$PATH" IDP_CONFIG={folder}/config.toml'
        ),
        "The recipe, 1: a shorter minimum length (nobody is asked)": (
            f"idp policy publish {folder}/shorter.toml --realm staff --yes"
        ),
        "The recipe, 2: one password for all staff (its last line tells how to apply it)": (
            f"echo {_SHARED} | idp reset plan --realm staff --mode shared --no-require-change "
            "--all --password-stdin"
        ),
        "The recipe, 3: a longer minimum length (everybody is asked at the next sign-in)": (
            f"idp policy publish {folder}/longer.toml --realm staff --yes"
        ),
        "The recipe, 4: the same for the portal (only new passwords there have to meet it)": (
            f"idp policy publish {folder}/longer.toml --realm portal --yes"
        ),
        "One link for each instead of one password for all": (
            "idp reset plan --realm staff --mode link --all"
        ),
        "The same over REST: a token, then the users": (
            f"TOKEN=$(curl -s -u {SERVICE}:{secret} -d grant_type=client_credentials "
            f"-d scope=admin:read {places.issuer(STAFF)}/token "
            '| sed -E \'s/.*"access_token": ?"([^"]+)".*/\\1/\')\n'
            f'curl -s -H "Authorization: Bearer $TOKEN" '
            f"{places.public_url}/admin/api/v1/realms/staff/users"
        ),
    }
