"""`idp client` and `idp keys`, as an installer uses them."""

import json
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey, RSAKey

from idp.core.client_proofs import ClientRefused, SecretProof, find_proved_client
from idp.core.keys import create_first_keys, kid_of
from idp.core.work import SYSTEM
from tests.support.commands import run_command
from tests.support.world import STAFF, World

WEB = ("--id", "web", "--realm", "staff", "--redirect-uri", "https://web.example/cb")


def run(world: World, *arguments: str, stdin: str = "") -> Any:  # noqa: ANN401 - JSON or a result
    """Run a command that must work and return its JSON."""
    result = run_command(world.runtime, *arguments, "--json", stdin=stdin)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_a_client_is_added_shown_changed_and_removed(world: World) -> None:
    added = run(
        world,
        *("client", "add", *WEB),
        *("--grant", "authorization_code", "--grant", "refresh_token"),
        *("--scope", "openid profile", "--scope", "email", "--no-consent", "--name", "Web"),
    )
    shown = run(world, "client", "show", "web", "--realm", "staff")
    by_option = run(world, "client", "show", "--id", "web", "--realm", "staff")
    listed = run(world, "client", "list", "--realm", "staff")
    edited = run(
        world,
        *("client", "edit", "web", "--realm", "staff", "--consent"),
        *("--redirect-uri", "https://web.example/new"),
    )

    assert len(added.pop("client_secret")) == 43
    assert added == shown == by_option == listed[0]
    assert added["scope"] == "openid profile email"
    assert (added["consent"], edited["consent"]) == (False, True)
    assert edited["redirect_uris"] == ["https://web.example/new"]
    gone = run_command(world.runtime, "client", "remove", "web", "--realm", "staff", "--yes")
    assert gone.exit_code == 0
    assert run(world, "client", "list", "--realm", "staff") == []
    assert world.events()[-1].actor_kind == "host"


def test_an_app_is_for_members_of_groups(world: World) -> None:
    for name in ("Field", "Office"):
        run(world, "group", "add", name, "--realm", "staff")
    added = run(world, "client", "add", *WEB, "--allow-group", "office", "--allow-group", "Field")
    kept = run(world, "client", "edit", "web", "--realm", "staff", "--name", "Web")
    refused = run_command(world.runtime, "group", "remove", "Office", "--realm", "staff", "--yes")
    shown = run_command(world.runtime, "client", "show", "web", "--realm", "staff")
    narrowed = run(world, "client", "edit", "web", "--realm", "staff", "--allow-group", "Field")
    opened = run(world, "client", "edit", "web", "--realm", "staff", "--allow-everybody")

    assert added["allowed_groups"] == kept["allowed_groups"] == ["Field", "Office"]
    assert 'the group "Office" may use "web"' in refused.stderr
    assert "Field, Office" in shown.stdout
    assert narrowed["allowed_groups"] == ["Field"]
    assert "allowed_groups" not in opened


def test_a_file_can_say_that_an_app_is_for_everybody_or_for_nobody(
    world: World, tmp_path: Path
) -> None:
    file = tmp_path / "client.json"
    file.write_text('{"allowed_groups": []}')
    run(world, "client", "add", *WEB, "--metadata", str(file))
    shown = run_command(world.runtime, "client", "show", "web", "--realm", "staff")
    file.write_text('{"allowed_groups": null}')
    opened = run(world, "client", "edit", "web", "--realm", "staff", "--metadata", str(file))

    assert "allowed_groups\tnone\n" in shown.stdout
    assert "allowed_groups" not in opened


def test_for_some_and_for_everybody_exclude_each_other(world: World) -> None:
    both = ("--allow-group", "Office", "--allow-everybody")
    wrong = run_command(world.runtime, "client", "add", *WEB, *both)
    unknown = run_command(world.runtime, "client", "add", *WEB, "--allow-group", "Offcie")

    assert wrong.exit_code == 2
    assert "exclude each other" in wrong.stderr
    assert unknown.exit_code == 1
    assert "there is no group 'Offcie'" in unknown.stderr


def test_a_secret_comes_in_by_standard_input_and_is_not_echoed(world: World) -> None:
    added = run(world, "client", "add", *WEB, "--secret-stdin", stdin="chosen secret\n")
    rotated = run(
        world,
        *("client", "rotate-secret", "web", "--realm", "staff", "--secret-stdin"),
        stdin="another secret\n",
    )
    fresh = run(world, "client", "rotate-secret", "--id", "web", "--realm", "staff")

    assert "client_secret" not in added
    assert "client_secret" not in rotated
    with world.begin() as uow:
        proof = SecretProof("web", fresh["client_secret"], "client_secret_basic")
        assert not isinstance(find_proved_client(uow, proof), ClientRefused)


