"""Putting a process together: refused in one clear line, or able to serve."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import Result

from idp.app import assemble, build_runtime, check_mail, create_key_file
from idp.config import load
from idp.core.readiness import check_readiness
from idp.errors import ConfigError
from idp.ids import RealmName
from idp.store.keys import SigningKeyRow
from idp.store.policies import PolicyVersionRow
from idp.store.realms import RealmRow
from idp.store.session import Database
from tests.support.commands import run_command
from tests.support.installation import Installation, write_installation
from tests.support.ports import LOOPBACK
from tests.support.servers import clean_environment

STAFF = RealmName("staff")


@pytest.fixture
def installed(database_url: str, tmp_path: Path) -> Installation:
    """Give an installation that was set up, on each database."""
    installation = write_installation(tmp_path, database_url=database_url)
    assert run_command(None, "init", "--config", str(installation.config)).exit_code == 0
    return installation


@pytest.fixture
def database(installed: Installation) -> Iterator[Database]:
    """Give that installation's database, opened past the product."""
    database = Database(load(installed.config).database.url.reveal())
    yield database
    database.close()


def _serve(installation: Installation) -> Result:
    return run_command(None, "serve", "--config", str(installation.config))


def _assert_one_line(answer: Result, *words: str) -> None:
    assert answer.exit_code == 1
    assert answer.stdout == ""
    assert answer.stderr.startswith("idp: ")
    assert answer.stderr.count("\n") == 1, answer.stderr
    assert all(word in answer.stderr for word in words), answer.stderr


def _set_revision(database: Database, revision: str) -> None:
    stamp = sa.table("alembic_version", sa.column("version_num"))
    with database.connection(write=True) as connection:
        connection.execute(sa.update(stamp).values(version_num=revision))


def test_a_whole_installation_can_serve(installed: Installation) -> None:
    runtime = build_runtime(load(installed.config))

    checks = check_readiness(runtime)

    assert [check.problem for check in checks] == [None] * len(checks)
    assert {check.name for check in checks} == {"database", "migrations", "policy", "keys"}
    runtime.database.close()


def test_a_missing_key_file_is_not_replaced(installed: Installation) -> None:
    installed.key_file.unlink()

    _assert_one_line(_serve(installed), "secrets.key", "restore it")
    assert not installed.key_file.exists()


@pytest.mark.parametrize(
    ("content", "mode", "reason"),
    [
        (None, 0o640, "chmod 600"),
        ("", 0o600, "holds no key"),
        ("not a key\n", 0o600, "not a line of a key file"),
        ("00000001 " + "A" * 43 + "\n", 0o600, "restore the key file that belongs to this"),
    ],
    ids=["open to others", "empty", "corrupt", "another installation's"],
)
def test_a_wrong_key_file_stops_the_start(
    installed: Installation, content: str | None, mode: int, reason: str
) -> None:
    if content is not None:
        installed.key_file.write_text(content)
    installed.key_file.chmod(mode)

    _assert_one_line(_serve(installed), reason)


def test_a_port_in_use_stops_the_start(installed: Installation) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # as another `idp serve` does
        taken.bind((LOOPBACK, installed.port))
        taken.listen()

        _assert_one_line(_serve(installed), f"{LOOPBACK}:{installed.port}", "in use")


@pytest.mark.parametrize(
    ("revision", "remedy"), [("9999", "newer version"), ("0000", "newer version")]
)
def test_another_schema_stops_the_start(
    installed: Installation, database: Database, revision: str, remedy: str
) -> None:
    _set_revision(database, revision)

    _assert_one_line(_serve(installed), "migrations", remedy)


def test_an_empty_database_stops_the_start(sqlite_url: str, tmp_path: Path) -> None:
    installation = write_installation(tmp_path, database_url=sqlite_url)
    run_command(None, "init", "--config", str(installation.config))
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    file.rename(file.with_name("other.db"))
    file.with_name("idp.db-wal").unlink(missing_ok=True)

    _assert_one_line(_serve(installation), "the database is empty", "idp init")


def test_a_database_that_does_not_answer_stops_the_start(database_url: str, tmp_path: Path) -> None:
    installation = write_installation(tmp_path, database_url=database_url)
    run_command(None, "init", "--config", str(installation.config))
    gone = write_installation(
        tmp_path, database_url=f"postgresql+psycopg://idp:hidden@{LOOPBACK}:1/idp"
    )

    answer = _serve(gone)

    _assert_one_line(answer, "the database does not answer", "check database.url")
    assert "hidden" not in answer.stderr


def test_an_unreadable_policy_stops_the_start(installed: Installation, database: Database) -> None:
    with database.transaction(STAFF, write=True) as db:
        db.execute(sa.update(PolicyVersionRow).values(document={"rules": {"lenght": {}}}))

    _assert_one_line(_serve(installed), "policy of staff", "lenght")


def test_missing_keys_stop_the_start(installed: Installation, database: Database) -> None:
    with database.transaction(STAFF, write=True) as db:
        db.execute(sa.delete(SigningKeyRow))

    _assert_one_line(_serve(installed), "keys of staff")


