"""What a run read, written down: as a whole statement, for it is as much as the directory is.

A Core statement over a table, so it binds the realm itself.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from idp.store.base import connection_of, run, table_of
from idp.store.directories import DirectoryStageRow

_stage = table_of(DirectoryStageRow)
_NAMES = [column.name for column in _stage.columns]
_KEY = [column.name for column in _stage.primary_key.columns]
_ROWS = "rows"


def write_staged(
    db: Session, realm: str, run_id: str, rows: Sequence[Mapping[str, object]]
) -> None:
    """Write rows of a run, each with all columns; one that is there already is replaced.

    No two of them may be of the same kind and id.
    """
    if not rows:
        return
    whole = [{**row, "realm": realm, "run_id": run_id} for row in rows]
    if connection_of(db).dialect.name == "sqlite":
        run(db, _INSERT_EACH, whole)
    else:
        run(db, _INSERT_ALL, {_ROWS: whole})


def _replacing(insert: Any) -> Any:  # noqa: ANN401 - both dialects have an insert of their own
    """Return an insertion that replaces what is there."""
    again = {name: insert.excluded[name] for name in _NAMES if name not in _KEY}
    return insert.on_conflict_do_update(index_elements=_KEY, set_=again)


def _insert_all() -> Any:  # noqa: ANN401
    """Return one statement for many rows: PostgreSQL takes them as one document much faster."""
    columns = [sa.column(column.name, column.type) for column in _stage.columns]
    document = sa.bindparam(_ROWS, type_=sa.JSON)
    staged = sa.func.json_to_recordset(document).table_valued(*columns, name="staged")
    found = sa.select(staged.render_derived(with_types=True))
    return _replacing(postgresql.insert(_stage).from_select(_NAMES, found))


_INSERT_EACH = _replacing(sqlite.insert(_stage))
_INSERT_ALL = _insert_all()
