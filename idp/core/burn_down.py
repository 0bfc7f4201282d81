"""The burn-down: how many users still had to change their password, over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from idp.core.policy_snapshots import PolicySnapshot, list_snapshots
from idp.core.work import UnitOfWork
from idp.ids import RealmName

MOST_DAYS = 400
"""As long as snapshots are kept."""

_MOST_SNAPSHOTS = MOST_DAYS * 24 * 4
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WIDTHS = tuple(timedelta(hours=hours) for hours in (1, 2, 3, 6, 12, 24, 48, 168, 336))


@dataclass(frozen=True, slots=True)
class BurnDown:
    """The snapshots of a realm in a span of time, oldest first."""

    realm: RealmName
    since: datetime
    until: datetime
    points: tuple[PolicySnapshot, ...]


def get_burn_down(uow: UnitOfWork, *, days: int) -> BurnDown:
    """Return the snapshots of the last days."""
    since = uow.now - timedelta(days=days)
    points = tuple(list_snapshots(uow, since=since, limit=_MOST_SNAPSHOTS))
    return BurnDown(uow.realm, since, uow.now, points)


def thin(points: Sequence[PolicySnapshot], most: int) -> list[PolicySnapshot]:
    """Return at most about `most` snapshots: the last one of each hour, day, … (UTC)."""
    if not points:
        return []
    span = points[-1].at - points[0].at
    width = next((width for width in _WIDTHS if span / width < most), _WIDTHS[-1])
    return list({(point.at - _EPOCH) // width: point for point in points}.values())
