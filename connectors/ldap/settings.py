"""The settings of a directory that speaks LDAP."""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from connectors.ldap.dialect import Dialect
from connectors.ldap.dialects import DIALECTS
from connectors.ldap.names import BadNameError, normalise_dn
from connectors.settings import Secret, Table

MEMBER_UID = "memberUid"
"""The member attribute that names logins instead of places."""

_PORTS = {"ldap": 389, "ldaps": 636}
_MOST_SECONDS = 60.0
_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9-]*(?:;[A-Za-z0-9-]+)*")
_ATTRIBUTES = {
    "email": ("mail",),
    "name": ("displayName", "cn"),
    "given_name": ("givenName",),
    "family_name": ("sn",),
}
_NEVER_READ = ("userpassword", "unicodepwd", "dbcspwd", "lmpwdhistory", "ntpwdhistory")
_NEVER_READ_PREFIXES = ("ms-mcs-", "mslaps-", "krb", "sambantpassword", "sambalmpassword")


@dataclass(frozen=True, slots=True)
class Server:
    """One server: where it is, and how its connection becomes private."""

    host: str
    port: int
    is_tls: bool

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'ldaps' if self.is_tls else 'ldap'}://{host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connecting:
    """How connections are made. Times are seconds.

    Attributes:
        servers: in the order of preference.
        start_tls: connections to `ldap://` become TLS before anything else is said.
        tls: whom to trust.
        deadline: for one question of a person who waits, over all servers.
        read_timeout: for one page of a run.
    """

    servers: tuple[Server, ...]
    start_tls: bool
    tls: ssl.SSLContext
    bind_dn: str
    bind_password: Secret = field(repr=False)
    connect_timeout: float = 3.0
    deadline: float = 8.0
    read_timeout: float = 60.0
    pool_size: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which entries are read: below `base`, matching `filter`; not deeper with `is_flat`."""

    base: str
    filter: str
    is_flat: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """Which groups are read.

    Attributes:
        member_attribute: holds distinguished names, or logins when it is `MEMBER_UID`.
    """

    scope: Scope
    name_attribute: str = "cn"
    member_attribute: str = "member"


@dataclass(frozen=True, slots=True, kw_only=True)
class LdapSettings:
    """Everything that the connector is told.

    Attributes:
        attributes: target → attributes of the directory, the first that has a value counts.
        member_of: attribute in which an entry names its groups.
        hashes_clear_text: the server hashes a password that arrives in a plain modification
            (OpenLDAP: `ppolicy_hash_cleartext`), so a temporary one and its mark are one write.
    """

    dialect: Dialect
    connecting: Connecting
    people: Scope
    groups: Groups | None
    login_attribute: str
    attributes: Mapping[str, tuple[str, ...]]
    member_of: str = "memberOf"
    page_size: int = 500
    hashes_clear_text: bool = False
    warnings: tuple[str, ...] = ()


def parse_settings(values: Mapping[str, object]) -> LdapSettings:
    """Return the settings that a mapping states; files that it names are read here.

    Raises:
        SettingsRefused: every mistake with its path, never its value.
    """
    table = Table(values)
    dialect = DIALECTS[table.choice("vendor", tuple(DIALECTS), "openldap")]
    connecting, warnings = _read_connecting(table)
    settings = LdapSettings(
        dialect=dialect,
        connecting=connecting,
        people=Scope(
            base=_read_dn(table, "base"),
            filter=_read_filter(table, "filter", dialect.people_filter),
            is_flat=table.choice("scope", ("subtree", "one"), "subtree") == "one",
        ),
        groups=_read_groups(table, dialect),
        login_attribute=table.text("login_attribute", dialect.login_attribute),
        attributes=_read_attributes(table),
        member_of=table.text("member_of_attribute", "memberOf"),
        page_size=table.number("page_size", 500, least=1, most=5000),
        hashes_clear_text=table.flag("hashes_clear_text", fallback=False),
        warnings=warnings,
    )
    if settings.hashes_clear_text and not dialect.may_hash_clear_text:
        table.refuse("hashes_clear_text", f"says nothing with vendor {dialect.vendor}")
    _check_attribute(table, "login_attribute", settings.login_attribute)
    _check_attribute(table, "member_of_attribute", settings.member_of)
    table.finish()
    return settings


def _read_connecting(table: Table) -> tuple[Connecting, tuple[str, ...]]:
    servers = tuple(_read_server(table, url) for url in table.texts("url"))
    start_tls = table.flag("start_tls", fallback=True)
    is_open = not start_tls and any(not server.is_tls for server in servers)
    may_be_open = table.flag("allow_insecure", fallback=False)
    if is_open and not may_be_open:
        reason = "sends passwords in the clear to ldap://; only with allow_insecure = true"
        table.refuse("start_tls", reason)
    connecting = Connecting(
        servers=servers,
        start_tls=start_tls,
        tls=_read_tls(table),
        bind_dn=_read_dn(table, "bind_dn"),
        bind_password=_read_bind_password(table),
        connect_timeout=table.seconds("connect_timeout", 3.0, most=_MOST_SECONDS),
        deadline=table.seconds("deadline", 8.0, most=_MOST_SECONDS),
        read_timeout=table.seconds("read_timeout", 60.0, most=600.0),
        pool_size=table.number("pool_size", 8, least=1, most=100),
    )
    return connecting, ("connections are not encrypted",) if is_open else ()


def _read_server(table: Table, url: str) -> Server:
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        table.refuse("url", "has a port that is none")
        return Server("", 0, is_tls=True)
    rest = (parts.path.strip("/"), parts.query, parts.fragment, parts.username, parts.password)
    if parts.scheme not in _PORTS or not parts.hostname or any(rest):
        table.refuse("url", "must be ldap://HOST:PORT or ldaps://HOST:PORT and nothing else")
    return Server(parts.hostname or "", port, parts.scheme == "ldaps")


def _read_tls(table: Table) -> ssl.SSLContext:
    """Return what checks certificates and host names: always, by TLS 1.2 or newer."""
    ca_file = table.optional_text("ca_file")
    trusts_system = table.flag("trust_system_ca", fallback=ca_file is None)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if trusts_system:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if ca_file is None:
        if not trusts_system:
            table.refuse("trust_system_ca", "leaves nobody to trust without ca_file")
        return context
    try:
        context.load_verify_locations(cadata=Path(ca_file).read_text(encoding="ascii"))
    except (OSError, ValueError) as error:
        told = getattr(error, "strerror", None) or "it holds no certificates in PEM"
        table.refuse("ca_file", f"cannot be used: {told}")
    return context


def _read_bind_password(table: Table) -> Secret:
    password = table.secret("bind_password")
    if b"\0" in password.reveal():
        table.refuse("bind_password", "has a NUL in it")
    return password


def _read_dn(table: Table, key: str, fallback: str | None = None) -> str:
    dn = table.text(key, fallback)
    try:
        normalise_dn(dn)
    except BadNameError as error:
        table.refuse(key, f"is no distinguished name: {error}")
    return dn


def _read_filter(table: Table, key: str, fallback: str) -> str:
    """Take a filter; it is put inside of others, so it must be whole."""
    text = table.text(key, fallback).strip()
    if not (text.startswith("(") and text.endswith(")")):
        table.refuse(key, "must be a filter in parentheses")
    return text


def _read_groups(table: Table, dialect: Dialect) -> Groups | None:
    if table.optional_text("group_base") is None:
        for key in ("group_filter", "group_name_attribute", "group_member_attribute"):
            if table.optional_text(key):
                table.refuse(key, "says nothing without group_base")
        return None
    name_attribute = table.text("group_name_attribute", "cn")
    _check_attribute(table, "group_name_attribute", name_attribute)
    return Groups(
        scope=Scope(
            base=_read_dn(table, "group_base"),
            filter=_read_filter(table, "group_filter", dialect.group_filter),
        ),
        name_attribute=name_attribute,
        member_attribute=table.choice(
            "group_member_attribute", ("member", "uniqueMember", MEMBER_UID), "member"
        ),
    )


def _read_attributes(table: Table) -> dict[str, tuple[str, ...]]:
    attributes = table.lists("attributes", _ATTRIBUTES)
    for target, sources in attributes.items():
        for source in sources:
            _check_attribute(table, f"attributes.{target}", source)
    return attributes


def _check_attribute(table: Table, key: str, attribute: str) -> None:
    name = attribute.partition(";")[0].lower()
    if name in _NEVER_READ or name.startswith(_NEVER_READ_PREFIXES):
        table.refuse(key, "names an attribute that holds secrets")
    elif not _ATTRIBUTE.fullmatch(attribute):
        table.refuse(key, "must name attributes, one by one")
