"""The server as its operator knows it: real processes, killed, reloaded, stopped (X-04)."""

import http.client
import os
import signal
import socket
import threading
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from tests.conftest import StartIdp
from tests.support.installation import Installation, write_installation
from tests.support.ports import LOOPBACK, free_port
from tests.support.postgres import PostgresServer
from tests.support.servers import IdpServer, run_idp
from tests.support.waiting import wait_until

# Each test starts five processes, beside whatever else this machine does.
pytestmark = pytest.mark.timeout(400)


@dataclass
class Load:
    """Clients that ask again and again, and what they got."""

    port: int
    path: str = "/readyz"
    keep_alive: bool = True
    answers: Counter[object] = field(default_factory=Counter)
    stop: threading.Event = field(default_factory=threading.Event)

    def ask(self) -> None:
        """Ask until told to stop; end by itself once nobody listens any more."""
        connection = self._connection()
        while not self.stop.is_set():
            try:
                connection.request("GET", self.path)
                answer = connection.getresponse()
                answer.read()
                self.answers[answer.status] += 1
                is_over = answer.will_close or not self.keep_alive
            except ConnectionRefusedError:
                self.answers["refused"] += 1
                self.stop.wait(0.01)
                is_over = True
            except (OSError, http.client.HTTPException) as error:
                self.answers[type(error).__name__] += 1
                is_over = True
            if is_over:
                connection.close()
        connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(LOOPBACK, self.port, timeout=40)


