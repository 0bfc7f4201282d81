"""An OpenLDAP server of our own: real, on the loopback interface, gone after the tests."""

import base64
import hashlib
import itertools
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from tests.support import MissingPartError
from tests.support.certificates import Authority
from tests.support.ldap_tools import Attributes, LdapTools, ldif
from tests.support.ports import LOOPBACK, free_port
from tests.support.waiting import wait_until

BASE = "dc=example,dc=test"
PEOPLE = f"ou=people,{BASE}"
GROUPS = f"ou=groups,{BASE}"
HASHING = "dc=hashing,dc=test"
"""A second tree, whose server hashes passwords that come in a plain modification."""
SERVICE = f"cn=idp,{BASE}"
SERVICE_PASSWORD = "service-Secret-7"
WEAK = f"cn=weak,{BASE}"
"""An account with a size limit of 5 that may not read pages."""
BLIND = f"cn=blind,{BASE}"
"""An account that is shown nothing; every search succeeds."""
ROOT = f"cn=root,{BASE}"
_ROOT_PASSWORD = "root-Secret-7"
SESSION_LOG = 20
"""As many changes the server remembers unless told otherwise; after more it lists what is
unchanged."""

_PROGRAM = "/usr/sbin/slapd"
_SCHEMA = Path("/etc/ldap/schema")
_STOP_SECONDS = 10
_LOAD_SECONDS = 600
_MOST_BYTES = 2**34
"""What a database may have; its file is as large as what is in it."""


@dataclass
class SlapdServer:
    """A running server with its data; a test makes people of its own in it."""

    port: int
    tls_port: int
    home: Path
    authority: Authority
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def url(self) -> str:
        """Give the address without TLS (StartTLS is offered)."""
        return f"ldap://{LOOPBACK}:{self.port}"

    @property
    def tls_url(self) -> str:
        """Give the address with TLS."""
        return f"ldaps://{LOOPBACK}:{self.tls_port}"

    def add_person(
        self, password: str | bytes = "", *, below: str = PEOPLE, **attributes: str
    ) -> tuple[str, str]:
        """Add a person; return DN and login."""
        login = f"p{next(self._numbers)}"
        dn = f"uid={login},{below}"
        self.add(dn, {**person(login, password), **{k: [v] for k, v in attributes.items()}})
        return dn, login

    def connector(self, **own: object) -> dict[str, object]:
        """Return a table `[connectors.NAME]` that reads everybody and every group.

        Args:
            own: settings that are different, or more.
        """
        return {
            "kind": "ldap",
            "url": self.tls_url,
            "ca_file": str(self.authority.ca_file),
            "bind_dn": SERVICE,
            "bind_password": SERVICE_PASSWORD,
            "base": PEOPLE,
            "group_base": GROUPS,
            **own,
        }

    @property
    def tools(self) -> LdapTools:
        """Give what changes the server from outside, as its root."""
        return LdapTools(self.url, ROOT, _ROOT_PASSWORD, self.authority.ca_file)

    def add(self, dn: str, attributes: Attributes) -> None:
        """Add one entry."""
        self.tools.add(dn, attributes)

    def change(self, dn: str, *lines: str) -> None:
        """Change an entry, as `LdapTools.change` does."""
        self.tools.change(dn, *lines)

    def delete(self, *dns: str) -> None:
        """Delete entries."""
        self.tools.delete(*dns)

    def read(self, dn: str, *names: str) -> dict[str, list[bytes]]:
        """Return attributes of one entry, as root sees them, by names in small letters."""
        return self.tools.read(dn, *names)


def person(login: str, password: str | bytes = "", *, name: str = "") -> Attributes:
    """Return what a person's entry has at least."""
    shown = name or f"Person {login}"
    return {
        "objectClass": ["inetOrgPerson", "shadowAccount"],
        "uid": [login],
        "cn": [shown],
        "sn": [shown.split()[-1]],
        "mail": [f"{login}@example.test"],
    } | ({"userPassword": [hashed(password)]} if password else {})


def hashed(password: str | bytes) -> bytes:
    """Return a password as OpenLDAP stores it, of the bytes as they are."""
    salt = secrets.token_bytes(8)
    raw = password.encode() if isinstance(password, str) else password
    digest = hashlib.sha1(raw + salt, usedforsecurity=False).digest()
    return b"{SSHA}" + base64.b64encode(digest + salt)


@contextmanager
def running_slapd(
    entries: Iterable[tuple[str, Attributes]], *, session_log: int = SESSION_LOG
) -> Iterator[SlapdServer]:
    """Start a server with `entries` beside its own in a temporary directory; stop it afterwards."""
    if not Path(_PROGRAM).exists() or shutil.which("ldapmodify") is None:
        raise MissingPartError("slapd with ldap-utils")
    home = Path(tempfile.mkdtemp(prefix="idp-slapd-"))
    try:
        authority = Authority(home)
        configuration = _configure(home, authority, session_log)
        for suffix, own in ((BASE, chain(_tree(BASE), entries)), (HASHING, _tree(HASHING))):
            _load(configuration, suffix, own)
        server = SlapdServer(free_port(), free_port(), home, authority)
        process = _start(configuration, server)
        try:
            yield server
        finally:
            process.terminate()
            process.wait(_STOP_SECONDS)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _start(configuration: Path, server: SlapdServer) -> "subprocess.Popen[bytes]":
    log = server.home / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [_PROGRAM, "-f", configuration, "-h", f"{server.url}/ {server.tls_url}/", "-d", "0"],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip

    def listens() -> bool:
        if process.poll() is not None:
            raise RuntimeError(log.read_text())
        with socket.socket() as probe:
            return probe.connect_ex((LOOPBACK, server.tls_port)) == 0

    wait_until(listens, what="slapd")
    return process


def _configure(home: Path, authority: Authority, session_log: int) -> Path:
    certificate = authority.certify("slapd")
    path = home / "slapd.conf"
    head = [
        *(f"include {_SCHEMA}/{name}.schema" for name in _SCHEMAS),
        "modulepath /usr/lib/ldap",
        *(f"moduleload {name}" for name in _MODULES),
        f"pidfile {home}/pid",
        f"TLSCACertificateFile {authority.ca_file}",
        f"TLSCertificateFile {certificate}",
        f"TLSCertificateKeyFile {certificate}",
        'access to dn.base="" by * read',
        "database monitor",
        f'access to * by dn.exact="{SERVICE}" read by * none',
    ]
    databases = [*_database(home, BASE, session_log), *_database(home, HASHING, session_log)]
    path.write_text("\n".join([*head, *databases, ""]))
    return path


_SCHEMAS = ("core", "cosine", "inetorgperson", "nis")
_MODULES = ("back_mdb", "back_monitor", "ppolicy", "memberof", "refint", "syncprov")


def _database(home: Path, suffix: str, session_log: int) -> list[str]:
    folder = home / suffix
    folder.mkdir()
    return [
        "database mdb",
        f'suffix "{suffix}"',
        f'rootdn "{ROOT}"',
        *([f"rootpw {_ROOT_PASSWORD}"] if suffix == BASE else []),
        f"directory {folder}",
        f"maxsize {_MOST_BYTES}",
        "dbnosync",
        "index objectClass,entryUUID,entryCSN,uid,member,modifyTimestamp eq",
        f'limits dn.exact="{SERVICE}" size=unlimited time=unlimited',
        f'limits dn.exact="{WEAK}" size=5 size.prtotal=disabled',
        f'access to attrs=userPassword by dn.exact="{SERVICE}" =w by self =xw by anonymous auth',
        f'access to attrs=pwdReset by dn.exact="{SERVICE}" write by * none',
        f'access to * by dn.exact="{SERVICE}" read by dn.exact="{WEAK}" read by * search',
        "overlay memberof",
        "overlay refint",
        "refint_attributes member",
        "overlay ppolicy",
        f'ppolicy_default "cn=default,ou=policies,{suffix}"',
        "ppolicy_use_lockout",
        *(["ppolicy_hash_cleartext"] if suffix == HASHING else []),
        "overlay syncprov",
        f"syncprov-sessionlog {session_log}",
    ]


def _tree(suffix: str) -> list[tuple[str, Attributes]]:
    parts = [
        (f"ou={name},{suffix}", {"objectClass": ["organizationalUnit"], "ou": [name]})
        for name in ("people", "groups", "policies")
    ]
    accounts = [(f"cn={name},{suffix}", _account(name)) for name in ("idp", "weak", "blind")]
    return [
        (suffix, {"objectClass": ["domain"], "dc": [suffix.removeprefix("dc=").partition(",")[0]]}),
        *parts,
        *accounts,
        *((f"cn={name},ou=policies,{suffix}", _policy(name, **own)) for name, own in _POLICIES),
    ]


def _account(name: str) -> Attributes:
    return {
        "objectClass": ["organizationalRole", "simpleSecurityObject"],
        "cn": [name],
        "userPassword": [SERVICE_PASSWORD],
    }


_POLICIES: tuple[tuple[str, dict[str, str]], ...] = (
    ("default", {"pwdLockout": "TRUE", "pwdMaxFailure": "3", "pwdMustChange": "TRUE"}),
    ("strict", {"pwdMinLength": "12", "pwdInHistory": "3", "pwdCheckQuality": "2"}),
    ("young", {"pwdMinAge": "86400"}),
    ("expiring", {"pwdMaxAge": "86400"}),
    ("grace", {"pwdMaxAge": "86400", "pwdGraceAuthNLimit": "5"}),
    ("warning", {"pwdMaxAge": "86400", "pwdExpireWarning": "172800"}),
    ("frozen", {"pwdAllowUserChange": "FALSE"}),
)


def _policy(name: str, **own: str) -> Attributes:
    return {
        "objectClass": ["device", "pwdPolicy"],
        "cn": [name],
        "pwdAttribute": ["userPassword"],
    } | {key: [value] for key, value in own.items()}


def _load(configuration: Path, suffix: str, entries: Iterable[tuple[str, Attributes]]) -> None:
    path = configuration.with_name("entries.ldif")
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{ldif(dn, attributes)}\n" for dn, attributes in entries)
    done = subprocess.run(
        ["slapadd", "-q", "-f", configuration, "-b", suffix, "-w", "-l", path],
        capture_output=True, check=False, timeout=_LOAD_SECONDS,
    )  # fmt: skip
    path.unlink()
    if done.returncode:
        reason = f"slapadd failed: {done.stderr.decode()}"
        raise RuntimeError(reason)
