"""What PostgreSQL's planner knows of a table that was just filled."""

from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.engine import Connection

from idp.store.base import Base

MANY = 1000
"""From how many new rows on it is worth telling PostgreSQL's planner of them."""


def refresh_statistics(connection: Connection, tables: Iterable[type[Base]]) -> None:
    """Tell PostgreSQL's planner how much there is now; its own look comes minutes too late.

    Without it even the look whether a new password has its user reads all users of the realm.
    """
    if connection.dialect.name != "postgresql":
        return
    for row in tables:
        connection.execute(text(f"ANALYZE {row.__tablename__}"))