def test_a_file_with_standard_names_is_taken(world: World, tmp_path: Path) -> None:
    document = {
        "client_id": "from-file",
        "redirect_uris": ["https://web.example/cb"],
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "scope": "openid",
        "favourite": "blue",
    }
    file = tmp_path / "client.json"
    file.write_text(json.dumps(document))

    result = run_command(
        world.runtime,
        *("client", "add", "--realm", "staff", "--metadata", str(file), "--json"),
    )

    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["client_id"] == "from-file"
    assert "favourite" in result.stderr


def test_a_client_may_prove_itself_with_a_key(world: World, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": [RSAKey.generate_key().as_dict(private=False)]}))

    added = run(
        world,
        *("client", "add", *WEB, "--auth-method", "private_key_jwt", "--jwks", str(file)),
    )

    assert "client_secret" not in added
    assert added["jwks"]["keys"]


def test_refusals_name_the_member_and_change_nothing(world: World, tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    listing = tmp_path / "list.json"
    listing.write_text("[]")
    refused = {
        "redirect_uris": ("add", "--id", "x", "--realm", "staff", "--redirect-uri", "javascript:x"),
        "--hybrid": ("add", *WEB, "--hybrid"),
        "is not JSON": ("add", *WEB, "--metadata", str(broken)),
        "JSON object": ("add", *WEB, "--metadata", str(listing)),
        "No such file": ("add", *WEB, "--metadata", str(tmp_path / "none.json")),
        "device_code": (*("add", *WEB, "--grant", "urn:ietf:params:oauth:grant-type:device_code"),),
        "client.not_found": ("show", "nobody", "--realm", "staff"),
        "pkce": ("add", *WEB, "--type", "spa", "--pkce", "optional"),
    }
    wrong = (
        ("add", "--realm", "staff"),
        ("add", *WEB, "--type", "tv"),
        ("show", "--realm", "staff"),
        ("show", "a", "--id", "b", "--realm", "staff"),
        ("edit", "web", "--realm", "staff"),
        ("list", "--realm", "stuff"),
        ("list",),
    )

    for words, arguments in refused.items():
        result = run_command(world.runtime, "client", *arguments)
        assert result.exit_code == 1, arguments
        assert words in result.stderr, result.stderr
    for arguments in wrong:
        assert run_command(world.runtime, "client", *arguments).exit_code == 2, arguments
    assert run(world, "client", "list", "--realm", "staff") == []


def test_what_a_person_reads_is_lines(world: World) -> None:
    added = run_command(world.runtime, "client", "add", *WEB)
    listed = run_command(world.runtime, "client", "list", "--realm", "staff")

    assert "client_secret" in added.stdout
    assert "not shown again" in added.stderr
    assert "web" in listed.stdout
    assert "client_id" in listed.stdout


def test_no_key_is_called_like_an_option() -> None:
    keys = (ECKey.generate_key("P-256", private=True) for _ in range(10_000))
    odd = next(key for key in keys if key.thumbprint().startswith("-"))

    assert kid_of(odd) == odd.thumbprint().lstrip("-")[:16]
    assert len(kid_of(odd)) == 16


def test_keys_are_listed_rotated_and_retired(world: World) -> None:
    create_first_keys(world.runtime, STAFF, actor=SYSTEM)
    first = run(world, "keys", "list", "--realm", "staff")

    rotated = run(world, "keys", "rotate", "--realm", "staff")
    again = run_command(world.runtime, "keys", "rotate", "--realm", "staff")
    world.advance(minutes=7)
    retired = run(world, "keys", "retire", first[0]["kid"], "--realm", "staff")
    coming = next(key["kid"] for key in rotated if key["state"] == "next")
    signing = run_command(world.runtime, "keys", "retire", coming, "--realm", "staff")
    emergency = run(world, "keys", "rotate", "--realm", "staff", "--emergency", "--yes")

    assert [key["state"] for key in first] == ["active"] * 3
    assert sorted(key["state"] for key in rotated) == ["active"] * 3 + ["next"] * 3
    assert (again.exit_code, signing.exit_code) == (1, 1)
    assert "rotation_under_way" in again.stderr
    assert retired[0]["state"] == "retired"
    assert sorted(key["state"] for key in emergency) == ["active"] * 3 + ["retired"] * 6
    assert "private" not in json.dumps(emergency)
    asked = run_command(world.runtime, "keys", "rotate", "--realm", "staff", "--emergency")
    assert asked.exit_code == 1
