"""The command line as a person meets it: help, refusals, exit codes."""

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from idp.cli import COMMANDS, idp
from idp.cli.base import CliContext, Parts
from idp.cli.refusals import refusal_of
from idp.cli.root import Entry, RootGroup
from idp.errors import Conflict, IdpError, InvalidInput, NotFound, PasswordRejected, RateLimited
from policy.verdict import Finding
from tests.support.commands import composition, run_command
from tests.support.world import open_world


def _nobody() -> Parts:
    raise AssertionError("help must not load the whole product")


@click.command()
@click.argument("kind")
def _failing(kind: str) -> None:
    raise {
        "refused": NotFound("user.not_found", username="ada\x1b[2J"),
        "bug": ZeroDivisionError("secret detail"),
        "interrupt": KeyboardInterrupt(),
        "abort": click.Abort(),
    }[kind]


_GROUP = RootGroup("idp", [Entry("fail", f"{__name__}:_failing", "Fails.")], "A group for tests.")


def _run(*arguments: str) -> tuple[int, str, str]:
    answer = CliRunner().invoke(_GROUP, arguments, obj=CliContext(_nobody))
    return answer.exit_code, answer.stdout, answer.stderr


def test_help_names_every_command_without_loading_any() -> None:
    answer = CliRunner().invoke(idp, ["--help"], obj=CliContext(_nobody))

    assert answer.exit_code == 0
    assert all(f"\n  {entry.name} " in answer.stdout for entry in COMMANDS if entry.help)
    assert "  web " not in answer.stdout


def test_help_loads_neither_the_database_nor_the_web() -> None:
    script = "import sys, idp.__main__; print(*sys.modules, sep='\\n')"
    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.split()

    assert not {"flask", "sqlalchemy", "pydantic", "rich", "authlib"} & set(loaded)


def test_a_command_loads_only_what_most_commands_need() -> None:
    script = "import sys, idp.app, idp.cli.users; print(*sys.modules, sep='\\n')"
    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.split()

    assert not {"flask", "authlib", "alembic", "ldap3", "jinja2", "idp.jobs"} & set(loaded)


@pytest.mark.parametrize("name", [entry.name for entry in COMMANDS])
def test_every_command_is_there_and_takes_config(name: str) -> None:
    command = idp.get_command(click.Context(idp), name)
    assert command is not None

    leaves = [command]
    while any(isinstance(leaf, click.Group) for leaf in leaves):
        leaves = [
            child
            for leaf in leaves
            for child in (leaf.commands.values() if isinstance(leaf, click.Group) else [leaf])
        ]

    assert leaves
    for leaf in leaves:
        assert [option.name for option in leaf.params].count("config_path") == 1, leaf.name


def test_a_refusal_is_one_line_and_exit_1() -> None:
    code, out, err = _run("fail", "refused")

    assert (code, out) == (1, "")
    assert err == 'idp: user not found: username "ada\\x1b[2J" [user.not_found]\n'


def test_wrong_usage_is_exit_2() -> None:
    assert _run("fail")[0] == 2
    assert _run("nothing-like-it")[0] == 2


def test_every_list_of_commands_is_told_whole() -> None:
    for entry in COMMANDS:
        answer = CliRunner().invoke(idp, [entry.name, "--help"], obj=CliContext(_nobody))
        listed = answer.stdout.partition("\nCommands:\n")[2]
        assert "..." not in listed, listed


def test_a_mistyped_command_is_told_the_nearest() -> None:
    answer = CliRunner().invoke(idp, ["clinet"], obj=CliContext(_nobody))

    assert answer.exit_code == 2
    assert 'there is no command "clinet"; did you mean "client"?' in answer.stderr


@pytest.mark.parametrize("kind", ["interrupt", "abort"])
def test_an_interrupt_is_exit_130(kind: str) -> None:
    assert _run("fail", kind) == (130, "", "idp: interrupted\n")


def test_a_bug_is_one_line_unless_debugging() -> None:
    code, _, err = _run("fail", "bug")
    assert (code, err) == (1, "idp: unexpected ZeroDivisionError; `idp --debug ...` shows where\n")

    code, _, err = _run("--debug", "fail", "bug")
    assert code == 1
    assert "Traceback" in err
    assert "secret detail" in err


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Conflict("user.exists", username="ada"), 'user exists: username "ada" [user.exists]'),
        (IdpError("plan.outdated"), "plan outdated [plan.outdated]"),
        (
            IdpError("client.invalid", fields={"redirect_uri": "must be https"}),
            'that cannot be stored: fields redirect_uri: "must be https" [client.invalid]',
        ),
        (
            InvalidInput("user.invalid", problems=[{"field": "username", "reason": "is missing"}]),
            "that cannot be stored: username is missing [user.invalid]",
        ),
        (
            InvalidInput("plan.param_invalid", param="expires_in", reason="must be a duration"),
            "that cannot be planned: expires_in must be a duration [plan.param_invalid]",
        ),
        (
            InvalidInput("policy.unreadable", file="p.toml", reason="is not UTF-8"),
            "the policy cannot be read: p.toml: is not UTF-8 [policy.unreadable]",
        ),
        (
            InvalidInput("policy.conflicts_with_nist", conflicts=["one", "two"]),
            (
                "the policy contradicts NIST SP 800-63B-4; --accept-conflicts plans it anyway: "
                "one; two [policy.conflicts_with_nist]"
            ),
        ),
        (
            Conflict("reset.users_refused", unknown=["nobody"], duplicate=[]),
            'not every user can be taken: unknown "nobody" [reset.users_refused]',
        ),
        (NotFound("user.not_found", user="ada"), 'there is no user "ada" [user.not_found]'),
        (NotFound("user.not_found"), "user not found [user.not_found]"),
        (RateLimited(30), "rate limited; try again in 30 s"),
        (
            PasswordRejected([Finding("length.too_short", {"min": 15})]),
            "the policy does not accept this password: length too short: min 15 [length.too_short]",
        ),
        (
            PasswordRejected([Finding("password.too_short", {"min": 15})]),
            (
                "the policy does not accept this password: "
                "too short, at least 15 characters [password.too_short]"
            ),
        ),
    ],
)
def test_refusals_in_words(error: IdpError, said: str) -> None:
    assert refusal_of(error).message == said


def test_private_detail_is_told_only_when_debugging() -> None:
    error = IdpError("mail.failed", detail="host mx1")

    assert "mx1" not in refusal_of(error).message
    assert "mx1" in refusal_of(error, debug=True).message


def test_an_unknown_realm_is_wrong_usage_and_names_the_nearest(database_url: str) -> None:
    with open_world(database_url) as world:
        answer = run_command(world.runtime, "user", "list", "--realm", "staf")

    assert answer.exit_code == 2
    assert 'did you mean "staff"?' in answer.stderr


def test_a_configuration_with_problems_lists_them_all(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[server]\npublik_url = "x"\nworkers = 0\n')

    answer = run_command(None, "db", "check", "--config", str(path))

    assert answer.exit_code == 1
    assert 'unknown key; did you mean "public_url"?' in answer.stderr
    assert "server.workers" in answer.stderr
    assert "mail: is required" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_the_composition_root_has_all_parts() -> None:
    parts = composition()

    assert callable(parts.build_runtime)
    assert callable(parts.supervise)
