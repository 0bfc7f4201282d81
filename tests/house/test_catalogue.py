"""Each entry of the security catalogue that is promised is named by a test that holds it."""

import re

import pytest

from tests.support import ROOT

PROMISED = (
    *("F-01", "F-02", "F-03", "F-04", "F-09", "F-10", "F-11", "F-13", "F-15", "F-16", "F-17"),
    *("R-01", "R-02", "R-04", "R-05", "R-06", "R-07", "R-10", "R-11", "R-12"),
    *("R-15", "R-16", "R-17"),
    *("B-01", "B-02", "B-03", "B-06", "B-07", "B-09", "B-10"),
    *("Y-01", "Y-02", "Y-03", "Y-04", "Y-05", "Y-06", "Y-07", "Y-08", "Y-10", "Y-11"),
    *("Y-12", "Y-13", "Y-14", "Y-15", "Y-17"),
    *("C-01", "C-03", "C-14"),
    *("D-01", "D-02", "D-03", "D-04", "D-06", "D-08", "D-11", "D-12", "D-13", "D-14"),
    *("L-01", "L-03", "L-04", "L-05", "L-06", "L-07", "L-09", "L-13", "L-14", "L-15", "L-16"),
    *("Q-01", "Q-02", "Q-07"),
    *("H-01", "H-02"),
    *("X-01", "X-04", "X-11"),
)
"""What the tests hold of the catalogue."""

NAMED = {
    entry
    for path in (ROOT / "tests").rglob("test_*.py")
    for entry in re.findall(r"\b[A-Z]-\d\d\b", path.read_text())
    if path.name != "test_catalogue.py"
}


@pytest.mark.parametrize("entry", PROMISED)
def test_an_entry_is_held_by_a_test(entry: str) -> None:
    assert entry in NAMED
