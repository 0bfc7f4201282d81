"""Setting up: once, finished when it was interrupted, never over something that is there."""

import json
import stat
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import Result

from idp.app import assemble
from idp.config import load
from idp.core.roles import AdminRole
from idp.ids import RealmName
from idp.store.keys import SigningKeyRow
from idp.store.policies import PolicyVersionRow
from idp.store.users import RoleGrantRow, UserRow
from tests.support.commands import run_command
from tests.support.installation import write_installation

pytestmark = pytest.mark.database


def _init(folder: Path, *arguments: str) -> Result:
    return run_command(None, "init", "--config", str(folder / "config.toml"), *arguments)


def test_a_new_installation_from_nothing(tmp_path: Path) -> None:
    answer = _init(tmp_path)

    assert answer.exit_code == 0, answer.stderr
    assert answer.stdout.startswith("http://localhost:8080/realms/staff/setup/")
    assert len(answer.stdout.splitlines()) == 1
    for name in ("config.toml", "secrets.key", "timetrak-idp.db"):
        mode = stat.S_IMODE((tmp_path / name).stat().st_mode)
        assert mode == 0o600, name
    runtime = assemble(load(tmp_path / "config.toml"))
    for realm in ("staff", "portal"):
        with runtime.begin(RealmName(realm), write=False) as uow:
            policy = uow.db.scalars(sa.select(PolicyVersionRow)).one()
            assert policy.document["rules"]["length"]["min"] == 15
            algorithms = set(uow.db.scalars(sa.select(SigningKeyRow.alg)))
            assert algorithms >= {"ES256", "RS256"}
            assert uow.db.scalars(sa.select(UserRow)).all() == []
    runtime.database.close()


def test_values_can_be_given(tmp_path: Path) -> None:
    answer = _init(
        tmp_path, "--public-url", "https://id.example.co.nz/id", "--mail-url", "smtp://mx:25"
    )

    assert answer.exit_code == 0, answer.stderr
    config = load(tmp_path / "config.toml")
    assert config.server.public_url == "https://id.example.co.nz/id"
    assert config.mail.url.reveal() == "smtp://mx:25"


def test_a_bad_value_is_told_and_can_be_mended(tmp_path: Path) -> None:
    answer = _init(tmp_path, "--public-url", "http://id.example.co.nz")

    assert answer.exit_code == 1
    assert "must be https" in answer.stderr
    assert "no file was written" in answer.stderr
    assert not list(tmp_path.iterdir())

    assert _init(tmp_path, "--public-url", "https://id.example.co.nz").exit_code == 0


def test_again_gives_a_new_link_until_there_is_an_administrator(tmp_path: Path) -> None:
    first, second = _init(tmp_path), _init(tmp_path)
    assert first.stdout != second.stdout
    key = (tmp_path / "secrets.key").read_bytes()

    _add_owner(tmp_path)
    answer = _init(tmp_path)

    assert answer.exit_code == 1
    assert answer.stderr == "idp: this installation is set up already; nothing was changed\n"
    assert (tmp_path / "secrets.key").read_bytes() == key


def test_options_do_not_change_a_configuration_that_is_there(tmp_path: Path) -> None:
    _init(tmp_path)

    answer = _init(tmp_path, "--public-url", "https://other.example")

    assert answer.exit_code == 1
    assert "edit it instead" in answer.stderr


@pytest.mark.parametrize("left", [("config.toml",), ("config.toml", "secrets.key")])
def test_an_interrupted_run_is_finished(tmp_path: Path, left: tuple[str, ...]) -> None:
    _init(tmp_path)
    for path in tmp_path.iterdir():
        if path.name not in left:
            path.unlink()

    answer = _init(tmp_path, "--json")

    assert answer.exit_code == 0, answer.stderr
    document = json.loads(answer.stdout)
    assert "/setup/" in document["setup_link"]
    assert any("database" in what for what in document["done"])


def test_a_schema_without_content_is_filled(database_url: str, tmp_path: Path) -> None:
    write_installation(tmp_path, database_url=database_url)

    answer = _init(tmp_path, "--json")

    assert answer.exit_code == 0, answer.stderr
    assert "realm staff" in json.loads(answer.stdout)["done"]


def test_a_lost_key_file_is_never_replaced(tmp_path: Path) -> None:
    _init(tmp_path)
    (tmp_path / "secrets.key").unlink()

    answer = _init(tmp_path)

    assert answer.exit_code == 1
    assert "the key file is missing; restore it" in answer.stderr
    assert not (tmp_path / "secrets.key").exists()
    examined = run_command(None, "doctor", "--config", str(tmp_path / "config.toml"))
    assert "OK      configuration\nPROBLEM key file: " in examined.stdout


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    answer = _init(tmp_path / "file")

    assert answer.exit_code == 1
    assert "cannot be written" in answer.stderr


def _add_owner(folder: Path) -> None:
    runtime = assemble(load(folder / "config.toml"))
    with runtime.begin(RealmName("staff")) as uow:
        now = uow.now
        uow.db.add(
            UserRow(
                id="u1",
                sub="s1",
                username="ada",
                username_key="ada",
                created_at=now,
                updated_at=now,
            )
        )
        uow.db.flush()
        uow.db.add(RoleGrantRow(user_id="u1", role=AdminRole.OWNER.value, granted_at=now))
    runtime.database.close()
