"""Whether a policy can be rolled out as it says: its groups exist, its waves end in time."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil

import sqlalchemy as sa

from idp.core.names import name_key
from idp.core.work import UnitOfWork
from idp.errors import InvalidInput
from idp.store.groups import GroupRow
from idp.store.realms import RealmRow
from policy.model import PolicyVersion, Waves, nearest, write_duration

Cohorts = Mapping[tuple[datetime, datetime], int]
"""How many users a wave has to ask between one moment and another."""

_HOUR = timedelta(hours=1)
_LONG = timedelta(days=36_500)
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """A wave that is too slow.

    Attributes:
        needed: users that it has to ask. capacity: users that it can ask until then.
        per_hour, deadline: either of them would do.
    """

    needed: int
    capacity: int
    per_hour: int
    deadline: timedelta


def require_groups(uow: UnitOfWork, policy: PolicyVersion) -> None:
    """Return when every group that a policy names is there.

    Raises:
        InvalidInput: `policy.group_not_found`, with the path in the document and what was meant.
    """
    query = sa.select(GroupRow.name_key, GroupRow.name)
    names = {row.name_key: row.name for row in uow.db.execute(query)}
    for path, name in _named(policy):
        if name_key(name) not in names:
            reason = nearest(name, names.values()) if names else "this realm has no groups"
            raise InvalidInput("policy.group_not_found", path=path, name=name, reason=reason)


def require_pace(waves: Waves, cohorts: Cohorts, now: datetime) -> None:
    """Return when a wave finds everybody a place before its deadline.

    Raises:
        InvalidInput: `policy.waves_too_slow`, with what would do.
    """
    short = find_shortage(waves, cohorts, now)
    if short is None:
        return
    raise InvalidInput(
        "policy.waves_too_slow",
        path="waves",
        needed=short.needed,
        capacity=short.capacity,
        per_hour=short.per_hour,
        deadline=write_duration(short.deadline),
    )


def find_shortage(waves: Waves, cohorts: Cohorts, now: datetime) -> Shortage | None:
    """Return by how much a wave misses the first deadline that it cannot meet; None if none.

    Quiet hours count with their part of the day.
    """
    if waves.per_hour is None:
        return None
    per_hour = _average_per_hour(waves)
    needed, opens = 0, None
    for (begin, end), users in sorted(cohorts.items(), key=lambda each: each[0][1]):
        needed += users
        opens = max(begin if opens is None else min(opens, begin), now)
        room = per_hour * ((end - opens) / _HOUR)
        if needed > room + _ROUNDING:
            more = timedelta(hours=ceil((needed - room) / per_hour))
            return Shortage(
                needed=needed,
                capacity=int(room),
                per_hour=ceil(waves.per_hour * needed / room),
                deadline=waves.deadline + more,
            )
    return None


def hold_policy(uow: UnitOfWork) -> None:
    """Keep others from publishing a policy, or removing a group it names, until this unit ends."""
    uow.db.get_one(RealmRow, uow.realm, with_for_update={"key_share": True})


def names_group(policy: PolicyVersion, key: str) -> bool:
    """Tell whether a policy names the group of this folded name."""
    return any(name_key(name) == key for _, name in _named(policy))


def _named(policy: PolicyVersion) -> list[tuple[str, str]]:
    """Return the groups that a policy names, each with its path in the document."""
    staged = () if policy.waves is None else sorted(policy.waves.groups)
    return [
        *((f"groups.{group.name}", group.name) for group in policy.groups),
        *(("waves.groups", key) for key in staged),
    ]


def _average_per_hour(waves: Waves) -> float:
    """Return how many users are asked in an hour, quiet ones included."""
    return (replace(waves, deadline=_LONG).capacity() or 0) / (_LONG / _HOUR)
