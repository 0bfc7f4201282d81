"""The page about the protocol names a test for each habit of Authlib; the tests exist."""

import re

from tests.support import ROOT

PAGE = ROOT / "docs" / "protocol.md"
HABITS = 22


def test_every_habit_of_authlib_has_a_test() -> None:
    rows = re.findall(r"^\| (\d+) \|.*\| `(test_\w+)` \|$", PAGE.read_text(), re.MULTILINE)
    sources = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))

    assert [int(number) for number, _ in rows] == list(range(1, HABITS + 1))
    assert [name for _, name in rows if f"def {name}(" not in sources] == []
