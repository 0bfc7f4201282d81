"""The demo's folder: filled once, found again as it was left, never somebody else's."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from idp.app import assemble
from idp.cli.base import CliContext
from idp.cli.refusals import Refusal
from idp.core.client_admin import get_client
from idp.core.passwords import SetBy, Setting, set_password
from idp.core.policies import current_policy
from idp.core.users import find_user
from idp.core.work import HOST, SYSTEM, UnitOfWork
from idp.demo.places import PARTS, Places
from idp.demo.samples import ACCOUNTS, PORTAL, SERVICE, STAFF
from idp.demo.seed import Prepared, prepare_demo
from idp.demo.signpost import report_of
from idp.ids import RealmName
from policy.model import Enforcement
from tests.support.commands import composition

pytestmark = pytest.mark.database


@dataclass(frozen=True, slots=True)
class Folder:
    """A demo's folder, prepared as often as a test likes."""

    path: Path

    def places(self, first_port: int = 18000) -> Places:
        """Return the addresses of a run whose ports begin at `first_port`."""
        return Places(self.path, {part: first_port + place for place, part in enumerate(PARTS)})

    def prepare(self, first_port: int = 18000, mail_url: str | None = None) -> Prepared:
        """Do what a start does before the server runs."""
        context = CliContext(composition)
        return prepare_demo(context, self.places(first_port), mail_url=mail_url)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


class Look:
    """What is in the database of a prepared folder."""

    def __init__(self, prepared: Prepared, realm: RealmName = STAFF) -> None:
        self._runtime = assemble(prepared.config)
        self._begin = self._runtime.begin(realm, write=False, actor=SYSTEM)

    def __enter__(self) -> UnitOfWork:
        return self._begin.__enter__()

    def __exit__(self, *_: object) -> None:
        self._begin.__exit__(None, None, None)
        self._runtime.database.close()


def test_a_fresh_folder_gets_both_realms_at_the_start_of_the_recipe(folder: Folder) -> None:
    prepared = folder.prepare()

    enforced = {STAFF: Enforcement.EVERYONE, PORTAL: Enforcement.NEVER}
    for realm, enforcement in enforced.items():
        with Look(prepared, realm) as uow:
            assert current_policy(uow).enforcement is enforcement
            named = {a.username: find_user(uow, a.username) for a in ACCOUNTS if a.realm == realm}
        assert all(user is not None and user.password is not None for user in named.values())
    assert prepared.changed == frozenset()


def test_nobody_else_on_the_machine_reads_the_folders_secrets(folder: Folder) -> None:
    folder.prepare()

    modes = {file.name: file.stat().st_mode & 0o777 for file in folder.path.iterdir()}
    assert {name: oct(mode) for name, mode in modes.items() if mode & 0o077} == {}


def test_a_second_start_finds_everything_as_it_was_left(folder: Folder) -> None:
    first = folder.prepare()
    runtime = assemble(first.config)
    with runtime.begin(STAFF, write=False, actor=SYSTEM) as uow:
        office = find_user(uow, "office")
    assert office is not None
    set_password(runtime, STAFF, office.id, "another one", Setting(source=SetBy.ADMIN), actor=HOST)
    runtime.database.close()

    second = folder.prepare()

    assert second.secrets == first.secrets
    assert second.changed == {"office"}
    with Look(second) as uow:
        assert get_client(uow, "timetrak-professional").version == 1


def test_other_ports_are_registered_at_the_next_start(folder: Folder) -> None:
    folder.prepare(18000)

    with Look(folder.prepare(19000)) as uow:
        professional = get_client(uow, "timetrak-professional").registration
        mobile = get_client(uow, "timetrak-mobile").registration

    assert professional.redirect_uris == ("http://127.0.0.1:19001/callback",)
    assert mobile.redirect_uris == ("http://127.0.0.1/callback",)
    assert mobile.initiate_login_uri == "http://127.0.0.1:19002/sign-in"


def test_lost_client_secrets_are_replaced(folder: Folder) -> None:
    first = folder.prepare()
    (folder.path / "client-secrets.json").unlink()

    second = folder.prepare()

    assert second.secrets.keys() == first.secrets.keys()
    assert second.secrets[SERVICE] != first.secrets[SERVICE]


def test_a_real_installation_is_left_alone(folder: Folder) -> None:
    theirs = folder.path / "config.toml"
    theirs.write_text('[server]\npublic_url = "https://id.example.co.nz"\n')

    with pytest.raises(Refusal, match="not made by the demo"):
        folder.prepare()

    assert "id.example.co.nz" in theirs.read_text()
    assert list(folder.path.iterdir()) == [theirs]


def test_mail_goes_to_the_folder_or_to_a_server(folder: Folder) -> None:
    assert folder.prepare().config.mail.url.reveal() == f"file:{folder.path / 'mail'}"

    elsewhere = folder.prepare(mail_url="smtp://127.0.0.1:2525")

    assert elsewhere.config.mail.url.reveal() == "smtp://127.0.0.1:2525"


def test_the_report_holds_what_a_script_needs(folder: Folder) -> None:
    prepared = folder.prepare()

    report: Mapping[str, object] = json.loads(json.dumps(report_of(folder.places(), prepared)))

    assert report["apps"] == {
        "professional": "http://127.0.0.1:18001",
        "mobile": "http://127.0.0.1:18002",
        "portal": "http://127.0.0.1:18003",
    }
    assert report["service_client"] == {
        "client_id": SERVICE,
        "client_secret": prepared.secrets[SERVICE],
        "token_endpoint": "http://localhost:18000/realms/staff/token",
        "scope": "admin:read admin:users admin:clients admin:policy admin:reset "
        "admin:directory admin:audit admin:system",
    }
