"""`idp group`."""

import json
from typing import Any

from click.testing import Result

from tests.support.commands import run_command
from tests.support.world import World


def group(world: World, *arguments: str) -> Result:
    return run_command(world.runtime, "group", *arguments, "--realm", "staff")


def answer(world: World, *arguments: str) -> Any:  # noqa: ANN401 - a JSON document
    result = group(world, *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_groups_are_made_filled_listed_and_removed(world: World) -> None:
    world.add_user("ada")
    world.add_user("bob")

    made = answer(world, "add", "Field", "--description", "Vans")
    assert (made["name"], made["description"], made["members"]) == ("Field", "Vans", 0)
    assert answer(world, "edit", "field", "--add-user", "ada", "--add-user", "bob")["members"] == 2
    edited = answer(world, "edit", "field", "--name", "Vans", "--remove-user", "bob")
    assert (edited["name"], edited["members"]) == ("Vans", 1)
    assert [one["name"] for one in answer(world, "list")] == ["Vans"]
    assert "Vans\t1\tVans" in group(world, "list").stdout

    refused = group(world, "remove", "vans")
    assert (refused.exit_code, "--yes" in refused.stderr) == (1, True)
    assert group(world, "remove", "vans", "--yes").exit_code == 0
    assert answer(world, "list") == []


def test_an_empty_group_is_removed_without_asking(world: World) -> None:
    group(world, "add", "Field")

    assert group(world, "remove", "Field").exit_code == 0


def test_refusals_are_explained(world: World) -> None:
    group(world, "add", "Field")

    for arguments, code, part in (
        (("add", "FIELD"), 1, "taken"),
        (("add", "a;b"), 1, "must not contain"),
        (("edit", "nowhere", "--name", "x"), 1, "nowhere"),
        (("edit", "field", "--add-user", "nobody"), 1, "nobody"),
        (("edit", "field"), 2, "say what to change"),
        (("remove", "nowhere"), 1, "nowhere"),
    ):
        result = group(world, *arguments)
        assert (result.exit_code, part in result.stderr) == (code, True), result.stderr


def test_a_group_gives_roles_and_takes_them_back(world: World) -> None:
    world.add_user("ada")
    answer(world, "add", "Field")

    given = answer(world, "edit", "field", "--add-user", "ada", "--add-role", "auditor")
    assert (given["members"], given["roles"]) == (1, ["auditor"])
    assert "Field\t1\t\tauditor" in group(world, "list").stdout
    taken = answer(world, "edit", "field", "--remove-role", "auditor")
    assert (taken["members"], taken["roles"]) == (1, [])
