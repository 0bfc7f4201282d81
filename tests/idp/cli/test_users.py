"""`idp user`, as an administrator at the host types it."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from idp.core.login import LoggedIn, SignInForm, sign_in
from tests.support.commands import run_command
from tests.support.world import PASSWORD, PORTAL, STAFF, World


def user(world: World, *arguments: str, stdin: str = "", realm: str = "staff") -> Result:
    return run_command(world.runtime, "user", *arguments, "--realm", realm, stdin=stdin)


def done(world: World, *arguments: str, stdin: str = "", realm: str = "staff") -> Result:
    result = user(world, *arguments, stdin=stdin, realm=realm)
    assert result.exit_code == 0, result.stderr
    return result


def answer(world: World, *arguments: str, stdin: str = "", realm: str = "staff") -> Any:  # noqa: ANN401 - a JSON document
    return json.loads(done(world, *arguments, "--json", stdin=stdin, realm=realm).stdout)


def may_sign_in(world: World, username: str, password: str = PASSWORD) -> bool:
    outcome = sign_in(world.runtime, STAFF, SignInForm(username=username, password=password))
    return isinstance(outcome, LoggedIn)


def test_a_user_is_added_with_everything_and_signs_in(world: World) -> None:
    run_command(world.runtime, "group", "add", "Field", "--realm", "staff")

    added = answer(
        world,
        "add",
        *("--username", "ada", "--email", "ada@example.com", "--email-verified"),
        *("--name", "Ada Lovelace", "--locale", "en-NZ", "--external-id", "7"),
        *("--claims", '{"nickname": "A"}', "--group", "field", "--admin", "owner"),
        "--password-stdin",
        stdin=f"{PASSWORD}\n",
    )

    assert (added["username"], added["email"], added["email_verified"]) == (
        "ada",
        "ada@example.com",
        True,
    )
    assert (added["groups"], added["roles"]) == (["Field"], ["owner"])
    assert (added["claims"], added["external_id"]) == ({"nickname": "A"}, "7")
    assert (added["has_password"], added["must_change"]) == (True, False)
    assert may_sign_in(world, "ada")
    assert answer(world, "show", "ADA@example.com") == added | {
        key: answer(world, "show", "ada")[key] for key in ("last_sign_in_at", "updated_at")
    }
    (event,) = [event for event in world.events() if event.code == "user.created"]
    assert event.actor_kind == "host"


def test_a_temporary_password_and_a_state_may_be_given(world: World) -> None:
    added = answer(
        world,
        *("add", "--username", "ada", "--must-change", "--status", "locked", "--password-stdin"),
        stdin=f"{PASSWORD}\r\n",
    )

    assert (added["must_change"], added["status"]) == (True, "locked")
    assert added["temporary_until"] == "2026-11-05T09:00:00Z"


def test_without_a_password_nobody_signs_in_yet(world: World) -> None:
    result = done(world, "add", "--username", "ada")

    assert "has_password\tno" in result.stdout
    assert not may_sign_in(world, "ada", "")


def test_a_portal_user_needs_only_an_email(world: World) -> None:
    added = answer(world, "add", "--email", "contact@example.com", realm="portal")

    assert added["username"] == "contact@example.com"


@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "part"),
    [
        ((), "", 1, "username"),
        (("--username", "\u0430da"), "", 1, "scripts"),
        (("--username", "ada", "--email", "nobody"), "", 1, "e-mail address"),
        (("--username", "taken"), "", 1, "taken"),
        (("--username", "ada", "--password-stdin"), "short\n", 1, "too short"),
        (("--username", "ada", "--password-stdin"), "", 1, "no secret"),
        (("--username", "ada", "--group", "nowhere"), "", 1, "nowhere"),
        (("--username", "ada", "--claims", "{"), "", 2, "--claims"),
        (("--username", "ada", "--admin", "emperor"), "", 2, "emperor"),
        (("--username", "ada", "--password", PASSWORD), "", 2, "--password"),
    ],
)
def test_a_refused_user_is_explained_and_not_made(
    world: World, arguments: tuple[str, ...], stdin: str, code: int, part: str
) -> None:
    world.add_user("taken")

    result = user(world, "add", *arguments, stdin=stdin)

    assert result.exit_code == code
    assert part in result.stderr
    assert result.stdout == ""
    assert [one["username"] for one in answer(world, "list")] == ["taken"]


def test_realms_have_names(world: World) -> None:
    result = user(world, "list", realm="stuff")

    assert result.exit_code == 2
    assert 'did you mean "staff"?' in result.stderr
    assert run_command(world.runtime, "user", "list").exit_code == 2


def test_a_list_can_be_searched_and_cut(world: World) -> None:
    for name in ("ada", "bob", "cleo"):
        world.add_user(name)
    world.add_user("contact", realm=PORTAL)
    done(world, "deactivate", "cleo")

    assert [one["username"] for one in answer(world, "list")] == ["ada", "bob", "cleo"]
    assert [one["username"] for one in answer(world, "list", "--search", "OB")] == ["bob"]
    assert [one["username"] for one in answer(world, "list", "--status", "inactive")] == ["cleo"]
    cut = done(world, "list", "--limit", "2")
    assert [line.split("\t")[0] for line in cut.stdout.splitlines()] == ["username", "ada", "bob"]
    assert "there are more" in cut.stderr
    assert user(world, "list", "--group", "nowhere").exit_code == 1


def test_a_long_list_is_read_page_by_page(world: World, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("username\n" + "".join(f"user{number:03}\n" for number in range(203)))
    done(world, "import", str(file))

    assert len(answer(world, "list")) == 203
    assert len(answer(world, "list", "--limit", "202")) == 202


def test_a_user_is_edited(world: World) -> None:
    world.add_user("ada")
    for name in ("Field", "Office"):
        run_command(world.runtime, "group", "add", name, "--realm", "staff")

    edited = answer(
        world,
        *("edit", "ada", "--username", "countess", "--email", "", "--name", "Ada L."),
        *("--group", "office", "--group", "field", "--if-version", "1"),
    )

    assert (edited["username"], edited["email"], edited["name"]) == ("countess", None, "Ada L.")
    assert (edited["groups"], edited["version"]) == (["Field", "Office"], 2)
    assert answer(world, "edit", "countess", "--no-groups")["groups"] == []
    late = user(world, "edit", "countess", "--name", "X", "--if-version", "1")
    assert (late.exit_code, "changed meanwhile" in late.stderr) == (1, True)


@pytest.mark.parametrize("more", [(), ("--group", "field", "--no-groups")])
def test_an_edit_says_what_to_change(world: World, more: tuple[str, ...]) -> None:
    world.add_user("ada")

    assert user(world, "edit", "ada", *more).exit_code == 2


def test_an_account_is_locked_removed_and_brought_back(world: World) -> None:
    world.add_user("ada")

    for command, status in (
        ("lock", "locked"),
        ("unlock", "active"),
        ("deactivate", "inactive"),
        ("reactivate", "active"),
    ):
        assert f"ada is {status}" in done(world, command, "ada").stderr
        assert may_sign_in(world, "ada") is (status == "active")


@pytest.mark.parametrize(
    "command",
    ["show", "lock", "unlock", "deactivate", "reactivate", "require-change", "sessions"],
)
def test_nobody_is_nobody(world: World, command: str) -> None:
    result = user(world, command, "nobody")

    assert result.exit_code == 1
    assert "nobody" in result.stderr


def test_the_last_owner_stays(world: World) -> None:
    world.add_user("boss")
    run_command(world.runtime, "admin", "grant", "boss", "owner")

    for command in ("lock", "deactivate"):
        result = user(world, command, "boss")
        assert (result.exit_code, "last owner" in result.stderr) == (1, True)


def test_a_password_is_set_for_three_days_or_for_good(world: World) -> None:
    world.add_user("ada")

    said = done(world, "set-password", "ada", "--password-stdin", stdin="a first new one\n").stderr
    assert "to be changed by 2026-11-05 09:00 UTC" in said
    done(
        world,
        *("set-password", "ada", "--password-stdin", "--permanent"),
        stdin="a second new one\n",
    )

    shown = answer(world, "show", "ada")
    assert (shown["must_change"], shown["temporary_until"]) == (False, None)
    assert may_sign_in(world, "ada", "a second new one")
    short = user(world, "set-password", "ada", "--password-stdin", stdin="short\n")
    assert (short.exit_code, "too short" in short.stderr) == (1, True)
    assert user(world, "set-password", "ada").exit_code == 2


def test_a_change_is_asked_for(world: World) -> None:
    world.add_user("ada")

    done(world, "require-change", "ada")
    assert answer(world, "show", "ada")["must_change"] is True
    done(world, "require-change", "ada", "--end-sessions")


def test_a_reset_link_is_sent(world: World) -> None:
    world.add_user("ada")

    assert "ada@example.com" in done(world, "send-reset", "ada").stderr
    assert world.outbox()[0]["template"] == "reset_link"


def test_sessions_are_listed_and_ended(world: World) -> None:
    user_id = world.add_user("ada")
    first, _ = world.begin_session(user_id)
    second, _ = world.begin_session(user_id)

    assert {one["id"] for one in answer(world, "sessions", "ada")} == {first, second}
    assert first in done(world, "sessions", "ada").stdout
    assert [one["id"] for one in answer(world, "sessions", "ada", "--end", first)] == [second]
    assert answer(world, "sessions", "ada", "--end-all") == []
    assert user(world, "sessions", "ada", "--end", first).exit_code == 1
