"""Filling the demo's folder: configuration, database, accounts, apps; again and again the same.

Whatever is there already stays, so a second start finds passwords and policy as they were left.
"""

import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from idp.app import build_runtime
from idp.cli.base import CliContext
from idp.cli.init import prepare
from idp.cli.refusals import Refusal
from idp.config import Config, load
from idp.core.client_admin import create_client, get_client, update_client
from idp.core.client_registration import Registration
from idp.core.group_names import find_group_ids
from idp.core.groups import create_group
from idp.core.names import name_key
from idp.core.profiles import Profile
from idp.core.roles import AdminRole, grant_role
from idp.core.runtime import Runtime
from idp.core.users import NewUser, create_user, find_user
from idp.core.work import HOST
from idp.demo.places import LOOPBACK, Places
from idp.demo.samples import (
    ACCOUNTS,
    APPS,
    GROUPS,
    PORTAL,
    SERVICE,
    STAFF,
    START_POLICY,
    Account,
    registration_of,
    service_registration,
)
from idp.errors import NotFound
from idp.ids import RealmName, UserId

_MARK = "# Written by `idp demo` at each start; changes are lost."
_POLICY_FILES = {"shorter.toml": 4, "longer.toml": 6}
_COMPARED = (
    "client_name",
    "redirect_uris",
    "post_logout_redirect_uris",
    "initiate_login_uri",
    "scopes",
)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A folder that the server can start on.

    Attributes:
        secrets: of the confidential clients, by client id.
        changed: the accounts whose password is no longer the one they began with.
    """

    config: Config
    secrets: Mapping[str, str] = field(repr=False)
    changed: frozenset[str]


def prepare_demo(
    context: CliContext, places: Places, *, mail_url: str | None, database_url: str | None = None
) -> Prepared:
    """Make the folder ready, or ready again.

    Args:
        mail_url: the mail page's folder when absent.
        database_url: a SQLite file in the folder when absent.

    Raises:
        Refusal: the folder belongs to something else.
    """
    _write_config(places, mail_url, database_url)
    config = load(places.config, {})
    prepare(context, config)
    _write_policies(places.data)
    known, fresh = _client_secrets(places.data / "client-secrets.json")
    runtime = build_runtime(config)
    try:
        _add_groups(runtime)
        changed = {account.username for account in ACCOUNTS if _has_moved_on(runtime, account)}
        wanted = [(app.realm, registration_of(app, places)) for app in APPS]
        for realm, registration in [*wanted, (STAFF, service_registration())]:
            secret = known.get(registration.client_id)
            is_fresh = registration.client_id in fresh
            _register(runtime, realm, replace(registration, secret=secret), is_fresh=is_fresh)
    finally:
        runtime.database.close()
    return Prepared(config, known, frozenset(changed))


def _write_config(places: Places, mail_url: str | None, database_url: str | None) -> None:
    if places.config.exists() and places.config.read_text().partition("\n")[0] != _MARK:
        message = f"{places.config} was not made by the demo; name another folder with --data"
        raise Refusal(message)
    rules = "\n".join(_toml_rules(START_POLICY))
    values = {
        "server": {
            "public_url": places.public_url,
            "listen": f"{LOOPBACK}:{places.ports['server']}",
        },
        "database": {"url": database_url or "sqlite:///timetrak-idp.db"},
        "mail": {
            "url": mail_url or f"file:{places.mail.name}",
            "sender": "TimeTrak <no-reply@example.co.nz>",
        },
        "secrets": {"key_file": "secrets.key"},
        "log": {"level": "warning", "format": "text"},
    }
    parts = [_MARK, *(_table(name, table) for name, table in values.items())]
    parts += [f"[realms.{realm}.policy.rules]\n{rules}" for realm in (STAFF, PORTAL)]
    write_private(places.config, "\n\n".join(parts) + "\n")


def _table(name: str, values: Mapping[str, str]) -> str:
    """Return a TOML table; its basic strings are JSON's."""
    return "\n".join([f"[{name}]", *(f"{key} = {json.dumps(v)}" for key, v in values.items())])


def _toml_rules(document: Mapping[str, object], **length: int) -> list[str]:
    rules = document["rules"]
    assert isinstance(rules, Mapping)  # noqa: S101 - our own preset
    lines = []
    for name, params in rules.items():
        given = params | length if name == "length" else params
        inside = ", ".join(f"{key} = {json.dumps(value)}" for key, value in given.items())
        lines.append(f"{name} = {{{inside}}}")
    return lines


def _write_policies(data: Path) -> None:
    """Write the two policies of the recipe, ready for `idp policy publish`."""
    for name, length in _POLICY_FILES.items():
        lines = [
            f"# TimeTrak's classic policy with at least {length} characters.",
            "[rules]",
            *_toml_rules(START_POLICY, min=length),
        ]
        write_private(data / name, "\n".join(lines) + "\n")


def _client_secrets(file: Path) -> tuple[Mapping[str, str], frozenset[str]]:
    """Return the secrets of the confidential clients, and for which of them they are new."""
    kept: dict[str, str] = {}
    with suppress(FileNotFoundError):
        kept = json.loads(file.read_text())
    names = [*(app.client_id for app in APPS if app.kind == "web"), SERVICE]
    fresh = frozenset(names) - kept.keys()
    known = kept | {name: secrets.token_urlsafe(24) for name in fresh}
    if fresh:
        write_private(file, json.dumps(known, indent=2) + "\n")
    return known, fresh


def write_private(file: Path, text: str) -> None:
    """Write a file for this user only, whole or not at all."""
    draft = file.with_name(f".{file.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)
    draft.replace(file)


def _add_groups(runtime: Runtime) -> None:
    with runtime.begin(STAFF, actor=HOST) as uow:
        known = find_group_ids(uow, GROUPS)
        for name in GROUPS:
            if name_key(name) not in known:
                create_group(uow, name)


def _has_moved_on(runtime: Runtime, account: Account) -> bool:
    """Add an account if it is missing; tell whether its password was set anew since."""
    with runtime.begin(account.realm, write=False, actor=HOST) as uow:
        found = find_user(uow, account.username)
    user = found or create_user(runtime, account.realm, _new_user(account), HOST)
    if account.is_owner:
        _make_owner(runtime, user.id)
    return user.password is None or user.password.set_at != user.created_at


def _new_user(account: Account) -> NewUser:
    profile = Profile(
        username=account.username,
        email=account.email,
        email_verified=True,
        name=account.name,
        groups=account.groups,
    )
    return NewUser(profile=profile, password=account.password)


def _make_owner(runtime: Runtime, user_id: UserId) -> None:
    with runtime.begin(STAFF, actor=HOST) as uow:
        grant_role(uow, user_id, AdminRole.OWNER)


def _register(runtime: Runtime, realm: RealmName, wanted: Registration, *, is_fresh: bool) -> None:
    """Register a client, or bring its addresses, and a new secret, up to date."""
    with runtime.begin(realm, actor=HOST) as uow:
        try:
            known = get_client(uow, wanted.client_id).registration
        except NotFound:
            create_client(uow, wanted)
            return
        changes = {
            name: getattr(wanted, name)
            for name in _COMPARED
            if getattr(wanted, name) != getattr(known, name)
        }
        if is_fresh:
            changes["secret"] = wanted.secret
        if changes:
            update_client(uow, wanted.client_id, changes)
