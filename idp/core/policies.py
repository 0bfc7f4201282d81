"""A realm's password policy as it stands for somebody, read through a cache that never goes stale.

What a user is asked depends on the groups that the policy has rules for; a password keeps the
version *and* the groups that it was judged by (its stamp), so joining a stricter group marks it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from idp.core.names import name_key
from idp.core.work import UnitOfWork
from idp.errors import Unavailable
from idp.ids import RealmName, UserId
from idp.store.groups import GroupRow, MembershipRow
from idp.store.policies import PolicyVersionRow
from idp.store.realms import RealmRow
from policy.combining import for_groups, group_keys
from policy.engine import aging_version, marking_version
from policy.model import Enforcement, PolicyVersion
from policy.parse import PolicyError, parse

NO_GROUPS: frozenset[str] = frozenset()
_SEPARATOR = "\n"


@dataclass(frozen=True, slots=True)
class Stamp:
    """Which version of the policy judged a password, and by the rules of which groups.

    `version` is 0 when none did; `groups` are folded names, one a line, sorted.
    """

    version: int
    groups: str = ""


@dataclass(frozen=True, slots=True)
class Beginnings:
    """The versions since which a password is marked, and since which it ages as it does now."""

    marked_by: PolicyVersion | None
    aged_by: PolicyVersion | None


FindBeginnings = Callable[[UnitOfWork, Stamp, PolicyVersion, frozenset[str]], Beginnings]
"""Says since when a policy asks what it asks of a password; see `beginnings`."""


def default_enforcement(realm: RealmName) -> Enforcement:
    """Return the enforcement of a document that names none (CONTRACT 5)."""
    return Enforcement.NEVER if realm == "portal" else Enforcement.EVERYONE


def policy_version(uow: UnitOfWork, number: int) -> PolicyVersion:
    """Return an immutable policy version of this realm.

    Raises:
        Unavailable: the version is missing or unreadable; nothing is let out on a guess (Y-11).
    """
    return uow.runtime.policies.get((uow.realm, number), lambda: _load(uow, number))


def current_policy(uow: UnitOfWork) -> PolicyVersion:
    """Return the version in force in this unit of work, the rules of groups apart."""
    realm = uow.db.get(RealmRow, uow.realm)
    if realm is None:
        raise Unavailable("realm.missing", detail=uow.realm)
    return policy_version(uow, realm.policy_version)


def policy_for_user(uow: UnitOfWork, user_id: UserId | None) -> PolicyVersion:
    """Return the policy in force as it stands for a user; reads the groups only if they count."""
    policy = current_policy(uow)
    return for_groups(policy, _keys_of(uow, user_id)) if policy.groups else policy


def policy_for_members(uow: UnitOfWork, names: Iterable[str]) -> PolicyVersion:
    """Return the policy in force as it stands for somebody new in the groups of these names."""
    policy = current_policy(uow)
    return for_groups(policy, frozenset(map(name_key, names))) if policy.groups else policy


def strictest_policy(uow: UnitOfWork) -> PolicyVersion:
    """Return the policy in force as it stands for a member of all the groups it names."""
    policy = current_policy(uow)
    return for_groups(policy, group_keys(policy))


def stamp_of(policy: PolicyVersion) -> Stamp:
    """Return what a password keeps that `policy`, as it stands for its user, has accepted."""
    return Stamp(policy.number, _SEPARATOR.join(sorted(policy.of_groups)))


def judging_policy(uow: UnitOfWork, stamp: Stamp) -> PolicyVersion | None:
    """Return the policy that gave a stamp, as it stood for the user then; None if none did."""
    if not stamp.version:
        return None
    return for_groups(policy_version(uow, stamp.version), split_keys(stamp.groups))


def split_keys(text: str | None) -> frozenset[str]:
    """Return the folded names in a text that has one a line."""
    return frozenset(text.split(_SEPARATOR)) if text else NO_GROUPS


def beginnings(
    uow: UnitOfWork, stamp: Stamp, policy: PolicyVersion, groups: frozenset[str]
) -> Beginnings:
    """Return since when the policy in force asks what it asks of a password; reads are cached.

    Args:
        policy: as it stands for the user. groups: the folded names of all the user's groups.
    """
    named = groups & named_groups(uow, policy.number) if groups else groups
    key = (uow.realm, stamp, policy.number, named)
    return uow.runtime.beginnings.get(key, lambda: find_beginnings(uow, stamp, policy, named))


def find_beginnings(
    uow: UnitOfWork, stamp: Stamp, policy: PolicyVersion, groups: frozenset[str]
) -> Beginnings:
    """Return what `beginnings` does, also of a policy that is not published; remembers nothing."""
    before = range(1, policy.number)
    history = [*(for_groups(policy_version(uow, number), groups) for number in before), policy]
    later = history[stamp.version :]
    marked_by = marking_version(judging_policy(uow, stamp), later) if later else None
    return Beginnings(marked_by, aging_version(history))


def named_groups(uow: UnitOfWork, number: int) -> frozenset[str]:
    """Return the folded names of all groups that the versions up to `number` have rules for."""
    versions = (policy_version(uow, one) for one in range(1, number + 1))
    key = (uow.realm, number)
    return uow.runtime.beginnings.get(key, lambda: NO_GROUPS.union(*map(group_keys, versions)))


def _keys_of(uow: UnitOfWork, user_id: UserId | None) -> frozenset[str]:
    query = (
        sa.select(GroupRow.name_key)
        .join(
            MembershipRow,
            sa.and_(MembershipRow.realm == GroupRow.realm, MembershipRow.group_id == GroupRow.id),
        )
        .where(MembershipRow.user_id == (user_id or ""))
    )
    return frozenset(uow.db.scalars(query))


def _load(uow: UnitOfWork, number: int) -> PolicyVersion:
    row = uow.db.get(PolicyVersionRow, (uow.realm, number))
    if row is None:
        raise Unavailable("policy.missing", detail=f"version {number} of {uow.realm}")
    try:
        return parse(
            row.document,
            number=number,
            default_enforcement=default_enforcement(uow.realm),
            published_at=row.created_at,
            rules=uow.runtime.rules,
        )
    except PolicyError as error:
        raise Unavailable("policy.unreadable", detail=str(error)) from error
