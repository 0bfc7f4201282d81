"""House rule: what would escape the realm filter stands in `idp.store` only.

Raw SQL, Core statements over tables, and bulk inserts get no filter and no stamp. Inside
`idp.store` they bind the realm by hand, which `test_rows` watches.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.tree import list_modules, module_name, shown

STORE = "idp.store"
MODULES = [path for path in list_modules() if not module_name(path).startswith(STORE)]
_FROM_SQLALCHEMY = {"text", "insert", "literal_column", "table", "column", "TextClause"}
_ATTRIBUTES = {
    "__table__",
    "exec_driver_sql",
    "bulk_insert_mappings",
    "bulk_save_objects",
    "bulk_update_mappings",
    "from_statement",
    "metadata",
}
_OF_STORE = {"table_of", "connection_of"}


def escapes(source: str) -> Iterator[str]:
    """Yield what a module's text does that gets around the filter."""
    tree = ast.parse(source)
    names = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name.split(".")[0] == "sqlalchemy"
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            banned = _OF_STORE if (node.module or "").startswith(STORE) else set()
            if (node.module or "").split(".")[0] == "sqlalchemy":
                banned = _FROM_SQLALCHEMY
            yield from (alias.name for alias in node.names if alias.name in banned)
        elif isinstance(node, ast.Attribute):
            of_sqlalchemy = isinstance(node.value, ast.Name) and node.value.id in names
            if node.attr in _ATTRIBUTES or (of_sqlalchemy and node.attr in _FROM_SQLALCHEMY):
                yield node.attr


@pytest.mark.parametrize("path", MODULES, ids=shown)
def test_nothing_outside_the_store_escapes_the_realm_filter(path: Path) -> None:
    assert list(escapes(path.read_text())) == []


@pytest.mark.parametrize(
    "line",
    [
        "import sqlalchemy as sa\nsa.text('SELECT 1')",
        "from sqlalchemy import text\ntext('SELECT 1')",
        "import sqlalchemy as sa\nsa.select(UserRow.__table__)",
        "import sqlalchemy as sa\ndb.execute(sa.insert(UserRow), rows)",
        "from sqlalchemy.dialects.postgresql import insert",
        "from idp.store.base import table_of",
        "db.connection().exec_driver_sql('SELECT 1')",
        "db.bulk_insert_mappings(UserRow, rows)",
    ],
)
def test_the_rule_sees_an_escape(line: str) -> None:
    assert list(escapes(line))
