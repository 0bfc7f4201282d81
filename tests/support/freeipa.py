"""A 389 Directory Server laid out as FreeIPA lays one out: its tree, classes and access rules.

FreeIPA's own server is not packaged for the machines that run these tests. Who is where, and what
an ordinary account may read of whom, is as there; what its plug-ins say to a sign-in is not here.
"""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from connectors.ldap.values import write_time
from tests.support.ds389 import Ds389Server, Layout, grant, running_ds389
from tests.support.ldap_tools import Attributes
from tests.support.slapd import BASE, hashed

USERS = f"cn=users,cn=accounts,{BASE}"
USER_GROUPS = f"cn=groups,cn=accounts,{BASE}"
_PRESERVED = f"cn=deleted users,cn=accounts,cn=provisioning,{BASE}"
SYSTEM_ACCOUNTS = f"cn=sysaccounts,cn=etc,{BASE}"
SYSTEM_ACCOUNT = f"uid=idp,{SYSTEM_ACCOUNTS}"
SYSTEM_PASSWORD = "system-Secret-7"

_SCHEMA = """dn: cn=schema
attributeTypes: ( 2.16.840.1.113730.3.8.3.1 NAME 'ipaUniqueID' EQUALITY caseIgnoreMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributeTypes: ( 2.16.840.1.113719.1.301.4.1.1 NAME 'krbPrincipalName'
  EQUALITY caseExactIA5Match SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 )
attributeTypes: ( 2.16.840.1.113719.1.301.4.6.1 NAME 'krbPrincipalExpiration'
  EQUALITY generalizedTimeMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.24 SINGLE-VALUE )
attributeTypes: ( 2.16.840.1.113719.1.301.4.37.1 NAME 'krbPasswordExpiration'
  EQUALITY generalizedTimeMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.24 SINGLE-VALUE )
attributeTypes: ( 2.16.840.1.113719.1.301.4.45.1 NAME 'krbLastPwdChange'
  EQUALITY generalizedTimeMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.24 SINGLE-VALUE )
attributeTypes: ( 1.1.2.1 NAME 'ipaTopologyPluginVersion' SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
objectClasses: ( 2.16.840.1.113730.3.8.4.12 NAME 'ipaObject' AUXILIARY MUST ipaUniqueID )
objectClasses: ( 2.16.840.1.113719.1.301.6.8.1 NAME 'krbPrincipalAux' AUXILIARY MAY (
  krbPrincipalName $ krbPrincipalExpiration $ krbPasswordExpiration $ krbLastPwdChange ) )
objectClasses: ( 2.16.840.1.113730.3.8.4.3 NAME 'nestedGroup' SUP groupOfNames STRUCTURAL
  MAY memberOf )
objectClasses: ( 2.16.840.1.113730.3.8.4.4 NAME 'ipaUserGroup' SUP nestedGroup STRUCTURAL )
"""
_TOLD_TO_ALL = (
    "objectClass || cn || sn || uid || displayName || givenName || mail || memberOf || member || "
    "ipaUniqueID || krbPrincipalName || krbPrincipalExpiration || krbPasswordExpiration || "
    "krbLastPwdChange || nsAccountLock || createTimestamp || modifyTimestamp || entryUSN"
)


@contextmanager
def running_freeipa() -> Iterator[Ds389Server]:
    """Start a server with FreeIPA's first entries; stop it afterwards."""
    layout = Layout(_tree(), _SCHEMA, plugins=("USN",), settings={"nsslapd-entryusn-global": "on"})
    with running_ds389([], [], layout) as server:
        server.tools.change(
            "",
            "add: objectClass", "objectClass: extensibleObject", "-",
            "add: ipaTopologyPluginVersion", "ipaTopologyPluginVersion: 1.0",
        )  # fmt: skip
        yield server


def add_system_account(server: Ds389Server, dn: str = SYSTEM_ACCOUNT) -> None:
    """Add an account that reads, as FreeIPA's own have no right but to sign in."""
    server.tools.add(
        dn,
        {
            "objectClass": ["account", "simpleSecurityObject"],
            "uid": [dn.partition(",")[0].removeprefix("uid=")],
            "userPassword": [SYSTEM_PASSWORD],
        },
    )


def add_user(server: Ds389Server, login: str, password: str, **own: str | datetime) -> str:
    """Add somebody as `ipa user-add` does, with the private group; return the DN."""
    dn = f"uid={login},{USERS}"
    told = {
        name: write_time(value) if isinstance(value, datetime) else value
        for name, value in own.items()
    }
    server.tools.add(
        dn,
        {
            "objectClass": [
                "inetOrgPerson", "inetUser", "posixAccount", "krbPrincipalAux", "ipaObject",
            ],
            "uid": [login],
            "cn": [f"{login} Example"],
            "sn": ["Example"],
            "uidNumber": ["1001"],
            "gidNumber": ["1001"],
            "homeDirectory": [f"/users/{login}"],
            "krbPrincipalName": [f"{login}@EXAMPLE.TEST"],
            "userPassword": [hashed(password)],
            **_id(),
            **{name: [value] for name, value in told.items()},
        },
    )  # fmt: skip
    private: Attributes = {"objectClass": ["posixGroup", "ipaObject"], "gidNumber": ["1001"]}
    server.tools.add(f"cn={login},{USER_GROUPS}", {**private, "cn": [login], **_id()})
    return dn


def add_user_group(server: Ds389Server, name: str, members: Sequence[str]) -> str:
    """Add a group as `ipa group-add` does; return the DN."""
    dn = f"cn={name},{USER_GROUPS}"
    kept: Attributes = {"objectClass": ["ipaUserGroup", "ipaObject"], "cn": [name]}
    server.tools.add(dn, {**kept, "member": members, **_id()})
    return dn


def preserve(login: str) -> tuple[str, ...]:
    """Return the lines that move a user aside, as `ipa user-del --preserve` does."""
    return (
        "changetype: modrdn", f"newrdn: uid={login}", "deleteoldrdn: 0",
        f"newsuperior: {_PRESERVED}",
    )  # fmt: skip


def _id() -> dict[str, Sequence[str]]:
    return {"ipaUniqueID": [str(uuid.uuid1())]}


def _tree() -> list[tuple[str, Attributes]]:
    rules = [
        grant("read,search,compare", _TOLD_TO_ALL, "all"),
        grant("write", "userPassword", "self"),
    ]
    containers = (
        f"cn=accounts,{BASE}", USERS, USER_GROUPS,
        f"cn=etc,{BASE}", SYSTEM_ACCOUNTS,
        f"cn=provisioning,{BASE}", f"cn=accounts,cn=provisioning,{BASE}", _PRESERVED,
    )  # fmt: skip
    return [
        (BASE, {"objectClass": ["domain"], "dc": ["example"], "aci": rules}),
        *((dn, _container(dn)) for dn in containers),
    ]


def _container(dn: str) -> Attributes:
    return {"objectClass": ["nsContainer"], "cn": [dn.partition(",")[0].removeprefix("cn=")]}