def test_a_realm_that_was_not_set_up_stops_the_start(installed: Installation) -> None:
    text = installed.config.read_text()
    installed.config.write_text(text + '[realms.field]\ndisplay_name = "Field"\n')

    _assert_one_line(_serve(installed), "realm field", "idp init")

    assert run_command(None, "init", "--config", str(installed.config)).exit_code == 0
    build_runtime(load(installed.config)).database.close()


def test_the_database_follows_the_configuration(
    installed: Installation, database: Database
) -> None:
    text = installed.config.read_text()
    installed.config.write_text(
        text
        + '[realms.staff]\ndisplay_name = "Field Crew"\npolicy_managed_by = "config"\n'
        + "[realms.staff.policy.rules]\nlength = {min = 6, max = 256}\n"
    )

    for _ in range(2):
        build_runtime(load(installed.config)).database.close()

    with database.transaction(STAFF, write=False) as db:
        row = db.get_one(RealmRow, STAFF)
        assert (row.display_name, row.policy_managed_by) == ("Field Crew", "config")
        assert row.policy_version == 2


def test_why_mail_cannot_go_out(tmp_path: Path) -> None:
    settings = {"mail": {"url": f"smtp://{LOOPBACK}:1", "sender": "T <t@example.com>"}}
    bad = write_installation(tmp_path, settings=settings)
    assert "refused" in (check_mail(load(bad.config)) or "").lower()

    good = write_installation(tmp_path)
    assert check_mail(load(good.config)) is None


def test_doctor_finds_nothing_in_a_whole_installation(installed: Installation) -> None:
    answer = run_command(None, "doctor", "--config", str(installed.config))

    assert answer.exit_code == 0, answer.stdout
    assert "PROBLEM" not in answer.stdout
    for what in ("configuration", "key file", "database", "migrations", "keys of staff", "mail"):
        assert f"OK      {what}\n" in answer.stdout


def test_doctor_says_how_to_mend(installed: Installation, database: Database) -> None:
    _set_revision(database, "9999")
    text = installed.config.read_text().replace("file:mail", f"smtp://{LOOPBACK}:1")
    installed.config.write_text(text)

    answer = run_command(None, "doctor", "--json", "--config", str(installed.config))

    assert answer.exit_code == 1
    results = {result["name"]: result for result in json.loads(answer.stdout)["results"]}
    assert "newer version" in results["migrations"]["problem"]
    assert "run that version" in results["migrations"]["hint"]
    assert "refused" in results["mail"]["problem"].lower()
    assert results["mail"]["hint"] is not None


def test_doctor_hands_on_no_control_character_of_a_server(
    database_url: str, tmp_path: Path
) -> None:
    with socket.create_server((LOOPBACK, 0)) as server, ThreadPoolExecutor(1) as pool:
        settings = {"mail": {"url": f"smtp://{LOOPBACK}:{server.getsockname()[1]}"}}
        installed = write_installation(tmp_path, database_url=database_url, settings=settings)
        run_command(None, "init", "--config", str(installed.config))
        pool.submit(_greet, server, b"554 \x1b[2Jgo away\r\n")

        answer = run_command(None, "doctor", "--config", str(installed.config))

    assert "PROBLEM mail: 554 \\x1b[2Jgo away" in answer.stdout


def _greet(server: socket.socket, greeting: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        connection.sendall(greeting)


def test_doctor_begins_with_the_configuration(tmp_path: Path) -> None:
    installation = write_installation(tmp_path, settings={"server": {"publik_url": "x"}})

    answer = run_command(None, "doctor", "--config", str(installation.config))

    assert answer.exit_code == 1
    assert answer.stdout.startswith("PROBLEM configuration: ")
    assert 'did you mean "public_url"?' in answer.stdout


def test_doctor_prints_the_proxy_rule_of_a_prefix(database_url: str, tmp_path: Path) -> None:
    url = {"public_url": f"http://{LOOPBACK}:1/id"}
    installation = write_installation(tmp_path, database_url=database_url, settings={"server": url})
    run_command(None, "init", "--config", str(installation.config))

    answer = run_command(None, "doctor", "--config", str(installation.config))

    assert "/.well-known/oauth-authorization-server/id/" in answer.stdout


def test_assembling_asks_the_database_nothing(tmp_path: Path) -> None:
    installation = write_installation(
        tmp_path, database_url=f"postgresql+psycopg://idp@{LOOPBACK}:1/idp"
    )
    with pytest.raises(ConfigError, match="key file is missing"):
        assemble(load(installation.config))

    create_key_file(installation.key_file)
    assemble(load(installation.config)).database.close()


def test_another_wsgi_server_finds_the_application(database_url: str, tmp_path: Path) -> None:
    installation = write_installation(tmp_path, database_url=database_url)
    run_command(None, "init", "--config", str(installation.config))
    script = "from idp.wsgi import application; print(callable(application))"

    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment() | {"IDP_CONFIG": str(installation.config)},
    )

    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr
