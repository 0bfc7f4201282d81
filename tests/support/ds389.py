"""A 389 Directory Server of our own: real, on the loopback interface, gone after the tests."""

import itertools
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from getpass import getuser
from pathlib import Path

from tests.support import MissingPartError
from tests.support.certificates import Authority
from tests.support.ldap_tools import Attributes, LdapTools, ldif
from tests.support.ports import LOOPBACK, free_port
from tests.support.slapd import BASE, PEOPLE, SERVICE, SERVICE_PASSWORD, hashed, person
from tests.support.waiting import wait_until

ROOT = "cn=root"
_ROOT_PASSWORD = "root-Secret-7"
POLICIES = f"ou=policies,{BASE}"
SHORT_SIGHTED = f"cn=short-sighted,{BASE}"
"""An account that writes passwords and does not see whether they must be changed."""
_PROGRAM = "/usr/sbin/ns-slapd"
_TEMPLATES = Path("/usr/share/dirsrv/data")
_CONFIGURATION = Path("/etc/dirsrv")
_FOLDERS = ("conf/schema", "db", "lock", "log", "run", "tmp", "ldif", "bak", "home")
_STOP_SECONDS = 20


@dataclass
class Ds389Server:
    """A running server with its data; a test makes people of its own in it."""

    port: int
    tls_port: int
    authority: Authority
    tools: LdapTools
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def tls_url(self) -> str:
        """Give the address with TLS."""
        return f"ldaps://{LOOPBACK}:{self.tls_port}"

    @property
    def url(self) -> str:
        """Give the address without TLS (StartTLS is offered)."""
        return f"ldap://{LOOPBACK}:{self.port}"

    def add_person(
        self, password: str | bytes = "", *, below: str = PEOPLE, **attributes: str
    ) -> tuple[str, str]:
        """Add a person; return DN and login."""
        login = f"p{next(self._numbers)}"
        dn = f"uid={login},{below}"
        own = {name: [value] for name, value in attributes.items()}
        self.tools.add(dn, {**person(login, password), **own})
        return dn, login


@dataclass(frozen=True, slots=True)
class Layout:
    """What a server has beside the engine.

    Attributes:
        tree: entries that others are below, with the access rules.
        schema: LDIF lines of attributes and classes.
        plugins: names of plug-ins beside those that each server has.
        settings: of the server as a whole.
    """

    tree: Sequence[tuple[str, Attributes]]
    schema: str = ""
    plugins: Sequence[str] = ()
    settings: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def running_ds389(
    people: Sequence[tuple[str, Attributes]],
    groups: Sequence[tuple[str, Attributes]],
    layout: Layout | None = None,
) -> Iterator[Ds389Server]:
    """Start a server with `people` and `groups` beside its own entries; stop it afterwards."""
    layout = layout or Layout(_tree())
    if not Path(_PROGRAM).exists() or shutil.which("pk12util") is None:
        raise MissingPartError("389-ds-base with libnss3-tools, openssl and ldap-utils")
    home = Path(tempfile.mkdtemp(prefix="idp-389ds-"))
    try:
        authority = Authority(home)
        port, tls_port = free_port(), free_port()
        _configure(home, port, tls_port, layout)
        _keep_certificate(home, authority)
        _load(home, [*layout.tree, *people])
        tools = LdapTools(f"ldap://{LOOPBACK}:{port}", ROOT, _ROOT_PASSWORD, authority.ca_file)
        server = Ds389Server(port, tls_port, authority, tools)
        process = _start(home, tls_port)
        try:
            for dn, attributes in groups:
                tools.add(dn, attributes)
            yield server
        finally:
            process.kill()
            process.wait(_STOP_SECONDS)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _configure(home: Path, port: int, tls_port: int, layout: Layout) -> None:
    """Fill in the packaged template, as its own installer would in its fixed folders."""
    for name in _FOLDERS:
        (home / name).mkdir(parents=True)
    shutil.copy(_CONFIGURATION / "schema/99user.ldif", home / "conf/schema")
    shutil.copy(_CONFIGURATION / "config/slapd-collations.conf", home / "conf")
    values = {
        "schema_dir": f"{home}/conf/schema",
        "inst_dir": str(home),
        "cert_dir": f"{home}/conf",
        "config_dir": f"{home}/conf",
        "db_home_dir": f"{home}/home",
        **{f"{name}_dir": f"{home}/{name}" for name in ("lock", "tmp", "ldif", "bak", "run")},
        **{f"{name}_dir": f"{home}/{name}" for name in ("log", "db")},
        "fqdn": "localhost",
        "ds_port": str(port),
        "ds_user": getuser(),
        "ds_passwd": hashed(_ROOT_PASSWORD).decode(),
        "ds_suffix": BASE,
        "ds_bename": "userRoot",
        "db_lib": "bdb",
        "rootdn": ROOT,
        "ldapi": f"{home}/run/ldapi",
        "ldapi_enabled": "off",
        "ldapi_autobind": "off",
    }
    names = ("template-dse.ldif", "template-suffix-db.ldif")
    lines = [line for name in names for line in (_TEMPLATES / name).read_text().splitlines()]
    text = "\n".join(line for line in lines if not line.startswith("#"))
    for name, value in values.items():
        text = text.replace(f"%{name}%", value)
    for plugin in (*_PLUGINS, *layout.plugins):
        head, marker, rest = text.partition(f"dn: cn={plugin},")
        text = head + marker + rest.replace("pluginenabled: off", "pluginenabled: on", 1)
    own = "\n".join(f"{name}: {value}" for name, value in (_OWN | dict(layout.settings)).items())
    text = text.replace(
        "dn: cn=config\n", f"dn: cn=config\n{own}\nnsslapd-securePort: {tls_port}\n", 1
    )
    (home / "conf/dse.ldif").write_text(text)
    if layout.schema:
        (home / "conf/schema/60own.ldif").write_text(layout.schema)


