"""Who would lose a role of this server's by a run: worked out before any of it is done.

Groups that give roles are few, so each is looked through by itself: who is listed in it, or in a
group inside of it, as soon as the run is applied.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from idp.core.group_roles import roles_by_group
from idp.core.roles import AdminRole, acting_owners
from idp.core.sync.staging import GROUP, SEEN, USER
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
    """A group that gives roles, with who is in it and who of them would leave it."""

    group_id: str
    roles: tuple[str, ...]
    members: int
    leaving: frozenset[str]


def find_losses(uow: UnitOfWork, run: DirectoryRunRow) -> list[Loss]:
    """Return what each group of a directory that gives roles would lose by a run, if anything."""
    own = sa.select(DirectoryGroupRow.group_id, DirectoryGroupRow.stable_id).where(
        DirectoryGroupRow.connector == run.connector
    )
    roles = roles_by_group(uow, None)
    if not roles:
        return []
    groups = uow.db.execute(own.where(DirectoryGroupRow.group_id.in_(list(roles)))).all()
    gone = _gone_groups(uow, run)
    found = [
        _loss(uow, run, row.group_id, roles[row.group_id], _inside(uow, run, row.stable_id, gone))
        for row in groups
    ]
    return [loss for loss in found if loss.leaving]


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
    listed = _listed(run, parents)
    staged = sa.select(stage.stable_id).where(stage.run_id == run.id, stage.kind == GROUP)
    here = sa.select(known.stable_id).where(
        known.connector == run.connector,
        known.stable_id.not_in(staged),
        known.address_hash.in_(listed),
    )
    return sa.union(staged.where(stage.address_hash.in_(listed)), here)


def _listed(run: DirectoryRunRow, groups: Collection[str]) -> sa.CompoundSelect[str]:
    """Return the query for the addresses that groups list: as read, where they are different."""
    known, stage, read = DirectoryGroupRow, DirectoryStageRow, DirectoryStageMemberRow
    changed = (
        sa.select(stage.stable_id)
        .outerjoin(
            known,
            sa.and_(
                known.realm == stage.realm,
                known.connector == run.connector,
                known.stable_id == stage.stable_id,
            ),
        )
        .where(
            stage.run_id == run.id,
            stage.kind == GROUP,
            sa.or_(known.digest.is_(None), known.digest != stage.digest),
        )
    )
    of_changed = sa.select(read.address_hash).where(
        read.run_id == run.id, read.stable_id.in_(groups), read.stable_id.in_(changed)
    )
    of_others = (
        sa.select(DirectoryMemberRow.address_hash)
        .join(
            known,
            sa.and_(
                known.realm == DirectoryMemberRow.realm,
                known.group_id == DirectoryMemberRow.group_id,
            ),
        )
        .where(
            known.connector == run.connector,
            known.stable_id.in_(groups),
            known.stable_id.not_in(changed),
        )
    )
    return sa.union(of_changed, of_others)


def _loss(
    uow: UnitOfWork,
    run: DirectoryRunRow,
    group_id: str,
    roles: tuple[str, ...],
    inside: Collection[str],
) -> Loss:
    """Return who is in a group, and who would not be: listed nowhere inside of it, or gone.

    Somebody who moves is in it by either address: a group may list the old or the new one.
    """
    link, stage, change = DirectoryLinkRow, DirectoryStageRow, DirectoryChangeRow
    listed = _listed(run, inside)
    moved = sa.select(stage.stable_id).where(
        stage.run_id == run.id, stage.kind.in_((USER, SEEN)), stage.address_hash.in_(listed)
    )
    going = sa.select(change.subject_id).where(change.run_id == run.id, change.op == "gone")
    staying = sa.select(link.user_id).where(
        link.connector == run.connector,
        sa.or_(link.address_hash.in_(listed), link.stable_id.in_(moved)),
        link.user_id.not_in(going),
    )
    present = sa.select(MembershipRow.user_id).where(MembershipRow.group_id == group_id)
    leaving = uow.db.scalars(present.where(MembershipRow.user_id.not_in(staying)))
    members = uow.db.scalar(sa.select(sa.func.count()).select_from(present.subquery()))
    return Loss(group_id, roles, members or 0, frozenset(leaving))