@contextmanager
def load(port: int, *, clients: int = 6, keep_alive: bool = True) -> Iterator[Load]:
    """Keep `clients` asking while the block runs."""
    work = Load(port, keep_alive=keep_alive)
    threads = [threading.Thread(target=work.ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    wait_until(lambda: work.answers[200] > clients, what="first answers")
    try:
        yield work
    finally:
        work.stop.set()
        for thread in threads:
            thread.join()


@pytest.fixture
def installed(database_url: str, tmp_path: Path) -> Installation:
    """Give an installation that was set up, on each database."""
    installation = write_installation(tmp_path, database_url=database_url)
    installation.set_up()
    return installation


@pytest.fixture
def installed_sqlite(sqlite_url: str, tmp_path: Path) -> Installation:
    """Give an installation that was set up, with metrics."""
    metrics = {"metrics_listen": f"{LOOPBACK}:{free_port()}"}
    installation = write_installation(
        tmp_path, database_url=sqlite_url, settings={"server": metrics}
    )
    installation.set_up()
    return installation


@pytest.mark.parametrize("url", ["http://id.example.co.nz", "http://192.0.2.7:8080"])
def test_plain_http_is_served_on_loopback_only(tmp_path: Path, url: str) -> None:
    installation = write_installation(tmp_path, settings={"server": {"public_url": url}})

    refused = run_idp("serve", directory=installation.folder)

    assert refused.returncode == 1
    assert "server.public_url" in refused.stderr
    assert "http is accepted only on a loopback host" in refused.stderr


def children_of(pid: int, command: str = "") -> list[int]:
    """Return the processes that `pid` started, by what they run."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                line = (entry / "cmdline").read_text().replace("\0", " ")
            except OSError:
                continue
            if parent == pid and f"idp {command}" in line:
                found.append(int(entry.name))
    return found


def option_of(pid: int, name: str) -> str:
    """Return the value of an option that a process was started with."""
    words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    return words[words.index(name) + 1]


def workers_of(server: IdpServer) -> list[int]:
    """Return the processes that answer requests."""
    return [worker for web in children_of(server.pid, "web") for worker in children_of(web)]


def get(url: str) -> tuple[int, dict[str, str], str]:
    """Return status, headers and text of an address."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - loopback
            return answer.status, dict(answer.headers), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read().decode()


def test_a_whole_life(installed: Installation, start: StartIdp) -> None:
    server = start("serve", ready=f"{installed.url}/readyz")

    status, headers, _ = get(f"{installed.url}/realms/staff/.well-known/openid-configuration")
    assert status == 200
    assert "Server" not in headers

    with load(installed.port) as work:
        killed = workers_of(server)[0]
        os.kill(killed, signal.SIGKILL)
        wait_until(
            lambda: len(workers_of(server)) == 2 and killed not in workers_of(server),
            what="a new worker",
            seconds=60,
        )
        before = work.answers[200]
        wait_until(lambda: work.answers[200] > before + 10, what="further answers")
    lost = sum(count for answer, count in work.answers.items() if answer != 200)
    assert lost <= 6, work.answers  # what the killed worker had in its hands, one for each client

    jobs = children_of(server.pid, "worker")[0]
    name = option_of(jobs, "--name")
    os.kill(jobs, signal.SIGKILL)
    wait_until(
        lambda: children_of(server.pid, "worker") not in ([], [jobs]), what="new jobs", seconds=60
    )
    heir = children_of(server.pid, "worker")[0]
    assert option_of(heir, "--heir-of") == name
    assert option_of(heir, "--name") != name

    with load(installed.port) as work:
        server.process.terminate()
        wait_until(lambda: work.answers["refused"] > 12, what="the end of the service")
    assert set(work.answers) == {200, "refused"}, work.answers
    assert server.process.wait(35) == 0
    assert children_of(server.pid) == []


@pytest.mark.parametrize("keep_alive", [True, False])
def test_a_reload_loses_no_request(
    installed_sqlite: Installation,
    start: StartIdp,
    keep_alive: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    server = start("serve", ready=f"{installed_sqlite.url}/readyz")

    with load(installed_sqlite.port, keep_alive=keep_alive) as work:
        for _ in range(3):
            before = set(workers_of(server))
            server.process.send_signal(signal.SIGHUP)
            wait_until(
                lambda old=before: (
                    len(set(workers_of(server)) - old) == 2  # type: ignore[misc]
                    and not set(workers_of(server)) & old
                ),
                what="new workers",
                seconds=60,
            )

    assert set(work.answers) == {200}, work.answers


def test_a_reload_takes_what_changed_and_refuses_what_is_wrong(
    installed_sqlite: Installation, start: StartIdp
) -> None:
    server = start("serve", ready=f"{installed_sqlite.url}/readyz")
    good = installed_sqlite.config.read_text()

    installed_sqlite.config.write_text(good + "\n[lmits]\n")
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: 'did you mean \\"limits\\"' in server.tail(), what="the reason", seconds=60)
    assert get(f"{installed_sqlite.url}/readyz")[0] == 200

    installed_sqlite.config.write_text(good.replace("[server]", "[server]\nworkers = 3"))
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: len(workers_of(server)) == 3, what="three workers", seconds=60)
    assert get(f"{installed_sqlite.url}/readyz")[0] == 200


def test_nothing_outlives_a_killed_supervisor(
    installed_sqlite: Installation, start: StartIdp
) -> None:
    server = start("serve", ready=f"{installed_sqlite.url}/readyz")
    family = {*children_of(server.pid), *workers_of(server)}

    os.kill(server.pid, signal.SIGKILL)
    server.process.wait()

    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in family), what="the end")


def test_ctrl_c_reaches_every_process_at_once(
    installed_sqlite: Installation, start: StartIdp
) -> None:
    server = start("serve", ready=f"{installed_sqlite.url}/readyz")

    os.killpg(server.pid, signal.SIGINT)

    assert server.process.wait(60) == 0
    assert "killed" not in server.tail()


def test_a_web_server_that_dies_is_started_again(
    installed_sqlite: Installation, start: StartIdp
) -> None:
    server = start("serve", "--no-jobs", ready=f"{installed_sqlite.url}/readyz")
    assert children_of(server.pid, "worker") == []
    web = children_of(server.pid, "web")[0]

    os.kill(web, signal.SIGKILL)

    wait_until(
        lambda: children_of(server.pid, "web") not in ([], [web]),
        what="a new web server",
        seconds=60,
    )
    server.wait_for(f"{installed_sqlite.url}/readyz")


