"""What a run read, written down: as a whole statement, for it is as much as the directory is.

A Core statement over a table, so it binds the realm itself.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from idp.store.base import connection_of, run, table_of
from idp.store.directories import DirectoryStageRow

_stage = table_of(DirectoryStageRow)
_KEY = tuple(_stage.primary_key.columns.keys())
_INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def write_staged(
    db: Session, realm: str, run_id: str, rows: Sequence[Mapping[str, object]]
) -> None:
    """Write rows of a run, all with the same columns; one that is there already is replaced."""
    if not rows:
        return
    insert = _INSERT[connection_of(db).dialect.name](_stage)
    again = {name: insert.excluded[name] for name in rows[0] if name not in _KEY}
    statement = insert.on_conflict_do_update(index_elements=_KEY, set_=again)
    run(db, statement, [{**row, "realm": realm, "run_id": run_id} for row in rows])
