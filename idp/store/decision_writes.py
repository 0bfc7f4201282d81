"""The one write of a decision: a new row, or one more time on the row of the same day."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from idp.store.base import connection_of, table_of
from idp.store.decisions import DecisionRow

_decision = table_of(DecisionRow)
_KEY = [_decision.c.realm, _decision.c.key_hash]
_AGAIN = {"count": _decision.c.count + 1}


def _insert(make: Any) -> sa.Executable:  # noqa: ANN401 - the insert of a dialect
    insert = make(_decision)
    again = _AGAIN | {"last_at": insert.excluded.last_at}
    statement: sa.Executable = insert.on_conflict_do_update(index_elements=_KEY, set_=again)
    return statement


_WRITES = {"sqlite": _insert(sqlite.insert), "postgresql": _insert(postgresql.insert)}


def add_or_count(db: Session, columns: Mapping[str, object]) -> None:
    """Write a decision (columns of `DecisionRow`), or count it when it is there already."""
    connection = connection_of(db)
    connection.execute(_WRITES[connection.dialect.name], columns)
