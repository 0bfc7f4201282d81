"""A module is read in one sitting, a function at one glance."""

import ast
from pathlib import Path

import pytest

from tests.support.tree import list_modules, shown

MODULE_LINES = 300
FUNCTION_STATEMENTS = 30


# A migration is a record of tables, written once and read as a list.
MODULES = [path for path in list_modules() if path.parent.name != "versions"]


@pytest.mark.parametrize("path", MODULES, ids=shown)
def test_a_module_is_at_most_300_lines(path: Path) -> None:
    lines = len(path.read_text().splitlines())

    assert lines <= MODULE_LINES


@pytest.mark.parametrize("path", MODULES, ids=shown)
def test_a_function_is_at_most_30_statements(path: Path) -> None:
    tree = ast.parse(path.read_text())
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]

    too_long = {f.name: n for f in functions if (n := _statements(f)) > FUNCTION_STATEMENTS}

    assert too_long == {}


def _statements(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    inside = sum(isinstance(node, ast.stmt) for node in ast.walk(function)) - 1
    return inside - (ast.get_docstring(function) is not None)
