"""When a run must not be applied by itself: it would take away more than a directory ever should.

A wrong base, a lost right to read or a restored server looks to us as if people had left. So what
a run would do is looked at before any of it is done, together with what was done in the last day:
small steps add up.
"""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

import sqlalchemy as sa

from idp.config import Connector
from idp.core.sync.change_rows import DONE
from idp.core.sync.differences import DOINGS
from idp.core.sync.group_losses import Loss, find_losses, loses_many, takes_last_owner
from idp.core.sync.runs import RunMode
from idp.core.work import UnitOfWork
from idp.store.directories import (
    VANISHED,
    DirectoryChangeRow,
    DirectoryGroupRow,
    DirectoryLinkRow,
    DirectoryRunRow,
)

WINDOW = timedelta(hours=24)
_ALWAYS_LET_THROUGH = 20
_GROUPS_LET_THROUGH = 5
_MOST_GROUPS_PERCENT = 20
_LEAST_SEEN_PERCENT = 80
_MOST_LOSING_PERCENT = 20
_MOST_RENAMED_PERCENT = 10
_MOST_REPLACED_PERCENT = 5
_TAKING = ("gone", "disable")


class Hold(StrEnum):
    """Why a run waits for an administrator."""

    NOTHING_SEEN = "nothing_seen"
    FEWER_SEEN = "fewer_seen"
    TOO_MANY_GONE = "too_many_gone"
    ATTRIBUTE_LOST = "attribute_lost"
    TOO_MANY_RENAMED = "too_many_renamed"
    IDS_REPLACED = "ids_replaced"
    LAST_OWNER = "last_owner"
    ROLE_LOST = "role_lost"
    APP_LOST = "app_lost"
    GROUPS_GONE = "groups_gone"
    UNREADABLE = "unreadable"


def find_holds(
    uow: UnitOfWork,
    run: DirectoryRunRow,
    counts: Mapping[str, int],
    connector: Connector,
    seen: int,
) -> list[str]:
    """Return why a run must not be applied by itself; nothing is the rule.

    Args:
        seen: how many accounts the last full run saw; 0 before the first.
    """
    active = count_active(uow, run.connector)
    taken = counts["gone"] + counts["disable"]
    earlier = _taken_lately(uow, run) if taken else 0
    share = connector.most_gone_percent * active // 100
    is_listing = run.mode != RunMode.INCREMENTAL
    losses = find_losses(uow, run) if any(counts[name] for name in DOINGS) else []
    held = {
        Hold.NOTHING_SEEN: is_listing and counts["seen"] == 0,
        Hold.FEWER_SEEN: is_listing and _are_fewer(counts["seen"], seen),
        Hold.TOO_MANY_GONE: taken > 0
        and taken + earlier > min(max(share, _ALWAYS_LET_THROUGH), connector.most_gone),
        Hold.ATTRIBUTE_LOST: _is_over(counts["lost_email"], active, _MOST_LOSING_PERCENT),
        Hold.TOO_MANY_RENAMED: _is_over(counts["renamed"], active, _MOST_RENAMED_PERCENT),
        Hold.IDS_REPLACED: _is_over(counts["replaced"], active, _MOST_REPLACED_PERCENT),
        Hold.GROUPS_GONE: is_listing and _lose_groups(uow, run, counts),
        Hold.UNREADABLE: counts["nameless"] > 0 and counts["gone"] > 0,
        Hold.ROLE_LOST: any(loss.roles and loses_many(loss) for loss in losses),
        Hold.APP_LOST: any(map(_loses_apps, losses)),
        Hold.LAST_OWNER: (taken > 0 or bool(losses)) and takes_last_owner(uow, run.id, losses),
    }
    return [hold.value for hold, is_so in held.items() if is_so]


def count_active(uow: UnitOfWork, name: str) -> int:
    """Return how many accounts of a directory may be used now, as far as it decides."""
    return (
        uow.db.scalar(
            sa.select(sa.func.count())
            .select_from(DirectoryLinkRow)
            .where(DirectoryLinkRow.connector == name, DirectoryLinkRow.is_disabled.is_(False))
        )
        or 0
    )


def _are_fewer(now: int, before: int) -> bool:
    is_noticeable = before - now > _ALWAYS_LET_THROUGH
    return is_noticeable and now * 100 < _LEAST_SEEN_PERCENT * before


def _is_over(count: int, active: int, percent: int) -> bool:
    return count > max(_ALWAYS_LET_THROUGH, percent * active // 100)


def _loses_apps(loss: Loss) -> bool:
    return loss.has_apps and loses_many(loss) and len(loss.leaving) > _ALWAYS_LET_THROUGH


def _lose_groups(uow: UnitOfWork, run: DirectoryRunRow, counts: Mapping[str, int]) -> bool:
    """Tell whether too many groups are missing that were there; not those that vanished earlier.

    Such a one goes as soon as nothing names it any more, which is no news of the directory's.
    """
    if not counts["group_gone"]:
        return False
    change, known = DirectoryChangeRow, DirectoryGroupRow
    leaving = sa.select(change.position).where(
        change.run_id == run.id, change.op == "group_gone", change.digest_before != VANISHED
    )
    present = sa.select(known.group_id).where(
        known.connector == run.connector, known.digest != VANISHED
    )
    gone, before = (
        uow.db.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0
        for query in (leaving, present)
    )
    most = max(_GROUPS_LET_THROUGH, _MOST_GROUPS_PERCENT * before // 100)
    return gone > most or (gone > 1 and counts["groups_seen"] == 0)


def _taken_lately(uow: UnitOfWork, run: DirectoryRunRow) -> int:
    """Return how many accounts were taken away since yesterday without an administrator's word."""
    query = sa.select(DirectoryRunRow.id, DirectoryRunRow.held_because).where(
        DirectoryRunRow.connector == run.connector,
        DirectoryRunRow.started_at > uow.now - WINDOW,
        DirectoryRunRow.id != run.id,
    )
    unasked = [run_id for run_id, held_because in uow.db.execute(query) if not held_because]
    taken = (
        sa.select(sa.func.count())
        .select_from(DirectoryChangeRow)
        .where(
            DirectoryChangeRow.run_id.in_(unasked),
            DirectoryChangeRow.op.in_(_TAKING),
            DirectoryChangeRow.outcome == DONE,
        )
    )
    return uow.db.scalar(taken) or 0
