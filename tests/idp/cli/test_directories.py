"""`idp directory` as an administrator types it, over a CSV file and a real OpenLDAP server."""

import csv
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from idp.cli.directory_changes import HOLD_WORDS
from idp.clock import FakeClock
from idp.core.sync.brake import Hold
from idp.store.users import UserRow
from tests.support.commands import run_command
from tests.support.directory_world import CORP, Directory
from tests.support.slapd import PEOPLE, SERVICE_PASSWORD
from tests.support.world import World, open_world

CRM = "crm"
HEAD = "id,login,email,name,enabled,groups,nickname"


@dataclass
class Office:
    """A product whose directory is a file."""

    world: World
    file: Path

    def write(self, *lines: str) -> None:
        """Write the file anew."""
        self.file.write_text("\n".join((HEAD, *lines, "")), encoding="utf-8")

    def people(self, count: int) -> None:
        """Write a file of so many people."""
        self.write(*(f"i{n},u{n},u{n}@example.com,Person {n},true,Office," for n in range(count)))

    def idp(self, *arguments: str, stdin: str = "") -> Result:
        """Run `idp directory ARGUMENTS` about this directory."""
        named = ("directory", *arguments, "--connector", CRM)
        return run_command(self.world.runtime, *named, stdin=stdin)

    def json(self, *arguments: str) -> Any:  # noqa: ANN401 - any JSON
        """Run it with `--json` and return the document."""
        answer = self.idp(*arguments, "--json")
        assert answer.exit_code == 0, answer.stderr
        return json.loads(answer.stdout)

    def names(self) -> set[str]:
        """Return the names of everybody who may be used."""
        with self.world.begin(write=False) as uow:
            return {user.username for user in uow.db.query(UserRow) if user.status == "active"}


@pytest.fixture
def office(database_url: str, clock: FakeClock, tmp_path: Path) -> Iterator[Office]:
    """Give a directory of three people."""
    file = tmp_path / "people.csv"
    settings = {"connectors": {CRM: {"kind": "csv", "path": str(file)}}}
    with open_world(database_url, clock, settings=settings) as world:
        made = Office(world, file)
        made.people(3)
        yield made


def test_check_shows_accounts_as_they_would_be_stored(office: Office) -> None:
    office.write("1,ada,ada@example.com,Ada,true,,Addie", "2,ben,no address,Ben,false,,")

    shown = office.idp("check")
    document = office.json("check")

    assert shown.exit_code == 0
    assert "vendor\tCSV file" in shown.stdout
    assert "certificate expires\tno TLS" in shown.stdout
    ada = "ada\t1\tyes\tno\temail=ada@example.com; name=Ada; nickname=Addie"
    assert ada in shown.stdout
    assert "left out: email" in shown.stdout
    assert document["samples"][1]["left_out"] == ["email"]
    assert document["samples"][1]["is_enabled"] is False
    assert office.names() == set()


def test_check_says_what_is_wrong_in_a_sentence(office: Office) -> None:
    office.file.write_text("name\nAda\n")
    wrong = office.idp("check")
    office.file.unlink()
    away = office.idp("check")

    assert (wrong.exit_code, away.exit_code) == (1, 1)
    assert "crm cannot be used like this" in wrong.stderr
    assert "has no column id and no column login" in wrong.stderr
    assert "crm does not answer" in away.stderr


def test_plan_shows_and_changes_nothing(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "changes.csv"
    shown = office.idp("plan", "--csv", str(file))

    assert shown.exit_code == 0, shown.stderr
    assert "create\tu0\temail=u0@example.com; name=Person 0\n" in shown.stdout
    assert "group_create\tOffice" in shown.stdout
    assert "idp plan apply" in shown.stderr
    assert office.names() == set()
    with file.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["login or group"] for row in rows} == {"u0", "u1", "u2", "Office"}
    emails = {row["id in the directory"]: row["after"] for row in rows if row["member"] == "email"}
    assert emails == {f"i{n}": f"u{n}@example.com" for n in range(3)}
    assert "username_key" not in {row["member"] for row in rows}


def test_what_goes_without_saying_of_somebody_new_is_not_said(office: Office) -> None:
    office.write("1,ada,,Ada,true,,", "2,ben,,ben,false,,")

    shown = office.idp("plan").stdout

    assert "create\tada\tname=Ada\n" in shown
    assert "create\tben\tis_enabled=no\n" in shown


def test_the_address_of_somebody_new_is_told_though_it_is_the_login(office: Office) -> None:
    office.write("1,ada@example.com,ada@example.com,Ada,true,,")

    assert "create\tada@example.com\temail=ada@example.com; name=Ada\n" in office.idp("plan").stdout


def test_no_spreadsheet_runs_a_cell_of_the_file(office: Office) -> None:
    office.write("1,ada,ada@example.com,=cmd(),true,,@sum")

    written = office.idp("plan", "--csv", "-")

    assert "'=cmd()" in written.stdout
    assert "'@sum" in written.stdout


