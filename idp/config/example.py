"""The commented configuration file: made from the schema, so it cannot tell anything else."""

import json
import textwrap
from collections.abc import Iterator, Mapping
from datetime import timedelta

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from idp.config.connectors import Connector
from idp.config.realms import REALMS, Lifetimes, Realm
from idp.config.schema import Config
from idp.durations import format_duration

_HEAD = """\
TimeTrak IdP configuration (TOML).
A line of "#" and a key shows its default (or an example, if it has none): remove the "#" to
change it.
Each key can also be set by an environment variable: server.listen is IDP__SERVER__LISTEN,
realms.staff.display_name is IDP__REALMS__STAFF__DISPLAY_NAME.
Unknown keys and bad values stop the start, with the place and the reason.
"""
_POLICY_HINT = """\
The document of `idp policy show`, for example:
[realms.{name}.policy.rules]
length = {{min = 15, max = 256}}
differs_from_current = {{}}
blocklist = {{common = true, words = ["timetrak"]}}
"""


_CONNECTOR_HINT = """\
A directory whose accounts sign in here: docs/directories.md. NAME is yours to choose, and stays;
without such a table there is none. This one is an example: remove the "# " of the lines that you
need.
"""
_LDAP_HINT = """\
What the connector itself is told. This is for kind = "ldap"; "csv" takes path and delimiter. Where
a line shows a default, it can be left out.

Which server it is; several of the defaults below follow from it.
vendor = "openldap"
One server or several, in the order of preference: "ldaps://HOST:PORT" or "ldap://HOST:PORT".
url = ["ldaps://ldap.example.co.nz"]
Whether ldap:// becomes TLS before anything else is said.
start_tls = true
The certificates to trust (PEM); without it those of the system. A relative path is in the folder
of this file.
ca_file = "directory-ca.pem"
Whether the system's are trusted as well.
trust_system_ca = false
Lets start_tls = false send passwords in the clear.
allow_insecure = false

The account that reads, and its password: `idp directory seal` prints what to write here.
bind_dn = "cn=idp,ou=services,dc=example,dc=co,dc=nz"
bind_password = "sealed:..."

Who is an account: everybody below base who matches filter ("one" looks only directly below it).
base = "ou=people,dc=example,dc=co,dc=nz"
filter = "(objectClass=inetOrgPerson)"
scope = "subtree"
What people type to sign in.
login_attribute = "uid"
Attributes and where they are from; the first that has a value counts.
attributes.email = "mail"
attributes.name = ["displayName", "cn"]
attributes.given_name = "givenName"
attributes.family_name = "sn"

Groups; none are read without group_base.
group_base = "ou=groups,dc=example,dc=co,dc=nz"
group_filter = "(objectClass=groupOfNames)"
group_name_attribute = "cn"
group_member_attribute = "member"
The attribute in which an entry names its groups.
member_of_attribute = "memberOf"

Seconds to connect, for one question of somebody who waits, and for one page of a run.
connect_timeout = 3.0
deadline = 8.0
read_timeout = 60.0
Connections kept open in each process, and entries in one page.
pool_size = 8
page_size = 500
Whether the server hashes passwords that come in a plain modification (ppolicy_hash_cleartext).
hashes_clear_text = false
"""


def render_example() -> str:
    """Return `config.example.toml`: every key with its meaning, required ones with an example."""
    return _render({})


def render_initial(
    public_url: str,
    *,
    mail_url: str,
    mail_sender: str,
    database_url: str | None = None,
    key_file: str | None = None,
) -> str:
    """Return the commented file that `idp init` writes: the example with these values in force."""
    given = {
        "server.public_url": public_url,
        "mail.url": mail_url,
        "mail.sender": mail_sender,
        "database.url": database_url,
        "secrets.key_file": key_file,
    }
    return _render({key: value for key, value in given.items() if value is not None})


def _render(given: Mapping[str, str]) -> str:
    lines = [*_comment(_HEAD)]
    for name, field in Config.model_fields.items():
        section = field.annotation
        if name == "realms":
            for realm, title in REALMS.items():
                lines += _realm_table(realm, title)
        elif name == "connectors":
            lines += _connector_table()
        elif isinstance(section, type) and issubclass(section, BaseModel):
            lines += _table(name, section, given)
    return "\n".join(lines) + "\n"


def _realm_table(name: str, title: str) -> Iterator[str]:
    yield from _table(f"realms.{name}", Realm, {}, {"display_name": title})
    yield ""
    yield f"# [realms.{name}.policy]"
    yield from _comment(Realm.model_fields["policy"].description or "")
    yield from _comment(_POLICY_HINT.format(name=name))
    yield from _table(f"realms.{name}.lifetimes", Lifetimes, {})


def _connector_table() -> Iterator[str]:
    """Show a directory; all of it is a comment, so that nobody has one by accident."""
    yield ""
    yield from _comment(_CONNECTOR_HINT)
    yield "#"
    yield "# [connectors.NAME]"
    for name, field in Connector.model_fields.items():
        if name == "settings":
            continue
        yield "#"
        yield from _comment(field.description or "")
        yield f"# {_shown(name, field, None).removeprefix('# ')}"
    yield "#"
    yield from _comment(_LDAP_HINT)


def _table(
    path: str,
    section: type[BaseModel],
    given: Mapping[str, str],
    defaults: Mapping[str, object] | None = None,
) -> Iterator[str]:
    yield ""
    yield f"[{path}]"
    yield from _comment(section.__doc__ or "")
    for name, field in section.model_fields.items():
        if name in {"policy", "lifetimes"}:
            continue
        yield ""
        yield from _comment(field.description or "")
        key = f"{path}.{name}"
        if key in given:
            yield f"{name} = {_literal(given[key])}"
        else:
            yield _shown(name, field, (defaults or {}).get(name))


def _shown(name: str, field: FieldInfo, default: object | None) -> str:
    if field.is_required():
        return f"{name} = {_literal(field.examples[0] if field.examples else '')}"
    value = default if default is not None else field.default
    if value is None:
        value = field.examples[0] if field.examples else 0
    return f"# {name} = {_literal(value)}"


def _literal(value: object) -> str:
    """Return `value` as TOML writes it (its basic strings and arrays are JSON's)."""
    match value:
        case bool() | int():
            return json.dumps(value)
        case timedelta():
            return json.dumps(format_duration(value))
        case tuple() | list():
            return f"[{', '.join(_literal(item) for item in value)}]"
        case _:
            return json.dumps(str(value), ensure_ascii=False)


def _comment(text: str) -> list[str]:
    lines = textwrap.dedent(text).strip().splitlines()
    return [f"# {line}".rstrip() for line in lines]
