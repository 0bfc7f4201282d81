"""A PostgreSQL server of our own: real, on the loopback interface, gone after the tests."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from tests.support import MissingPartError
from tests.support.memory import database_folder
from tests.support.ports import LOOPBACK, free_port

OLDEST_MAJOR = 15
_OWNER = "idp"
_ATTEMPTS = 5
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "300",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "log_min_messages": "warning",
    "timezone": "UTC",
}


@dataclass
class PostgresServer:
    """A running server; each test gets a database of its own from it."""

    port: int
    _made: int = field(default=0, init=False)

    def url(self, database: str) -> str:
        """Return the address of `database` as `database.url` in the configuration takes it."""
        return f"postgresql+psycopg://{_OWNER}@{LOOPBACK}:{self.port}/{database}"

    def create_database(self, *, template: str = "template0") -> str:
        """Create a database as a copy of `template` and return its name."""
        self._made += 1
        name = f"test_{self._made}"
        self._execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        return name

    def drop_database(self, name: str) -> None:
        """Drop a database, and whoever is still connected to it."""
        self._execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(
            host=LOOPBACK, port=self.port, user=_OWNER, dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(statement)


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Start a server in a temporary folder, in memory if may be, and stop it afterwards."""
    programs = _find_programs()
    home = Path(tempfile.mkdtemp(prefix="idp-pg-", dir=database_folder()))
    try:
        account = _ServerAccount.find()
        account.take_over(home)
        data = home / "data"
        account.run(
            programs / "initdb", "--pgdata", data, "--username", _OWNER, "--auth", "trust",
            "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync",
        )  # fmt: skip
        port = _start(programs, account, home)
        try:
            yield PostgresServer(port)
        finally:
            account.run(programs / "pg_ctl", "stop", "-w", "-m", "immediate", "-D", data)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _start(programs: Path, account: "_ServerAccount", home: Path) -> int:
    log = home / "log"
    for attempt in range(_ATTEMPTS):
        port = free_port()
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(port),
            "unix_socket_directories": str(home),
            **_SETTINGS,
        }
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        try:
            account.run(
                programs / "pg_ctl", "start", "-w", "-t", "60",
                "-D", home / "data", "-l", log, "-o", options,
            )  # fmt: skip
        except RuntimeError as error:
            # Somebody else may have taken the port in between.
            if attempt == _ATTEMPTS - 1 or not log.exists() or "in use" not in log.read_text():
                reason = f"{error}\n{_tail(log)}"
                raise RuntimeError(reason) from error
            continue
        return port
    raise AssertionError("unreachable")


def _tail(log: Path) -> str:
    return "\n".join(log.read_text().splitlines()[-10:]) if log.exists() else ""


@dataclass(frozen=True)
class _ServerAccount:
    """The system account that runs the server; PostgreSQL refuses to run as root."""

    user: str | None = None
    uid: int = -1
    gid: int = -1

    @classmethod
    def find(cls) -> "_ServerAccount":
        if os.geteuid() != 0:
            return cls()
        known = {entry.pw_name: entry for entry in pwd.getpwall()}
        entry = known.get("postgres") or known["nobody"]
        return cls(entry.pw_name, entry.pw_uid, entry.pw_gid)

    def take_over(self, directory: Path) -> None:
        os.chown(directory, self.uid, self.gid)

    def run(self, *command: str | Path) -> None:
        # A file, not a pipe: the server inherits the descriptor and would hold the pipe open.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False,
                user=self.user, group=self.gid if self.user else None,
                extra_groups=[] if self.user else None, cwd="/",
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
            )  # fmt: skip
            if done.returncode:
                output.seek(0)
                said = output.read().decode("utf-8", "replace")
                reason = f"{Path(command[0]).name} failed:\n{said}"
                raise RuntimeError(reason)


def _find_programs() -> Path:
    """Return the directory of the newest server's programs."""
    found: dict[int, Path] = {}
    for candidate in Path("/usr/lib/postgresql").glob("*/bin"):
        if (candidate / "pg_ctl").exists() and candidate.parent.name.isdigit():
            found[int(candidate.parent.name)] = candidate
    if found and max(found) >= OLDEST_MAJOR:
        return found[max(found)]
    on_path = shutil.which("pg_ctl")
    if on_path:
        return Path(on_path).resolve().parent
    raise MissingPartError("the PostgreSQL server, 15 or newer,")
