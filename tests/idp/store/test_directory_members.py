"""Who is in a directory's groups is worked out from what they list, not from everybody there is."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from idp.store.directory_members import settle_members
from tests.support.world import STAFF, World, open_world


def test_no_group_is_settled_by_reading_everybody(sqlite_url: str) -> None:
    with (
        open_world(sqlite_url) as world,
        world.runtime.database.connection(write=True) as connection,
    ):
        steps = _steps(world, connection)

    assert {table for table, _ in steps} == {
        *("credentials", "directory_links"),
        *("directory_members", "memberships"),
    }
    of_people = [step for table, step in steps if table == "directory_links"]
    assert [step for step in of_people if "AND address_hash=?" not in step] == []


def _steps(world: World, connection: Connection) -> list[tuple[str, str]]:
    """Return how SQLite would go through which table, in each statement of settling a group."""
    seen: list[tuple[str, Any]] = []

    def note(*call: Any) -> None:  # noqa: ANN401 - the arguments of the hook
        seen.append((call[2], call[3]))

    engine = world.runtime.database.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        settle_members(connection, STAFF, "corp", "group-1", ["group-1", "group-2"])
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
    plans = [
        step[-1].split()
        for statement, bound in seen
        for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", bound)
    ]
    return [(words[1], " ".join(words)) for words in plans if words[0] in ("SEARCH", "SCAN")]