def test_only_the_first_changes_of_a_kind_are_shown(office: Office) -> None:
    office.people(25)

    shown = office.idp("plan")

    assert "and 5 more: --csv FILE writes them all" in shown.stderr
    assert len(office.json("plan")["changes"]["create"]) == 20


def test_a_plan_is_shown_and_applied_by_the_commands_for_plans(office: Office) -> None:
    plan = office.json("plan")["plan"]

    shown = run_command(office.world.runtime, "plan", "show", plan["id"])
    document = run_command(office.world.runtime, "plan", "show", plan["id"], "--json")
    done = run_command(office.world.runtime, "plan", "apply", plan["id"], "--wait", "--yes")

    assert "create\tu0" in shown.stdout
    assert len(json.loads(document.stdout)["changes"]["create"]) == 3
    assert done.exit_code == 0, done.stderr
    assert office.names() == {"u0", "u1", "u2"}


def test_sync_asks_before_it_applies(office: Office) -> None:
    refused = office.idp("sync")
    assert refused.exit_code == 1
    assert "add --yes" in refused.stderr
    assert office.names() == set()

    done = office.idp("sync", "--yes")
    assert done.exit_code == 0, done.stderr
    assert "changes: 4 of 4" in done.stderr
    assert office.names() == {"u0", "u1", "u2"}

    again = office.json("sync")
    assert again["job"]["state"] == "done"
    assert "nothing changes" in again["plan"]["summary"]


def test_what_changes_is_shown_before_and_after(office: Office) -> None:
    office.idp("sync", "--yes")
    office.write(
        "i0,u0,new@example.com,Person 0,true,Office,Nick",
        "i1,u1,,Person 1,false,Office,",
    )

    shown = office.idp("plan").stdout

    assert "update\tu0\temail: u0@example.com → new@example.com; nickname=Nick\n" in shown
    assert "disable\tu1\temail: u1@example.com → none\n" in shown
    assert "gone\tu2\t\n" in shown
    assert "group_update\tOffice\twho is in it\n" in shown


def test_a_login_that_changes_is_shown_before_and_after(office: Office) -> None:
    office.people(1)
    office.idp("sync", "--yes")
    office.write("i0,ada@example.com,ada@example.com,Person 0,true,Office,")

    shown = office.idp("plan").stdout

    told = "email: u0@example.com → ada@example.com; username: u0 → ada@example.com\n"
    assert f"update\tada@example.com\t{told}" in shown


def test_an_account_that_is_only_read_by_other_settings_is_told_as_such(
    office: Office, database_url: str, clock: FakeClock
) -> None:
    office.idp("sync", "--yes")
    office.file.write_text(office.file.read_text().replace(",", ";"))
    settings = {"kind": "csv", "path": str(office.file), "delimiter": ";"}

    with open_world(database_url, clock, settings={"connectors": {CRM: settings}}) as world:
        shown = run_command(world.runtime, "directory", "plan", "--connector", CRM).stdout

    assert "update\tu0\tnothing that is stored here\n" in shown


def test_conflicts_and_rejected_entries_say_why(office: Office) -> None:
    office.world.add_user("ada")
    office.write("1,ada,ada@example.com,Ada,true,,", "2,,x@example.com,X,true,,")

    shown = office.idp("plan").stdout

    assert "conflict\tada\t1\ta local account has this login" in shown
    assert "it has no id or no login" in shown


def test_a_held_run_is_released_by_name_only(office: Office) -> None:
    office.people(60)
    office.idp("sync", "--yes")
    office.people(30)

    held = office.idp("sync", "--yes")
    assert held.exit_code == 1
    assert "HELD: it takes more accounts away than most_gone_percent" in held.stderr
    assert "--release" in held.stderr
    assert len(office.names()) == 60
    status = office.json("status")["connectors"][0]
    assert status["held"]["held_because"] == ["fewer_seen", "too_many_gone"]
    assert "a look at what is held: idp plan show" in office.idp("status").stdout

    plan = status["held"]["plan_id"]
    shown = run_command(office.world.runtime, "plan", "show", plan)
    assert "HELD: it showed less than 80 %" in shown.stderr

    released = office.idp("sync", "--yes", "--release")
    assert released.exit_code == 0, released.stderr
    assert "HELD:" in released.stderr
    assert len(office.names()) == 30


def test_status_tells_what_is_needed(office: Office) -> None:
    before = office.idp("status").stdout
    assert "last full run\tnever" in before
    assert "a first plan, reviewed and applied: idp directory plan --connector crm" in before

    office.idp("sync", "--yes")
    office.world.advance(minutes=1)
    office.file.unlink()
    failed = office.idp("sync", "--yes")

    assert failed.exit_code == 1
    assert "crm does not answer; nothing was changed" in failed.stderr
    shown = office.idp("status").stdout
    assert "accounts\t3 active, 0 disabled, 0 gone" in shown
    assert "needs\tnothing" in shown
    assert "full\tfailed" in shown
    assert "full\tapplied" in shown
    everything = run_command(office.world.runtime, "directory", "status", "--json")
    assert json.loads(everything.stdout)["connectors"][0]["runs"][0]["state"] == "failed"


