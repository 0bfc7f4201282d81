"""How answers look, and how secrets come in."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import click
import pytest
from click.testing import CliRunner, Result

from idp.cli import output
from idp.cli.base import CliContext, Parts, json_option, yes_option
from idp.cli.output import json_text, printable, progress


class _Colour(StrEnum):
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class _Thing:
    name: str
    at: datetime
    life: timedelta | None
    tags: frozenset[str]
    colour: _Colour


def _nobody() -> Parts:
    raise AssertionError("not needed here")


def _run(action: Callable[[CliContext], object], stdin: str | bytes = "") -> Result:
    @click.command()
    @json_option
    @yes_option
    @click.pass_obj
    def command(context: CliContext, /, **_options: bool) -> None:
        action(context)

    return CliRunner().invoke(command, [], obj=CliContext(_nobody), input=stdin)


def test_json_has_a_form_for_what_use_cases_return() -> None:
    moment = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
    thing = _Thing("Māui", moment, timedelta(days=3), frozenset({"b", "a"}), _Colour.BLUE)

    text = json_text({"things": (thing,), "left": None, "count": 1, "ok": True})

    assert "Māui" in text
    assert json.loads(text) == {
        "things": [
            {
                "name": "Māui",
                "at": "2026-11-02T09:00:00Z",
                "life": "P3D",
                "tags": ["a", "b"],
                "colour": "blue",
            }
        ],
        "left": None,
        "count": 1,
        "ok": True,
    }


def test_json_refuses_what_it_does_not_know() -> None:
    with pytest.raises(TypeError, match="object has no JSON form"):
        json_text([object()])


def test_no_control_character_reaches_the_terminal() -> None:
    assert printable("ada\r\n\x1b[2J\x85\u2028é") == "ada\\r\\n\\x1b[2J\\x85\\u2028é"
    assert printable(None) == ""


def test_nor_does_one_in_json_which_stays_what_it_says() -> None:
    document = {"agent": "x\x9b2J\x7f\u202e\U000e0001 Māui", "next": [1]}

    text = json_text(document)

    assert text.splitlines()[1] == '  "agent": "x\\u009b2J\\u007f\\u202e\\udb40\\udc01 Māui",'
    assert json.loads(text) == document


def test_nor_in_what_is_said() -> None:
    answer = _run(lambda context: context.say("one\x1b]0;title\x07\ntwo"))

    assert answer.stderr == "one\\x1b]0;title\\x07\ntwo\n"


def test_a_table_is_tab_separated_away_from_a_terminal() -> None:
    moment = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
    rows = [("ada\tb", True, moment, ["x", "y"]), ("bob", False, timedelta(hours=1), None)]

    answer = _run(lambda context: context.table(rows, ("name", "active", "at", "groups")))

    assert answer.stdout.splitlines() == [
        "name\tactive\tat\tgroups",
        "ada\\tb\tyes\t2026-11-02 09:00:00Z\tx, y",
        "bob\tno\tPT1H\t",
    ]


def test_a_table_is_drawn_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    output.print_table([("[bold]ada[/bold]", 1)], ("name", "count"))

    drawn = capsys.readouterr().out
    assert "[bold]ada[/bold]" in drawn
    assert "name" in drawn


def test_details_are_a_line_each() -> None:
    answer = _run(lambda context: context.details({"username": "ada", "locked": False}))

    assert answer.stdout.splitlines()[1:] == ["username\tada", "locked\tno"]


def test_progress_is_about_ten_plain_lines_away_from_a_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with progress("importing", 1000) as show:
        for done in range(1001):
            show(done)

    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "importing: 0 of 1000"
    assert lines[-1] == "importing: 1000 of 1000"
    assert len(lines) == 11


def test_progress_is_a_bar_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)

    with progress("importing", 10) as show:
        show(4)
        show(12, 12)

    assert "12/12" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("stdin", "secret"),
    [
        ("pass word\n", "pass word"),
        ("pass\r\nmore", "pass"),
        ("  both ends  ", "  both ends  "),
        ("pāssword\n", "pāssword"),
    ],
)
def test_a_secret_is_the_first_line_of_standard_input(stdin: str, secret: str) -> None:
    seen: list[str] = []

    _run(lambda context: seen.append(context.read_secret(stdin=True, prompt="Password")), stdin)

    assert seen == [secret]


@pytest.mark.parametrize(
    ("stdin", "reason"),
    [
        (b"", "there is no secret"),
        (b"\n", "there is no secret"),
        (b"\xff\xfe\n", "not UTF-8"),
        (b"x" * (64 * 1024 + 1), "too long"),
    ],
)
def test_an_unusable_secret_is_refused(stdin: bytes, reason: str) -> None:
    answer = _run(lambda context: context.read_secret(stdin=True, prompt="Password"), stdin)

    assert answer.exit_code == 1
    assert reason in answer.stderr


def test_nobody_is_prompted_away_from_a_terminal() -> None:
    answer = _run(lambda context: context.read_secret(stdin=False, prompt="Password"))
    assert answer.exit_code == 2

    answer = _run(lambda context: context.confirm("Reset 20 passwords?"))
    assert (answer.exit_code, "add --yes" in answer.stderr) == (1, True)
    assert _run(lambda context: context.confirm("Sure?", assume_yes=True)).exit_code == 0


def test_a_person_at_a_terminal_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def at_terminal(action: Callable[[CliContext], object]) -> Callable[[CliContext], object]:
        def act(context: CliContext) -> object:
            monkeypatch.setattr("sys.stdin.isatty", lambda: True)
            return action(context)

        return act

    seen: list[str] = []
    ask = at_terminal(
        lambda context: seen.append(context.read_secret(stdin=False, prompt="P", confirm=True))
    )
    _run(ask, "secret\nsecret\n")
    assert seen == ["secret"]

    answer = _run(at_terminal(lambda context: context.confirm("Sure?")), "n\n")
    assert (answer.exit_code, "nothing was changed" in answer.stderr) == (1, True)
    assert _run(at_terminal(lambda context: context.confirm("Sure?")), "y\n").exit_code == 0
