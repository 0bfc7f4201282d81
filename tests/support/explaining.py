"""How a database would do what is asked of it: its steps, not how long they take."""

from collections.abc import Callable, Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

_EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN"}


def steps_of(connection: Connection, act: Callable[[], object]) -> list[str]:
    """Return the steps of all statements that something executes."""
    seen: list[tuple[str, Any]] = []

    def note(*call: Any) -> None:  # noqa: ANN401 - the arguments of the hook
        seen.append((call[2], call[3]))

    sa.event.listen(connection, "before_cursor_execute", note)
    try:
        act()
    finally:
        sa.event.remove(connection, "before_cursor_execute", note)
    explain = _EXPLAIN[connection.dialect.name]
    return [
        str(step[-1])
        for statement, bound in seen
        for step in connection.exec_driver_sql(f"{explain} {statement}", bound)
    ]


def compared_tables(steps: Iterable[str]) -> set[str]:
    """Return the tables each row of which PostgreSQL may look for in all that a query finds."""
    found: set[str] = set()
    table = ""
    for step in steps:
        if "Scan" in step:
            table = step.partition(" on ")[2].split()[0]
        elif "Filter:" in step and "SubPlan" in step:
            found.add(table)
    return found
