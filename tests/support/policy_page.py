"""Runs the examples of `docs/policy.md` and fills in what they say.

To write the page anew: `python -m tests.support.policy_page`.

The page is its own source. A `toml` block that begins with `# NAME.toml` is a file; in a `console`
block each line after `$ ` is a command of `idp`, and what follows is its output. An HTML comment
`do: …` is something that people do meanwhile. What stands between `matrix:` and `end` is written
from the data of the gate's matrix.
"""

import os
import re
import shlex
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from idp.clock import FakeClock
from idp.core.groups import create_group, update_group
from idp.core.login import LoggedIn, SignInForm, sign_in
from idp.durations import parse_duration
from idp.ids import UserId
from tests.matrix.outcomes import MATRIX, Endpoint
from tests.support import ROOT, databases
from tests.support.commands import run_command
from tests.support.story import Story, open_story
from tests.support.world import STAFF

PAGE = ROOT / "docs" / "policy.md"

_BLOCK = re.compile(
    r"^```(?P<kind>toml|console)\n(?P<body>.*?)^```$|^<!-- do: (?P<deed>.*?) -->$"
    r"|^<!-- matrix: (?P<ask>.*?) -->\n.*?^<!-- end -->$",
    re.DOTALL | re.MULTILINE,
)
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_DIGEST = re.compile(r"\b[0-9a-f]{64}\b")
_FIRST: Mapping[str, object] = {
    "enforcement": "everyone",
    "rules": {"length": {"min": 8}, "differs_from_current": {}},
}


@dataclass
class Stage:
    """The company of the examples, in a folder of its own."""

    story: Story
    folder: Path
    people: dict[str, UserId] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    last_id: str = ""

    def hire(self, name: str, password: str, *groups: str) -> None:
        """Let somebody join, with a password that the policy accepts."""
        self.people[name] = self.story.world.add_user(name, password)
        self.passwords[name] = password
        with self.story.world.begin() as uow:
            for group in groups:
                update_group(uow, group, add=[self.people[name]])

    def arrive(self, name: str) -> None:
        """Let somebody sign in at the app of the examples; what comes of it is on record."""
        world = self.story.world
        form = SignInForm(username=name, password=self.passwords[name])
        outcome = sign_in(world.runtime, STAFF, form)
        assert isinstance(outcome, LoggedIn), outcome
        browser = self.story.new_browser()
        browser.set_cookie("__Host-idp-staff-session", outcome.session_secret)
        self.story.authorize(self.story.apps["professional"], browser=browser)

    def wait(self, duration: str) -> None:
        """Let time pass."""
        self.story.world.clock.advance(parse_duration(duration))

    def run(self, line: str) -> str:
        """Run a command and return what it says, ids and digests made short."""
        words = shlex.split(line.replace("$ID", self.last_id))
        assert words[0] == "idp", line
        here = Path.cwd()
        os.chdir(self.folder)
        try:
            answer = run_command(self.story.world.runtime, *words[1:])
        finally:
            os.chdir(here)
        assert isinstance(answer.exception, SystemExit | None), answer.exception
        said = _aligned(answer.stdout + answer.stderr)
        found = _ID.findall(said)
        if found:
            self.last_id = found[0]
        said = _DIGEST.sub("…", _ID.sub("$ID", said))
        return "\n".join(text.rstrip() for text in said.rstrip().splitlines())


@contextmanager
def open_stage() -> Iterator[Stage]:
    """Give the company before the first example: six people, two groups, one app."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        template = databases.create_sqlite_template(folder / "template.db")
        url = databases.copy_sqlite(template, folder / "idp.db")
        with open_story(url, clock=FakeClock(), policy=_FIRST) as story:
            story.app("professional", client_name="TimeTrak Professional")
            with story.world.begin() as uow:
                for group in ("office", "field"):
                    create_group(uow, group)
            stage = Stage(story, folder)
            for person, password, group in (
                ("ada", "kereru over the harbour", "office"),
                ("ben", "benny123", "office"),
                ("cleo", "wharf-lantern", "field"),
                ("dan", "dan12345", "field"),
                ("eve", "takahe behind the dunes", ""),
                ("finn", "finnegan", ""),
            ):
                stage.hire(person, password, *filter(None, [group]))
            yield stage


def render(source: str) -> str:
    """Return the page with the output of its examples as it is now."""
    with open_stage() as stage:
        return _BLOCK.sub(lambda match: _filled(stage, match), source)


def _filled(stage: Stage, match: re.Match[str]) -> str:
    if match["deed"]:
        name, *details = match["deed"].split()
        deeds: Mapping[str, Callable[..., None]] = {"sign-in": stage.arrive, "wait": stage.wait}
        deeds[name](*details)
        return match[0]
    if match["ask"]:
        return f"<!-- matrix: {match['ask']} -->\n{_matrix(match['ask'])}\n<!-- end -->"
    if match["kind"] == "toml":
        title = re.match(r"# (\S+\.toml)\n", match["body"])
        if title:
            (stage.folder / title[1]).write_text(match["body"])
        return match[0]
    commands = [line for line in match["body"].splitlines() if line.startswith("$ ")]
    parts = [f"{line}\n{stage.run(line[2:])}".rstrip() for line in commands]
    return "```console\n" + "\n".join(parts) + "\n```"


def _aligned(text: str) -> str:
    """Return the text with the tables in it set as a terminal shows them."""
    lines: list[str] = []
    for tabs, found in groupby(text.splitlines(), lambda line: line.count("\t")):
        rows = [line.split("\t") for line in found]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            lines.append("  ".join(cells) if tabs else row[0])
    return "\n".join(lines)


def _matrix(asked: str) -> str:
    """Return one sentence for each state of the matrix whose description has these words."""
    states = [state for state in MATRIX if asked in state.told]
    assert states, asked
    return "\n".join(
        f"- {state.told[0].upper()}{state.told[1:]}: a sign-in is answered with "
        f"*{state.outcomes[Endpoint.SIGN_IN].shown}*, a silent request with "
        f"*{state.outcomes[Endpoint.SILENT].shown}*, a refresh with "
        f"*{state.outcomes[Endpoint.REFRESH].shown}*."
        for state in states
    )


if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text()))
