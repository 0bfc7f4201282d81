"""How a change of a run is written down, a batch at a time."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from idp.core.sync.runs import Reading, keep_alive
from idp.core.work import UnitOfWork
from idp.store.directories import DirectoryChangeRow

BATCH = 1000
_PHASE = 100_000_000

DONE = "done"
CHANGED = "skipped:changed_meanwhile"
"""Outcomes of a change; more are where they come from."""

Rows = list[dict[str, object]]


@dataclass(slots=True)
class Tally:
    """How many of each there are, and how far each phase got."""

    counts: Counter[str] = field(default_factory=Counter)
    positions: Counter[int] = field(default_factory=Counter)


Finder = Callable[[UnitOfWork, Reading, str, Tally], tuple[Rows, str | None]]
"""Finds the changes after a key: a batch of rows, and the last key, or None at the end."""


def write_phase(reading: Reading, phase: int, find: Finder, tally: Tally) -> None:
    """Write down all that `find` finds; a later phase is applied after an earlier one."""
    after: str | None = ""
    while after is not None:
        with reading.runtime.begin(reading.realm) as uow:
            keep_alive(uow, reading)
            rows, after = find(uow, reading, after, tally)
            for row in rows:
                tally.positions[phase] += 1
                tally.counts[str(row["op"])] += 1
                position = phase * _PHASE + tally.positions[phase]
                uow.db.append(DirectoryChangeRow, run_id=reading.run_id, position=position, **row)


def change_row(op: str, stable_id: str, name: str, **more: Any) -> dict[str, object]:  # noqa: ANN401 - columns
    """Return the columns of a change; `more` are those that are not empty."""
    empty: dict[str, object] = {
        "subject_id": None,
        "address_hash": None,
        "digest": None,
        "digest_before": None,
        "before": {},
        "after": {},
        "reason": None,
    }
    return {**empty, "op": op, "stable_id": stable_id, "name": name[:256], **more}


def last_key(rows: Sequence[sa.Row[*tuple[Any, ...]]]) -> str | None:
    """Return where the next batch begins; None when this one was the last."""
    return rows[-1].stable_id if len(rows) == BATCH else None
