"""`idp policy report`: tables, a file of names, and the burn-down."""

import csv
import json
import stat
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import Result

from idp.cli.burn_down import draw_bars
from idp.core.burn_down import get_burn_down
from idp.core.groups import create_group, update_group
from idp.core.policy_lists import REPORT_COLUMNS
from idp.ids import UserId
from idp.jobs.runner import Runner
from tests.support.commands import run_command
from tests.support.world import World

ASKING = {"enforcement": "everyone", "rules": {"length": {"min": 12, "max": 256}}}


def _report(world: World, *arguments: str, code: int = 0) -> Result:
    answer = run_command(world.runtime, "policy", "report", "--realm", "staff", *arguments)
    assert answer.exit_code == code, answer.stderr
    return answer


def _member(world: World, group: str, user: UserId) -> None:
    with world.begin() as uow:
        create_group(uow, group)
        update_group(uow, group, add=[user])


def test_the_tables_tell_groups_and_what_is_withheld(world: World) -> None:
    _member(world, "Office", world.add_user("ada"))
    world.add_user("asked", credential={"judged_under": 2, "must_change": True, "set_by": "admin"})
    world.publish_policy({**ASKING, "grace": "P7D"})
    world.advance(days=2)

    lines = _report(world).stdout.splitlines()

    assert "1\twithheld\tis not asked yet" in lines
    assert (
        "1\thave_to_change\tof them get no token before they change it; "
        "the longest has had to for 2 days" in lines
    )
    assert "Office\t1\t0\t1" in lines
    assert "(no group)\t1\t1\t0" in lines
    assert "in the time of grace\t1\t2026-11-09 09:00:00Z\t2026-11-09 09:00:00Z" in lines


def test_a_wave_and_an_observing_policy_are_told(world: World) -> None:
    world.add_user("ada")
    world.publish_policy({**ASKING, "waves": {"per_hour": 5}})
    wave = _report(world).stdout
    world.publish_policy({**ASKING, "enforcement": "observe"})
    observed = _report(world)
    document = json.loads(_report(world, "--json").stdout)

    assert "their wave has not come; 1 of them as soon as there is a place\t1\t" in wave
    assert "the policy only observes\t1\t-\t-" in observed.stdout
    assert "0\tobserved_everyone\twould have been stopped so far by enforcement everyone" in (
        observed.stdout
    )
    assert document["observed"] == {"everyone": 0, "noncompliant": 0}
    assert document["withheld_by"] == [
        {"by": "observe", "users": 1, "due": 0, "next_at": None, "last_at": None}
    ]


def _listed(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def test_the_names_go_to_a_file_that_a_spreadsheet_opens(world: World, tmp_path: Path) -> None:
    world.add_user("ada", user={"username": "=Māui", "username_key": "=māui"})
    world.add_user("bob", credential={"judged_under": 2})
    world.publish_policy(ASKING)
    file = tmp_path / "late.csv"
    file.write_text("what was there before")

    answer = _report(world, "--csv", str(file))

    raw = file.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbfusername,")
    [row] = _listed(raw.decode("utf-8-sig"))
    assert tuple(row) == REPORT_COLUMNS
    assert (row["username"], row["outcome"]) == ("'=Māui", "stale_by_policy")
    assert (answer.stdout, f"users in {file}: 1" in answer.stderr) == ("", True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.glob("*.part")) == list(tmp_path.glob(".*.part")) == []


def test_the_names_go_to_standard_output_plainly(world: World) -> None:
    world.add_user("ada")
    world.publish_policy(ASKING)

    told = _report(world, "--csv", "-").stdout

    assert told.startswith("username,email,groups,outcome,why,")
    assert [row["username"] for row in _listed(told)] == ["ada"]


def test_a_file_that_cannot_be_written_is_refused(world: World, tmp_path: Path) -> None:
    missing = tmp_path / "none" / "late.csv"

    for option in ("--csv", "--svg"):
        answer = _report(world, option, str(missing), code=1)
        assert f"{missing} cannot be written" in answer.stderr


@pytest.fixture
def burning(world: World) -> World:
    """Give a realm with three snapshots: nobody, two who have to change, one who still has to."""
    ada = world.add_user("ada")
    world.add_user("bob")
    Runner(world.runtime).run_once()
    world.advance(hours=2)
    world.publish_policy(ASKING)
    Runner(world.runtime).run_once()
    world.advance(hours=2)
    world.change_credential(ada, judged_under=2)
    Runner(world.runtime).run_once()
    return world


def test_the_burn_down_is_plain_lines_elsewhere(burning: World) -> None:
    told = _report(burning, "--burn-down").stdout.splitlines()

    assert told == [
        "at\tpolicy version\tactive users\thave to change\tnot asked yet\ton a shared password",
        "2026-11-02 09:00:00Z\t1\t2\t0\t0\t0",
        "2026-11-02 11:00:00Z\t2\t2\t2\t0\t0",
        "2026-11-02 13:00:00Z\t2\t2\t1\t0\t0",
    ]


def test_the_burn_down_is_a_document_too(burning: World) -> None:
    burning.advance(days=1)

    found = json.loads(_report(burning, "--burn-down", "--json").stdout)
    short = json.loads(_report(burning, "--burn-down", "--days", "1", "--json").stdout)

    assert [each["have_to_change"] for each in found["snapshots"]] == [0, 2, 1]
    assert found["snapshots"][0]["at"] == "2026-11-02T09:00:00Z"
    assert [each["have_to_change"] for each in short["snapshots"]] == [1]


def test_without_a_snapshot_somebody_is_told_why(world: World) -> None:
    answer = _report(world, "--burn-down")

    assert (answer.stdout, "a worker takes one each hour" in answer.stderr) == ("", True)


@pytest.mark.parametrize("days", ["0", "401", "many"])
def test_no_other_days_are_taken(world: World, days: str) -> None:
    assert "--days" in _report(world, "--burn-down", "--days", days, code=2).stderr


@pytest.mark.parametrize("width", [40, 60, 100])
def test_the_bars_fit_the_terminal(
    burning: World, capsys: pytest.CaptureFixture[str], width: int
) -> None:
    with burning.begin(write=False) as uow:
        burn_down = get_burn_down(uow, days=30)

    draw_bars(burn_down, width=width)

    title, *lines = capsys.readouterr().out.splitlines()
    bars = [line.count("█") for line in lines[:3]]
    assert title == "Passwords still to be changed in staff"
    assert lines[0].startswith("02 Nov 09:00 ")
    assert lines[2].endswith("1  v2")
    assert bars[0] == 0
    assert bars[1] // 2 == bars[2] > 0
    assert all(len(line) <= width for line in lines)


def test_the_burn_down_is_a_picture_too(burning: World, tmp_path: Path) -> None:
    file = tmp_path / "burn-down.svg"

    answer = _report(burning, "--svg", str(file), "--burn-down")

    assert ET.parse(file).getroot().get("role") == "img"  # noqa: S314 - our own
    assert f"the burn-down of 30 days: {file}" in answer.stderr
    assert len(answer.stdout.splitlines()) == 4
