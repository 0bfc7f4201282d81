"""`idp admin`."""

import json

from click.testing import Result

from tests.support.commands import run_command
from tests.support.world import PUBLIC_URL, World


def admin(world: World, *arguments: str) -> Result:
    return run_command(world.runtime, "admin", *arguments)


def test_roles_are_granted_listed_and_revoked(world: World) -> None:
    world.add_user("ada")
    world.add_user("bob")

    assert "ada is now owner" in admin(world, "grant", "ada", "owner").stderr
    assert "ada is already owner" in admin(world, "grant", "ada", "owner").stderr
    admin(world, "grant", "bob", "auditor")
    listed = json.loads(admin(world, "list", "--json").stdout)
    assert [(one["username"], one["role"]) for one in listed] == [
        ("ada", "owner"),
        ("bob", "auditor"),
    ]
    assert "bob\tauditor\tactive" in admin(world, "list").stdout
    assert "bob is no longer auditor" in admin(world, "revoke", "bob", "auditor").stderr
    assert "bob is not auditor" in admin(world, "revoke", "bob", "auditor").stderr


def test_refusals_are_explained(world: World) -> None:
    world.add_user("boss")
    admin(world, "grant", "boss", "owner")

    for arguments, code, part in (
        (("grant", "nobody", "owner"), 1, "nobody"),
        (("grant", "boss", "emperor"), 2, "emperor"),
        (("revoke", "boss", "owner"), 1, "last owner"),
        (("grant", "boss", "owner", "--realm", "portal"), 1, "boss"),
        (("setup-link",), 1, "closed"),
    ):
        result = admin(world, *arguments)
        assert (result.exit_code, part in result.stderr) == (code, True), result.stderr


def test_the_first_owner_gets_a_link(world: World) -> None:
    plain = admin(world, "setup-link").stdout.strip()
    document = json.loads(admin(world, "setup-link", "--json").stdout)

    assert plain.startswith(f"{PUBLIC_URL}/realms/staff/setup/")
    assert document["setup_link"] != plain


def test_it_is_told_whence_a_role_comes(world: World) -> None:
    world.add_user("ada")
    admin(world, "grant", "ada", "owner")
    run_command(world.runtime, "group", "add", "Field", "--realm", "staff")
    changes = ("--add-user", "ada", "--add-role", "owner")
    run_command(world.runtime, "group", "edit", "Field", "--realm", "staff", *changes)

    listed = json.loads(admin(world, "list", "--json").stdout)
    assert [(one["username"], one["role"], one["group"]) for one in listed] == [
        ("ada", "owner", None),
        ("ada", "owner", "Field"),
    ]
    assert "ada is still owner, through a group" in admin(world, "revoke", "ada", "owner").stderr
