"""`idp policy` as an administrator types it on the host."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from idp.cli.policy_files import read_document, write_toml
from idp.core.groups import create_group, update_group
from idp.errors import InvalidInput
from tests.support.commands import run_command
from tests.support.world import World

SIX = 'enforcement = "everyone"\n[rules]\nlength = {min = 6, max = 256}\n'


def _idp(world: World, *arguments: str) -> Result:
    return run_command(world.runtime, "policy", *arguments, "--realm", "staff")


def _json(world: World, *arguments: str) -> Any:  # noqa: ANN401 - any JSON
    answer = _idp(world, *arguments, "--json")
    assert answer.exit_code == 0, answer.stderr
    return json.loads(answer.stdout)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give a file with a policy in it."""
    path = tmp_path / "policy.toml"
    path.write_text(SIX)
    return path


def test_publish_show_history_rollback(world: World, file: Path) -> None:
    world.add_user("ada")

    published = _json(world, "publish", str(file), "--wait", "--yes", "--comment", "six")
    assert published["version"] == 2

    shown = _idp(world, "show").stdout
    assert shown.startswith("# version 2 of staff")
    assert shown.endswith(
        'enforcement = "everyone"\ngrace = "P0D"\n\n[rules]\nlength = {min = 6, max = 256}\n'
    )
    assert _json(world, "show", "--version", "1")["number"] == 1

    assert _idp(world, "rollback", "1", "--yes").exit_code == 0
    versions = _json(world, "history")["versions"]
    assert [version["number"] for version in versions] == [3, 2, 1]
    assert versions[0]["comment"] == "rollback to version 1"
    assert "minimum length 6 → 8: stricter" in versions[0]["diff"]
    assert "minimum length 8 → 6: looser" in _idp(world, "history").stdout


def test_what_is_shown_can_be_published(world: World, tmp_path: Path) -> None:
    path = tmp_path / "shown.toml"
    path.write_text(_idp(world, "show").stdout)

    assert _json(world, "publish", str(path), "--yes")["version"] == 2
    versions = _json(world, "history")["versions"]
    assert versions[0]["digest"] == versions[1]["digest"]


def test_a_plan_publishes_nothing(world: World, file: Path) -> None:
    world.add_user("ada")

    plan = _json(world, "plan", str(file))
    assert plan["counts"]["looser"] == ["differs_from_current", "length"]
    assert _json(world, "show")["number"] == 1

    table = _idp(world, "plan", str(file)).stdout
    assert "minimum length 8 → 6: looser" in table


def test_a_plan_tells_what_it_would_do_to_whom(world: World, tmp_path: Path) -> None:
    for name in ("ada", "bob"):
        world.add_user(name)
    world.add_user("imported", credential={"judged_under": 0})
    world.add_user("new", None)
    path = tmp_path / "staged.toml"
    path.write_text('enforcement = "everyone"\ngrace = "P7D"\n[rules]\nlength = {min = 200}\n')

    plan = _json(world, "plan", str(path))
    table = _idp(world, "plan", str(path)).stdout
    published = _idp(world, "publish", str(path), "--yes").stderr
    shown = run_command(world.runtime, "plan", "show", plan["id"], "--targets")
    listed = run_command(world.runtime, "plan", "show", plan["id"], "--targets", "--json")

    assert plan["counts"]["states"]["withheld"] == 3
    assert "are asked later\t3\t0" in table
    assert "are not asked (no password 1)\t1" in table
    assert "choose another password: when their grace is over\t2026-11-09 09:00:00Z\t2" in table
    assert "(no group)\t4\t0\t0\t3\t0\t1\t0" in table
    assert "  3 are asked later" in published
    assert "ada\t\twithheld\tpolicy.stricter (version" in shown.stdout
    assert "nothing of it is stored" in shown.stderr
    document = json.loads(listed.stdout)
    assert document["plan"]["id"] == plan["id"]
    assert {one["username"]: one["state"] for one in document["targets"]} == {
        "ada": "withheld",
        "bob": "withheld",
        "imported": "withheld",
        "new": "exempt",
    }
    as_before = run_command(world.runtime, "plan", "show", plan["id"], "--json")
    assert json.loads(as_before.stdout)["counts"] == plan["counts"]


def test_only_some_groups_are_shown(world: World, file: Path) -> None:
    ada = world.add_user("ada")
    with world.begin() as uow:
        for number in range(22):
            create_group(uow, f"group {number}")
            update_group(uow, f"group {number}", add=[ada])

    table = _idp(world, "plan", str(file)).stdout

    assert "group 0\t1\t" in table
    assert "and 2 more" in table


def test_a_policy_that_changes_nobodys_lot_says_so(world: World, file: Path) -> None:
    assert "  nobody" in _idp(world, "publish", str(file), "--yes").stderr


def test_publishing_asks_first(world: World, file: Path) -> None:
    answer = _idp(world, "publish", str(file))

    assert answer.exit_code == 1
    assert "--yes" in answer.stderr
    assert _json(world, "show")["number"] == 1


def test_yes_also_accepts_what_nist_advises_against(world: World, tmp_path: Path) -> None:
    path = tmp_path / "expiry.toml"
    path.write_text("[rules]\nlength = {min = 8}\nmax_age = {days = 90}\n")

    refused = _idp(world, "publish", str(path))
    assert refused.exit_code == 1
    assert "NIST" in refused.stderr

    assert _idp(world, "publish", str(path), "--yes").exit_code == 0


def test_a_mistake_in_the_document_is_placed(world: World, tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text("[rules]\nlength = {minimum = 8}\n")

    answer = _idp(world, "publish", str(path), "--yes")

    assert answer.exit_code == 1
    assert "rules.length.minimum" in answer.stderr


def test_another_base_version_is_refused(world: World, file: Path) -> None:
    answer = _idp(world, "publish", str(file), "--base-version", "7", "--yes")

    assert answer.exit_code == 1
    assert "policy.version_moved" in answer.stderr


@pytest.mark.parametrize(
    "content", [b"[rules", b'{"rules": ', b"\xff\xfe", b"x" * (4 * 1024 * 1024 + 1)]
)
def test_an_unreadable_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "policy.toml"
    path.write_bytes(content)

    with pytest.raises(InvalidInput) as refused:
        read_document(path)

    assert refused.value.code == "policy.unreadable"


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        read_document(tmp_path / "nothing.toml")


def test_json_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "policy.json"
    path.write_text('{"rules": {"length": {"min": 9}}}')

    assert read_document(path) == {"rules": {"length": {"min": 9}}}


def test_toml_is_written_as_it_is_read(tmp_path: Path) -> None:
    document = {
        "enforcement": "everyone",
        "grace": "P0D",
        "rules": {
            "length": {"min": 8, "max": 256},
            "blocklist": {"common": True, "words": ["kererū", 'a "quote" \\ and more']},
            "differs_from_current": {},
        },
    }
    path = tmp_path / "policy.toml"
    path.write_text(write_toml(document))

    assert read_document(path) == document
