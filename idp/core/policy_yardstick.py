"""What everybody of a realm is measured by: the policy in force, or one that is planned."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import sqlalchemy as sa

from idp.core.policies import (
    NO_GROUPS,
    Beginnings,
    Stamp,
    beginnings,
    current_policy,
    find_beginnings,
    named_groups,
)
from idp.core.work import UnitOfWork
from idp.store.groups import GroupRow
from policy.combining import group_keys
from policy.model import PolicyVersion


class GroupName(NamedTuple):
    """A group's folded name, by which groups are ordered, and its name."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What everybody of a realm is measured by in one unit of work.

    Attributes:
        policy: the realm's, the rules of groups apart: the one in force, or a planned one.
        keys: the folded names of the groups that this version or one before it asks for.
        groups: every group of the realm, by id.
        is_published: the policy is in force; what is found out about it may be kept.
    """

    policy: PolicyVersion
    keys: frozenset[str]
    groups: Mapping[str, GroupName]
    is_published: bool
    _begun: dict[tuple[Stamp, frozenset[str]], Beginnings] = field(
        default_factory=dict, compare=False, repr=False
    )

    def find_beginnings(
        self, uow: UnitOfWork, stamp: Stamp, policy: PolicyVersion, groups: frozenset[str]
    ) -> Beginnings:
        """Return `policies.beginnings`, looked up once for all who have the same ones.

        Nothing is kept beyond this unit of a policy that is not published.
        """
        found = self._begun.get((stamp, groups))
        if found is None:
            find = beginnings if self.is_published else find_beginnings
            found = self._begun[stamp, groups] = find(uow, stamp, policy, groups)
        return found


def planned(uow: UnitOfWork, policy: PolicyVersion) -> PolicyVersion:
    """Return a policy as the version that it would be if it were published at this moment."""
    return replace(policy, number=current_policy(uow).number + 1, published_at=uow.now)


def yardstick(uow: UnitOfWork, policy: PolicyVersion | None = None) -> Yardstick:
    """Return what the users of this realm are measured by.

    Args:
        policy: the realm's next version, as of `planned`; None for the one in force.
    """
    current = current_policy(uow)
    measured = current if policy is None else policy
    query = sa.select(GroupRow.id, GroupRow.name, GroupRow.name_key)
    return Yardstick(
        policy=measured,
        keys=named_groups(uow, measured.number - 1).union(
            group_keys(measured), NO_GROUPS if measured.waves is None else measured.waves.groups
        ),
        groups={row.id: GroupName(row.name_key, row.name) for row in uow.db.execute(query)},
        is_published=measured.number <= current.number,
    )
