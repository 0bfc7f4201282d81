"""An Active Directory domain controller of our own: Samba, in a network of its own."""

import itertools
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support import MissingPartError, samba_data
from tests.support.certificates import Authority
from tests.support.ldap_tools import LdapTools
from tests.support.network_namespace import IN_A_NETWORK, accepts, forwarded
from tests.support.ports import LOOPBACK
from tests.support.samba_data import user
from tests.support.slapd import GROUPS, PEOPLE
from tests.support.waiting import wait_until

_PROGRAM = "/usr/sbin/samba"
_PYTHON = "/usr/bin/python3"
_PROVISION = Path(__file__).with_name("samba_provision.py")
_PASSWORD = "Admin-Secret-7"
_FOLDERS = ("private", "state", "cache", "lock", "bind", "run", "ncalrpc", "ntp", "winbindd")
_STOP_SECONDS = 10


@dataclass
class SambaServer:
    """A running domain controller with its data; a test makes people of its own in it."""

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
        self,
        password: str | bytes = "",
        *,
        below: str = PEOPLE,
        policy: str = "",
        control: int = samba_data.ORDINARY,
    ) -> tuple[str, str]:
        """Add a person, under a password policy of that name; return DN and login."""
        login = f"p{next(self._numbers)}"
        dn = f"cn={login},{below}"
        self.tools.add(dn, user(login, password, control=control))
        if policy:
            self.tools.change(f"cn={policy},{GROUPS}", "add: member", f"member: {dn}")
        return dn, login


@contextmanager
def running_samba() -> Iterator[SambaServer]:
    """Make a domain with awkward people in a temporary directory; serve it until the block ends."""
    if not Path(_PROGRAM).exists() or shutil.which("ldapmodify") is None:
        raise MissingPartError("samba with samba-ad-provision, samba-dsdb-modules and ldap-utils")
    if os.geteuid():
        raise MissingPartError("the right to make networks (root), which Samba's fixed ports need,")
    with ExitStack() as held:
        home = Path(tempfile.mkdtemp(prefix="idp-samba-"))
        held.callback(shutil.rmtree, home, ignore_errors=True)
        authority = Authority(home)
        configuration = _configure(home, authority)
        _provision(configuration)
        process = _start(configuration, home / "log")
        held.callback(_stop, process)
        port, tls_port = (held.enter_context(forwarded(process.pid, p)) for p in (389, 636))
        url = f"ldaps://{LOOPBACK}:{tls_port}"
        tools = LdapTools(url, samba_data.ADMINISTRATOR, _PASSWORD, authority.ca_file)
        yield SambaServer(port, tls_port, authority, tools)


def _configure(home: Path, authority: Authority) -> Path:
    for name in _FOLDERS:
        (home / name).mkdir()
    certificate = authority.certify("samba")
    certificate.chmod(0o600)
    path = home / "smb.conf"
    lines = [
        "[global]",
        "netbios name = DC1",
        "workgroup = EXAMPLE",
        "realm = EXAMPLE.TEST",
        "server role = active directory domain controller",
        "server services = ldap",
        "ldap server require strong auth = no",
        "tls enabled = yes",
        f"tls keyfile = {certificate}",
        f"tls certfile = {certificate}",
        f"tls cafile = {authority.ca_file}",
        f"private dir = {home}/private",
        f"state directory = {home}/state",
        f"cache directory = {home}/cache",
        f"lock directory = {home}/lock",
        f"binddns dir = {home}/bind",
        f"pid directory = {home}/run",
        f"ncalrpc dir = {home}/ncalrpc",
        f"ntp signd socket directory = {home}/ntp",
        f"winbindd socket directory = {home}/winbindd",
        f"log file = {home}/log",
        "[sysvol]",
        f"path = {home}/state/sysvol",
        "[netlogon]",
        f"path = {home}/state/sysvol/example.test/scripts",
    ]
    path.write_text("\n".join([*lines, ""]))
    return path


def _provision(configuration: Path) -> None:
    told = {
        "configuration": str(configuration),
        "realm": "EXAMPLE.TEST",
        "password": _PASSWORD,
        "before": [[samba_data.list_before(), []]],
        "grants": [[samba_data.SERVICE, PEOPLE, list(samba_data.RIGHTS)]],
        "after": [
            [samba_data.list_people(), []],
            [samba_data.list_later(), [samba_data.SET_LAST]],
            [samba_data.list_all_groups(), []],
        ],
    }
    done = subprocess.run(
        [_PYTHON, "-I", _PROVISION], input=json.dumps(told).encode(), capture_output=True,
        check=False, timeout=120,
    )  # fmt: skip
    if done.returncode:
        reason = f"no domain could be made: {done.stderr.decode()}"
        raise RuntimeError(reason)


def _start(configuration: Path, log: Path) -> "subprocess.Popen[bytes]":
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *IN_A_NETWORK, _PROGRAM, "--interactive", "--model=single", "--no-process-group",
                "--debug-stdout", f"--configfile={configuration}",
            ],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip

    def listens() -> bool:
        if process.poll() is not None:
            raise RuntimeError(log.read_text())
        return accepts(process.pid, 636)

    wait_until(listens, what="samba")
    return process


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    process.wait(_STOP_SECONDS)
