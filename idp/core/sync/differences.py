"""From what a run read to what it would change, written down in the order it would be done.

People who leave come first, so that their names are free; then those who change; then new ones.
"""

from functools import partial

import sqlalchemy as sa

from idp.core.sync import group_changes, people_changes, sightings
from idp.core.sync.change_rows import Finder, Tally, write_phase
from idp.core.sync.runs import Reading, RunMode
from idp.core.sync.staging import GROUP, SEEN, SEEN_GROUP, USER
from idp.core.work import UnitOfWork
from idp.store.directories import DirectoryStageRow

ACTS = (
    *("gone", "disable", "enable", "update", "create"),
    *("group_gone", "group_create", "group_update"),
)
"""The changes that do something; `conflict` and `rejected` only tell."""
DOINGS = (*ACTS, "moved")
"""Everything that applying a run does; when it is none of it, all is as it was."""
COUNTS = (
    *(*ACTS, "conflict", "rejected"),
    *("seen", "moved", "lost_email", "renamed", "replaced", "left_out"),
    *("groups_seen", "nameless", "returned"),
)
"""What is counted of a run."""


def write_differences(reading: Reading) -> dict[str, int]:
    """Write down what a run would change; return how many of each."""
    tally = Tally()
    with reading.runtime.begin(reading.realm, write=False) as uow:
        twins = people_changes.find_twins(uow, reading)
    is_listing = reading.mode is not RunMode.INCREMENTAL
    people, groups = people_changes, group_changes
    finders: tuple[Finder, ...] = (
        people.missing_people if is_listing else people.named_gone_people,
        people.changed_people,
        partial(people.new_people, twins),
        groups.missing_groups if is_listing else groups.named_gone_groups,
        groups.changed_groups,
        people.rejected_people,
    )
    for phase, find in enumerate(finders):
        write_phase(reading, phase, find, tally)
    with reading.runtime.begin(reading.realm, write=False) as uow:
        tally.counts["seen"] = _count_staged(uow, reading, USER, SEEN)
        tally.counts["groups_seen"] = _count_staged(uow, reading, GROUP, SEEN_GROUP)
        tally.counts["nameless"] = sightings.count_nameless(uow, reading)
        tally.counts["returned"] = sightings.count_returned(uow, reading)
        moved = sightings.moved_links(reading.run_id, reading.name).subquery()
        tally.counts["moved"] = uow.db.scalar(sa.select(sa.func.count()).select_from(moved)) or 0
    return {name: tally.counts[name] for name in COUNTS}


def _count_staged(uow: UnitOfWork, reading: Reading, *kinds: str) -> int:
    stage = DirectoryStageRow
    ids = sa.select(stage.stable_id).where(stage.run_id == reading.run_id, stage.kind.in_(kinds))
    return uow.db.scalar(sa.select(sa.func.count()).select_from(ids.distinct().subquery())) or 0