def test_while_the_database_is_away(
    postgres_server: PostgresServer, postgresql_url: str, tmp_path: Path, start: StartIdp
) -> None:
    installation = write_installation(tmp_path, database_url=postgresql_url)
    installation.set_up()
    server = start("serve", ready=f"{installation.url}/readyz")
    ready, jwks = f"{installation.url}/readyz", f"{installation.url}/realms/staff/jwks"
    # Each request has a connection of its own, so that every worker has answered one of these.
    (keys,) = {get(jwks)[2] for _ in range(40)}
    name = postgresql_url.rpartition("/")[2]

    with psycopg.connect(
        postgres_server.url("postgres").replace("+psycopg", ""), autocommit=True
    ) as admin:
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )

        assert get(ready)[0] == 503
        for _ in range(4):  # whichever worker it is
            assert get(f"{installation.url}/healthz")[0] == 200
            assert get(jwks)[::2] == (200, keys)
            status, headers, _ = get(f"{installation.url}/realms/staff/authorize?client_id=a")
            assert (status, headers["Retry-After"]) == (503, "2")

        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())
    server.wait_for(ready)


def test_metrics_are_on_an_address_of_their_own(
    installed_sqlite: Installation, start: StartIdp
) -> None:
    start("serve", "--no-jobs", ready=f"{installed_sqlite.url}/readyz")
    line = next(
        line
        for line in installed_sqlite.config.read_text().splitlines()
        if line.startswith("metrics_listen")
    )
    address = line.split('"')[1]

    assert get(f"{installed_sqlite.url}/metrics")[0] == 404
    status, _, text = get(f"http://{address}/metrics")

    assert status == 200
    assert 'idp_http_request_seconds_count{method="GET",route="/readyz",status="200"}' in text
    assert 'idp_accounts_on_shared_password{realm="staff"} 0.0' in text
    assert "/metrics" not in text.replace('route="unmatched"', "")


def test_the_access_log_holds_no_secret(installed_sqlite: Installation, start: StartIdp) -> None:
    server = start("serve", "--no-jobs", ready=f"{installed_sqlite.url}/readyz")
    token = "Zq" * 21 + "Z"

    get(f"{installed_sqlite.url}/realms/staff/reset-password/{token}")
    get(f"{installed_sqlite.url}/realms/staff/sign-in?code={token}&login_hint=ada")
    _send_raw(installed_sqlite.port, f"GET /{token} HTTP/9.9\r\nAuthorization: {token}\r\n\r\n")
    _send_raw(installed_sqlite.port, f"GET / HTTP/1.1\r\nCookie {token}\r\n\r\n")

    expected = ("/realms/staff/reset-password/***", "/realms/staff/sign-in?***")
    wait_until(lambda: all(path in server.log.read_text() for path in expected), what="requests")
    wait_until(lambda: server.log.read_text().count("Invalid request") == 2, what="refusals")
    assert token not in server.log.read_text()
    assert "login_hint" not in server.log.read_text()


def _send_raw(port: int, text: str) -> bytes:
    with _open_raw(port, text) as connection:
        return connection.recv(4096)


def test_q_05_clients_that_never_finish_a_request_hold_nobody_up(
    sqlite_url: str, tmp_path: Path, start: StartIdp
) -> None:
    few = {"workers": 1, "threads": 2, "request_timeout": "PT2S"}
    installation = write_installation(tmp_path, database_url=sqlite_url, settings={"server": few})
    installation.set_up()
    start("serve", "--no-jobs", ready=f"{installation.url}/readyz")
    head = f"POST /realms/staff/token HTTP/1.1\r\nHost: {LOOPBACK}:{installation.port}\r\n"
    form = "Content-Type: application/x-www-form-urlencoded\r\n"
    unfinished = {
        "a header": head,
        "a body": f"{head}{form}Content-Length: 1000\r\n\r\ngrant_type=",
        "chunks": f"{head}{form}Transfer-Encoding: chunked\r\n\r\n5\r\ngrant",
    }
    slow = {name: _open_raw(installation.port, text) for name, text in unfinished.items()}

    assert get(f"{installation.url}/realms/staff/sign-in")[0] == 200

    answers = {name: _read_to_end(connection) for name, connection in slow.items()}
    assert answers["a header"] == b""
    for name in ("a body", "chunks"):
        assert answers[name].startswith(b"HTTP/1.1 400 "), answers[name]
        assert b"invalid_request" in answers[name]


def _open_raw(port: int, text: str) -> socket.socket:
    connection = socket.create_connection((LOOPBACK, port), timeout=60)
    connection.sendall(text.encode())
    return connection


def _read_to_end(connection: socket.socket) -> bytes:
    with connection:
        return b"".join(iter(lambda: connection.recv(4096), b""))
