"""What a run would change among the groups that a directory owns."""

from collections.abc import Mapping

import sqlalchemy as sa

from idp.core.client_groups import groups_with_apps
from idp.core.group_roles import roles_by_group
from idp.core.policies import current_policy
from idp.core.policy_rollout import names_group
from idp.core.sync.change_rows import BATCH, Rows, Tally, change_row, last_key
from idp.core.sync.runs import Reading
from idp.core.sync.staging import GONE_GROUP, GROUP, REJECTED, SEEN_GROUP
from idp.core.work import UnitOfWork
from idp.store.directories import VANISHED, DirectoryGroupRow, DirectoryStageRow
from idp.store.groups import GroupRow

MOVED = "moved"
"""The reason of a change of a group that others list elsewhere than they did."""


def changed_groups(
    uow: UnitOfWork, reading: Reading, after: str, _tally: Tally
) -> tuple[Rows, str | None]:
    """Find groups that are new, or different, or lie somewhere else."""
    stage, known = DirectoryStageRow, DirectoryGroupRow
    query = (
        sa.select(
            stage.stable_id,
            stage.address_hash,
            stage.digest,
            stage.document,
            known.group_id,
            known.digest.label("digest_before"),
            known.address_hash.label("address_before"),
            GroupRow.name.label("name_before"),
        )
        .outerjoin(
            known,
            sa.and_(
                known.realm == stage.realm,
                known.connector == reading.name,
                known.stable_id == stage.stable_id,
            ),
        )
        .outerjoin(GroupRow, sa.and_(GroupRow.realm == known.realm, GroupRow.id == known.group_id))
        .where(
            stage.run_id == reading.run_id,
            stage.kind == GROUP,
            stage.stable_id > after,
            sa.or_(
                known.digest.is_(None),
                known.digest != stage.digest,
                known.address_hash != stage.address_hash,
            ),
        )
        .order_by(stage.stable_id)
        .limit(BATCH)
    )
    found = uow.db.execute(query).all()
    rows = [
        change_row(
            "group_create" if row.group_id is None else "group_update",
            row.stable_id,
            row.document["name"],
            subject_id=row.group_id,
            address_hash=row.address_hash,
            digest=row.digest,
            digest_before=row.digest_before,
            before={} if row.group_id is None else {"name": row.name_before},
            after=row.document,
            reason=None if row.address_before in (None, row.address_hash) else MOVED,
        )
        for row in found
    ]
    return rows, last_key(found)


def _groups_gone(
    uow: UnitOfWork, reading: Reading, after: str, condition: sa.ColumnElement[bool]
) -> tuple[Rows, str | None]:
    known = DirectoryGroupRow
    query = (
        sa.select(known.stable_id, known.group_id, known.digest, GroupRow.name, GroupRow.name_key)
        .join(GroupRow, sa.and_(GroupRow.realm == known.realm, GroupRow.id == known.group_id))
        .where(known.connector == reading.name, known.stable_id > after, condition)
        .order_by(known.stable_id)
        .limit(BATCH)
    )
    found = uow.db.execute(query).all()
    staying = still_named(uow, {r.group_id: r.name_key for r in found if r.digest == VANISHED})
    rows = [
        change_row("group_gone", r.stable_id, r.name, subject_id=r.group_id, digest_before=r.digest)
        for r in found
        if r.group_id not in staying
    ]
    return rows, last_key(found)


def still_named(uow: UnitOfWork, groups: Mapping[str, str]) -> set[str]:
    """Return which of these groups, ids with folded names, a policy, an app or a role names."""
    if not groups:
        return set()
    policy = current_policy(uow)
    in_policy = {group_id for group_id, key in groups.items() if names_group(policy, key)}
    return in_policy.union(groups_with_apps(uow) & groups.keys(), roles_by_group(uow, groups))


def named_gone_groups(
    uow: UnitOfWork, reading: Reading, after: str, _tally: Tally
) -> tuple[Rows, str | None]:
    """Find groups that left by name; with a complete list of those that stayed, also by it."""
    stays = _staged_groups(reading, SEEN_GROUP)
    if uow.db.scalar(stays.limit(1)) is not None:
        return missing_groups(uow, reading, after, _tally)
    named = _staged_groups(reading, GONE_GROUP)
    return _groups_gone(uow, reading, after, DirectoryGroupRow.stable_id.in_(named))


def missing_groups(
    uow: UnitOfWork, reading: Reading, after: str, _tally: Tally
) -> tuple[Rows, str | None]:
    """Find groups that a listing of all of them did not name."""
    named = _staged_groups(reading, GROUP, SEEN_GROUP, REJECTED)
    return _groups_gone(uow, reading, after, DirectoryGroupRow.stable_id.not_in(named))


def _staged_groups(reading: Reading, *kinds: str) -> sa.Select[str]:
    stage = DirectoryStageRow
    return sa.select(stage.stable_id).where(stage.run_id == reading.run_id, stage.kind.in_(kinds))