_PLUGINS = ("MemberOf Plugin", "referential integrity postoperation")
_OWN = {
    "nsslapd-security": "on",
    "nsslapd-syntaxcheck": "off",
    "nsslapd-listenhost": LOOPBACK,
    "nsslapd-securelistenhost": LOOPBACK,
    "nsslapd-pwpolicy-local": "on",
    "nsslapd-pwpolicy-inherit-global": "on",
    "passwordLockout": "on",
    "passwordMaxFailure": "3",
    "passwordTrackUpdateTime": "on",
    "passwordMinAge": "0",
    "passwordStorageScheme": "SSHA",
}


def _keep_certificate(home: Path, authority: Authority) -> None:
    """Put our certificate into the server's own kind of store."""
    certificate, bundle = authority.certify("389ds"), home / "bundle.p12"
    store = f"sql:{home}/conf"
    commands: list[list[str | Path]] = [
        ["certutil", "-N", "-d", store, "--empty-password"],
        ["certutil", "-A", "-d", store, "-n", "CA", "-t", "CT,,", "-i", authority.ca_file],
        ["openssl", "pkcs12", "-export", "-in", certificate, "-name", "Server-Cert",
         "-out", bundle, "-passout", "pass:"],
        ["pk12util", "-i", bundle, "-d", store, "-W", "", "-K", ""],
    ]  # fmt: skip
    for command in commands:
        _run(command)


def _tree() -> list[tuple[str, Attributes]]:
    names = ("people", "groups", "policies")
    grants = [
        grant("read,search,compare", "*", SERVICE),
        grant("read,search,compare", _ALL_BUT_THE_MARK, SHORT_SIGHTED),
        *(grant("write", "userPassword", who) for who in (SERVICE, SHORT_SIGHTED, "self")),
    ]
    account: Attributes = {
        "objectClass": ["organizationalRole", "simpleSecurityObject"],
        "userPassword": [hashed(SERVICE_PASSWORD)],
    }
    return [
        (BASE, {"objectClass": ["domain"], "dc": ["example"], "aci": grants}),
        *((f"ou={name},{BASE}", {"objectClass": ["organizationalUnit"]}) for name in names),
        *((dn, {**account, "cn": [dn[3:].partition(",")[0]]}) for dn in (SERVICE, SHORT_SIGHTED)),
        *((f"cn={name},{POLICIES}", _policy(own)) for name, own in _POLICIES.items()),
    ]


_ALL_BUT_THE_MARK = (
    "objectClass || nsUniqueId || uid || cn || sn || mail || displayName || givenName || memberOf"
)
_POLICIES: dict[str, dict[str, str]] = {
    "strict": {
        "passwordCheckSyntax": "on", "passwordMinLength": "12", "passwordHistory": "on",
        "passwordInHistory": "3",
    },
    "complex": {"passwordCheckSyntax": "on", "passwordMinDigits": "2"},
    "young": {"passwordMinAge": "86400"},
    "expiring": {"passwordExp": "on", "passwordMaxAge": "86400"},
    "grace": {"passwordExp": "on", "passwordMaxAge": "86400", "passwordGraceLimit": "5"},
    "frozen": {"passwordChange": "off"},
    "resetting": {"passwordMustChange": "on"},
}  # fmt: skip


def grant(rights: str, attributes: str, who: str) -> str:
    """Return an access rule of 389-ds: what `who` may do with attributes."""
    return (
        f'(targetattr="{attributes}")(version 3.0; acl "{rights} {attributes}"; '
        f'allow({rights}) userdn="ldap:///{who}";)'
    )


def _policy(own: Mapping[str, str]) -> Attributes:
    values = {"passwordChange": "on", "passwordTrackUpdateTime": "on"}
    values |= {"passwordStorageScheme": "SSHA", "passwordLockout": "on", "passwordMaxFailure": "3"}
    return {
        "objectClass": ["ldapsubentry", "passwordpolicy"],
        **{name: [value] for name, value in (values | dict(own)).items()},
    }


def _load(home: Path, entries: Sequence[tuple[str, Attributes]]) -> None:
    path = home / "entries.ldif"
    path.write_text("\n".join(ldif(dn, attributes) for dn, attributes in entries))
    _run([_PROGRAM, "ldif2db", "-D", f"{home}/conf", "-n", "userRoot", "-i", path])


def _start(home: Path, port: int) -> "subprocess.Popen[bytes]":
    log = home / "out"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [_PROGRAM, "-D", f"{home}/conf", "-i", f"{home}/run/pid", "-d", "0"],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip

    def listens() -> bool:
        if process.poll() is not None:
            raise RuntimeError(log.read_text())
        with socket.socket() as probe:
            return probe.connect_ex((LOOPBACK, port)) == 0

    wait_until(listens, what="389-ds")
    return process


def _run(command: Sequence[str | Path]) -> None:
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    if done.returncode:
        reason = f"{command[0]} failed: {done.stderr.decode()}"
        raise RuntimeError(reason)
