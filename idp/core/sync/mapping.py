"""From an entry of a directory to what is stored of an account.

Whatever is wrong with a value costs the value, not the account; only an entry without a usable
login is no account. Claims come from the allow-list of `idp.core.profiles` and `idp.core.claims`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.records import Address, DirectoryEntry, DirectoryGroup
from idp.config import Connector
from idp.core.claims import find_bad_claims
from idp.core.profiles import Problems, Profile, check_profile

ALWAYS = ("email", "name", "given_name", "family_name")
"""What a directory governs of its accounts, whether it has a value or not."""
_TEXTS = (*ALWAYS, "phone_number", "locale", "zoneinfo")
_NOT_OF_THE_SCOPE = frozenset(
    {
        *("url", "start_tls", "ca_file", "trust_system_ca", "allow_insecure"),
        *("bind_dn", "bind_password", "connect_timeout", "read_timeout", "deadline"),
        *("pool_size", "page_size", "hashes_clear_text"),
    }
)


@dataclass(frozen=True, slots=True)
class MappedEntry:
    """What is stored of an account, and which members were left out because of their value."""

    columns: Mapping[str, object]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoAccount:
    """Why an entry cannot be an account."""

    reason: str


def scope_digest(connector: Connector) -> str:
    """Return what changes when other accounts, or other parts of them, would be read."""
    settings = connector.settings.reveal()
    scope = {key: value for key, value in settings.items() if key not in _NOT_OF_THE_SCOPE}
    return _digest([connector.kind, connector.realm, scope])


def address_hash(address: Address) -> str:
    """Return the form under which an address is stored and compared."""
    return hashlib.sha256(address.encode("utf-8", "surrogatepass")).hexdigest()


def entry_digest(entry: DirectoryEntry, scope: str) -> str:
    """Return a digest of all that is taken from an entry but its address."""
    attributes = {name: list(values) for name, values in sorted(entry.attributes.items())}
    set_at = entry.password_set_at
    flags = [entry.is_enabled, entry.must_change, set_at.isoformat() if set_at else None]
    return _digest([scope, entry.login, attributes, flags])


def group_digest(group: DirectoryGroup) -> str:
    """Return a digest of all that is taken from a group but its address."""
    return _digest([group.name, sorted(group.members)])


def map_entry(
    entry: DirectoryEntry, connector: Connector, *, stored_email: str | None
) -> MappedEntry | NoAccount:
    """Return what is stored of an entry.

    Args:
        stored_email: of several addresses this one is kept while the entry still has it.
    """
    texts: dict[str, Any] = {}
    left_out: list[str] = []
    claims: dict[str, object] = {}
    for name in sorted(_governed(entry, connector)):
        values = entry.attributes.get(name, ())
        if name in _TEXTS:
            texts[name] = _chosen(name, values, stored_email)
        elif values:
            claims |= _claim(name, values, left_out)
    problems = Problems()
    columns = check_profile(Profile(username=entry.login, **texts), problems)
    for problem in problems.found:
        name = problem["field"]
        if name == "username":
            return NoAccount(f"its login {problem['reason']}")
        left_out.append(name)
        empty: dict[str, Any] = {name: None}
        columns |= check_profile(Profile(**empty), Problems())
    return MappedEntry({**columns, "claims": claims}, tuple(sorted(left_out)))


def _governed(entry: DirectoryEntry, connector: Connector) -> set[str]:
    mapped = connector.settings.reveal().get("attributes")
    return {*ALWAYS, *entry.attributes, *(mapped if isinstance(mapped, Mapping) else ())}


def _chosen(name: str, values: tuple[str, ...], stored_email: str | None) -> str | None:
    if name == "email" and stored_email is not None:
        kept = [value for value in values if value.casefold() == stored_email.casefold()]
        values = (*kept, *values)
    return values[0] if values else None


def _claim(name: str, values: tuple[str, ...], left_out: list[str]) -> dict[str, object]:
    claim = {name: values[0]}
    if find_bad_claims(claim):
        left_out.append(name)
        return {}
    return dict(claim)


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
