"""Who would lose a role, or an app, by a run: worked out before any of it is done.

Groups that give roles, or that apps are for, are few, so each is looked through by itself: who is
listed in it, or in a group inside of it, as soon as the run is applied.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from idp.core.client_groups import groups_with_apps
from idp.core.group_roles import roles_by_group
from idp.core.roles import AdminRole, acting_owners
from idp.core.sync.sightings import same_entry
from idp.core.sync.staging import GROUP, NOTHING, SEEN, USER
from idp.core.work import UnitOfWork
from idp.store.directories import (
    DirectoryChangeRow,
    DirectoryGroupRow,
    DirectoryLinkRow,
    DirectoryMemberRow,
    DirectoryRunRow,
    DirectoryStageMemberRow,
    DirectoryStageRow,
)
from idp.store.groups import MembershipRow
from idp.store.roles import held_roles

_TAKING = ("gone", "disable")


@dataclass(frozen=True, slots=True)
class Loss:
    """A group that counts here, with who is in it and who of them would leave it.

    `roles` are what it gives; `has_apps`: some are for its members only.
    """

    group_id: str
    roles: tuple[str, ...]
    has_apps: bool
    members: int
    leaving: frozenset[str]


def find_losses(uow: UnitOfWork, run: DirectoryRunRow) -> list[Loss]:
    """Return what each group of a directory that counts here would lose by a run, if anything."""
    own = sa.select(DirectoryGroupRow.group_id, DirectoryGroupRow.stable_id).where(
        DirectoryGroupRow.connector == run.connector
    )
    roles, with_apps = roles_by_group(uow, None), groups_with_apps(uow)
    counting = with_apps.union(roles)
    if not counting:
        return []
    groups = uow.db.execute(own.where(DirectoryGroupRow.group_id.in_(counting))).all()
    gone = _gone_groups(uow, run)
    found = []
    for row in groups:
        members, leaving = _leaving(uow, run, row.group_id, _inside(uow, run, row.stable_id, gone))
        has_apps = row.group_id in with_apps
        if leaving:
            found.append(
                Loss(row.group_id, roles.get(row.group_id, ()), has_apps, members, leaving)
            )
    return found


def loses_many(loss: Loss) -> bool:
    """Tell whether a group would lose more than half of its members, or all."""
    return 2 * len(loss.leaving) > loss.members


def takes_last_owner(uow: UnitOfWork, run_id: str, losses: Iterable[Loss]) -> bool:
    """Tell whether a run would leave no owner who can act, where there is one now."""
    left = {
        (user_id, loss.group_id)
        for loss in losses
        if AdminRole.OWNER in loss.roles
        for user_id in loss.leaving
    }
    acting = set(uow.db.scalars(acting_owners(uow)))
    held = held_roles(uow.realm)
    ways = sa.select(held.c.user_id, held.c.group_id).where(held.c.role == AdminRole.OWNER.value)
    staying = {
        row.user_id
        for row in uow.db.execute(ways)
        if row.user_id in acting and (row.user_id, row.group_id) not in left
    }
    change = DirectoryChangeRow
    taken = sa.select(change.subject_id).where(
        change.run_id == run_id, change.op.in_(_TAKING), change.subject_id.in_(staying)
    )
    return bool(acting) and staying <= set(uow.db.scalars(taken))


def _gone_groups(uow: UnitOfWork, run: DirectoryRunRow) -> set[str]:
    change = DirectoryChangeRow
    query = sa.select(change.stable_id).where(change.run_id == run.id, change.op == "group_gone")
    return set(uow.db.scalars(query))


def _inside(
    uow: UnitOfWork, run: DirectoryRunRow, stable_id: str, gone: Collection[str]
) -> set[str]:
    """Return a group and all that would be inside of it; circles end where they began."""
    seen: set[str] = set()
    waiting = {stable_id} - set(gone)
    while waiting:
        seen |= waiting
        waiting = set(uow.db.scalars(_children(run, waiting))) - seen - set(gone)
    return seen


def _children(run: DirectoryRunRow, parents: Collection[str]) -> sa.CompoundSelect[str]:
    """Return the query for the groups that groups list as members, where each will lie."""
    known, stage = DirectoryGroupRow, DirectoryStageRow
    now, before = _listed_now(run, parents), _listed_before(run, parents)
    staged = _read_groups(run)
    here = sa.select(known.stable_id).where(known.connector == run.connector)
    return sa.union(
        staged.where(stage.address_hash.in_(now)),
        here.where(known.address_hash.in_(before)),
        here.where(known.stable_id.not_in(staged), known.address_hash.in_(now)),
    )


def _read_groups(run: DirectoryRunRow) -> sa.Select[str]:
    stage = DirectoryStageRow
    return sa.select(stage.stable_id).where(stage.run_id == run.id, stage.kind == GROUP)


def _listed_now(run: DirectoryRunRow, groups: Collection[str]) -> sa.CompoundSelect[str]:
    """Return the query for the addresses that groups list which the run read."""
    known, stage, read = DirectoryGroupRow, DirectoryStageRow, DirectoryStageMemberRow
    changed = (
        _read_groups(run)
        .outerjoin(
            known,
            sa.and_(
                known.realm == stage.realm,
                known.connector == run.connector,
                known.stable_id == stage.stable_id,
            ),
        )
        .where(sa.or_(known.digest.is_(None), known.digest != stage.digest))
    )
    of_changed = sa.select(read.address_hash).where(
        read.run_id == run.id, read.stable_id.in_(groups), read.stable_id.in_(changed)
    )
    of_same = _kept_lists(run, groups).where(
        known.stable_id.in_(_read_groups(run)), known.stable_id.not_in(changed)
    )
    return sa.union(of_changed, of_same)


def _listed_before(run: DirectoryRunRow, groups: Collection[str]) -> sa.Select[str]:
    """Return the query for the addresses before the run that other groups list."""
    return _kept_lists(run, groups).where(DirectoryGroupRow.stable_id.not_in(_read_groups(run)))


def _kept_lists(run: DirectoryRunRow, groups: Collection[str]) -> sa.Select[str]:
    member, known = DirectoryMemberRow, DirectoryGroupRow
    return (
        sa.select(member.address_hash)
        .join(known, sa.and_(known.realm == member.realm, known.group_id == member.group_id))
        .where(known.connector == run.connector, known.stable_id.in_(groups))
    )


def _leaving(
    uow: UnitOfWork, run: DirectoryRunRow, group_id: str, inside: Collection[str]
) -> tuple[int, frozenset[str]]:
    """Return how many are in a group, and who would not be: listed nowhere inside of it, or gone.

    A group that the run read lists where people will lie, another one where they lay before.
    """
    change = DirectoryChangeRow
    present = sa.select(MembershipRow.user_id).where(MembershipRow.group_id == group_id)
    gone = sa.select(change.subject_id).where(
        change.run_id == run.id, change.op == "gone", change.subject_id.is_not(None)
    )
    unlisted = present.where(*(~stays.exists() for stays in _staying(run, inside)))
    leaving = uow.db.scalars(sa.union(present.where(MembershipRow.user_id.in_(gone)), unlisted))
    members = uow.db.scalar(sa.select(sa.func.count()).select_from(present.subquery()))
    return members or 0, frozenset(leaving)


def _staying(run: DirectoryRunRow, inside: Collection[str]) -> Iterator[sa.Select[str]]:
    """Yield the queries by which the user of a membership may be listed inside of a group.

    Each by itself, and none with "in" or "not in" beside "or": PostgreSQL would compare each of
    many members with everybody who is listed.
    """
    link, stage = DirectoryLinkRow, DirectoryStageRow
    now, before = _listed_now(run, inside), _listed_before(run, inside)
    own = sa.select(link.user_id).where(
        link.connector == run.connector, link.user_id == MembershipRow.user_id
    )
    seen = sa.and_(
        same_entry(),
        stage.run_id == run.id,
        stage.kind.in_((USER, SEEN)),
        stage.address_hash != NOTHING,
    )
    yield own.where(link.address_hash.in_(before))
    yield own.join(stage, seen).where(stage.address_hash.in_(now))
    yield own.where(link.address_hash.in_(now), ~sa.exists().where(seen))