def test_whose_an_account_and_a_group_are_is_told(office: Office) -> None:
    def idp(*words: str) -> str:
        answer = run_command(office.world.runtime, *words, "--realm", "staff")
        assert answer.exit_code == 0, answer.stderr
        return answer.stdout

    office.world.add_user("local")
    office.idp("sync", "--yes")
    idp("group", "edit", "Office", "--add-role", "auditor")
    assert "directory\tcrm\n" in idp("user", "show", "u0")
    assert "Office\t3\t\tauditor\tcrm\t" in idp("group", "list")

    office.write("i0,u0,u0@example.com,Person 0,false,,", "i1,u1,u1@example.com,Person 1,true,,")
    done = office.idp("sync", "--yes", "--release")
    assert done.exit_code == 0, done.stderr
    idp("user", "deactivate", "u1")

    assert "directory\tcrm, disabled there\n" in idp("user", "show", "u0")
    assert "id in the directory\ti0\n" in idp("user", "show", "u0")
    assert "directory\tcrm, deactivated here\n" in idp("user", "show", "u1")
    assert "directory\tcrm, gone since 2026-11-02" in idp("user", "show", "u2")
    assert "Office\t0\t\tauditor\tcrm, missing there\t" in idp("group", "list")
    assert json.loads(idp("user", "show", "local", "--json"))["directory"] is None


def test_list_names_each_directory(office: Office) -> None:
    listed = run_command(office.world.runtime, "directory", "list")
    document = run_command(office.world.runtime, "directory", "list", "--json")

    assert "crm\tstaff\tcsv" in listed.stdout
    assert json.loads(document.stdout)["connectors"][0]["needs_first_plan"] is True


def test_a_name_that_is_none_is_wrong_usage(office: Office) -> None:
    answer = run_command(office.world.runtime, "directory", "plan", "--connector", "crn")

    assert answer.exit_code == 2
    assert 'did you mean "crm"?' in answer.stderr


def test_what_is_sealed_opens_again_for_its_directory(
    directory: Directory, database_url: str, clock: FakeClock
) -> None:
    with open_world(database_url, clock) as plain:
        sealed = run_command(plain.runtime, "directory", "seal", stdin=f"{SERVICE_PASSWORD}\n")
    assert sealed.exit_code == 0, sealed.stderr
    value = sealed.stdout.strip()
    assert value.startswith("sealed:")
    assert SERVICE_PASSWORD not in value

    settings = directory.settings(bind_password=value)
    with open_world(database_url, clock, settings=settings) as world:
        checked = run_command(world.runtime, "directory", "check", "--connector", CORP)
    assert checked.exit_code == 0, checked.stderr

    broken = directory.settings(bind_password=f"{value[:-8]}AAAAAAA=")
    with open_world(database_url, clock, settings=broken) as world:
        refused = run_command(world.runtime, "directory", "check", "--connector", CORP)
    assert refused.exit_code == 1
    assert "sealed" in refused.stderr


def test_a_real_server_is_checked_planned_synced(
    directory: Directory, database_url: str, clock: FakeClock
) -> None:
    branch = f"cli-{secrets.token_hex(4)}"
    own = f"ou={branch},{PEOPLE}"
    directory.server.add(own, {"objectClass": ["organizationalUnit"], "ou": [branch]})
    _, login = directory.person(below=own, givenName="Ada")
    with open_world(database_url, clock, settings=directory.settings(base=own)) as world:
        named = ("--connector", CORP)
        checked = run_command(world.runtime, "directory", "check", *named)
        assert checked.exit_code == 0, checked.stderr
        assert "OpenLDAP" in checked.stdout
        assert "ldaps://" in checked.stdout
        assert "given_name=Ada" in checked.stdout
        assert SERVICE_PASSWORD not in checked.output

        planned = run_command(world.runtime, "directory", "plan", *named)
        assert f"create\t{login}" in planned.stdout
        synced = run_command(world.runtime, "directory", "sync", *named, "--yes")
        assert synced.exit_code == 0, synced.stderr
        changes = run_command(
            world.runtime, "directory", "sync", *named, "--mode", "incremental", "--yes"
        )
        assert changes.exit_code == 0, changes.stderr
        status = run_command(world.runtime, "directory", "status", *named)
        assert "can tell what changed\tyes" in status.stdout
        assert "accounts\t1 active" in status.stdout

        directory.go_down()
        away = run_command(world.runtime, "directory", "sync", *named, "--yes")
        assert away.exit_code == 1
        assert "corp does not answer" in away.stderr


def test_doctor_looks_at_directories(
    directory: Directory, database_url: str, clock: FakeClock
) -> None:
    with open_world(database_url, clock, settings=directory.settings()) as world:
        well = run_command(world.runtime, "doctor").stdout
        directory.go_down()
        away = run_command(world.runtime, "doctor").stdout

    assert "OK      directory corp" in well
    assert "bind_password stands there in the clear" in well
    assert SERVICE_PASSWORD not in well
    assert "PROBLEM directory corp: it does not answer" in away


def test_every_reason_to_hold_a_run_has_words() -> None:
    assert HOLD_WORDS.keys() == set(Hold)
