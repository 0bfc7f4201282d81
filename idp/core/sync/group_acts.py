"""Changes of groups that a directory owns, applied. What policies call them by stays.

Such a group is known by the directory's id, so a renamed one keeps its members and its place. One
that vanished stays, empty, while a policy, an app or a role names it: it is the directory's still,
and the same again when it is back. Another one of its name takes its place, for the policy alone.
"""

from collections.abc import Collection

import sqlalchemy as sa

from idp.core.client_groups import forget_group, hold_clients, outdate_clients
from idp.core.events import Event, EventCode
from idp.core.group_roles import (
    end_lost_roles,
    forget_roles,
    hold_leaving,
    keep_last_owners,
    roles_by_group,
)
from idp.core.group_spellings import SEPARATORS, check_group_name
from idp.core.names import name_key
from idp.core.policies import current_policy
from idp.core.policy_rollout import names_group
from idp.core.sync.addresses import Applying, arrive, aside, follow, make_room
from idp.core.sync.change_rows import CHANGED, DONE
from idp.core.sync.group_changes import still_named
from idp.core.sync.staging import GROUP
from idp.core.work import UnitOfWork
from idp.errors import InvalidInput
from idp.store.directories import (
    VANISHED,
    DirectoryChangeRow,
    DirectoryGroupRow,
    DirectoryMemberRow,
    DirectoryStageRow,
)
from idp.store.directory_members import take_members
from idp.store.groups import GroupRow, MembershipRow

_BAD_NAME = "skipped:name_unusable"
_STILL_NAMED = "skipped:still_named"
_LAST_OWNER = "skipped:last_owner"
_LONGEST = 128


def hold_groups(
    uow: UnitOfWork, applying: Applying, changes: Collection[DirectoryChangeRow]
) -> None:
    """Keep groups that go, or become others, from getting apps or roles meanwhile.

    Apps first, then groups, then who is in them: in the order of whoever gives apps and roles.
    """
    ids = {change.subject_id for change in changes if change.subject_id is not None}
    gone = {change.subject_id for change in changes if change.op == "group_gone"}
    going = ids & gone
    if any(change.op == "group_create" for change in changes):
        vanished = sa.select(DirectoryGroupRow.group_id).where(
            DirectoryGroupRow.connector == applying.connector,
            DirectoryGroupRow.digest == VANISHED,
        )
        going.update(uow.db.scalars(vanished))
    hold_clients(uow, ids | going)
    held = sa.select(GroupRow.id).where(GroupRow.id.in_(going)).order_by(GroupRow.id)
    uow.db.execute(held.with_for_update()).all()


def create_group(uow: UnitOfWork, applying: Applying, change: DirectoryChangeRow) -> str:
    """Make a group of the directory's, with its direct members."""
    known = sa.select(DirectoryGroupRow.group_id).where(
        DirectoryGroupRow.connector == applying.connector,
        DirectoryGroupRow.stable_id == change.stable_id,
    )
    if uow.db.scalar(known) is not None:
        return CHANGED
    if (vanished := _find_vanished(uow, applying, change.after["name"])) is not None:
        return _take_over(uow, applying, change, vanished)
    name = _free_name(uow, applying, change.after["name"], own_id=None)
    if name is None:
        return _BAD_NAME
    make_room(uow, applying, [change.address_hash or ""])
    group = GroupRow(id=uow.new_id(), name=name, name_key=name_key(name), created_at=uow.now)
    uow.db.add(group)
    uow.db.flush()
    uow.db.add(
        DirectoryGroupRow(
            group_id=group.id,
            connector=applying.connector,
            stable_id=change.stable_id,
            address_hash=change.address_hash or "",
            digest=change.digest or "",
        )
    )
    change.subject_id = group.id
    _take_members(uow, applying, change.stable_id, group.id)
    _record(uow, EventCode.GROUP_CREATED, group)
    return DONE


def update_group(uow: UnitOfWork, applying: Applying, change: DirectoryChangeRow) -> str:
    """Bring a group up to what the directory says; one that policies name keeps its name."""
    known = _group_as_reviewed(uow, change)
    if known is None:
        return CHANGED
    group = uow.db.get_one(GroupRow, (uow.realm, known.group_id))
    name = _free_name(uow, applying, change.after["name"], own_id=group.id)
    if name is not None and name != group.name and not _is_in_policy(uow, group):
        group.name, group.name_key = name, name_key(name)
        outdate_clients(uow, group.id)
        _record(uow, EventCode.GROUP_CHANGED, group)
    elif known.digest == VANISHED:
        _record(uow, EventCode.GROUP_CHANGED, group, is_missing=False)
    if known.digest != change.digest:
        _take_members(uow, applying, change.stable_id, group.id)
    arrive(uow, applying, known.address_hash, change.address_hash or "")
    known.digest = change.digest or ""
    known.address_hash = change.address_hash or ""
    return DONE


def remove_group(uow: UnitOfWork, change: DirectoryChangeRow) -> str:
    """Remove a group that the directory has no more; one that is still named stays, empty.

    So does one, with its last owners, without whom nobody could administer.
    """
    known = _group_as_reviewed(uow, change, is_gone=True)
    if known is None:
        return CHANGED
    group = uow.db.get_one(GroupRow, (uow.realm, known.group_id))
    members = sa.select(MembershipRow.user_id).where(MembershipRow.group_id == group.id)
    leaving = hold_leaving(uow, group.id, members)
    for row in (MembershipRow, DirectoryMemberRow):
        uow.db.execute(
            sa.delete(row).where(row.group_id == group.id),
            execution_options={"synchronize_session": False},
        )
    is_needed = keep_last_owners(uow, leaving)
    end_lost_roles(uow, leaving)
    if is_needed:
        return _LAST_OWNER
    applying = Applying(known.connector, change.run_id)
    follow(uow, applying, {known.address_hash: aside(group.id)})  # whoever comes there is not it
    if still_named(uow, {group.id: group.name_key}):
        known.address_hash, known.digest = aside(group.id), VANISHED
        _record(uow, EventCode.GROUP_CHANGED, group, is_missing=True)
        return _STILL_NAMED
    uow.db.delete(known)
    uow.db.flush()
    uow.db.delete(group)
    _record(uow, EventCode.GROUP_REMOVED, group)
    return DONE


def _find_vanished(uow: UnitOfWork, applying: Applying, name: str) -> DirectoryGroupRow | None:
    """Return the group that this directory had by a name, and that nothing in it is now."""
    try:
        key = name_key(check_group_name(_plain(name)))
    except InvalidInput:
        return None
    known, stage = DirectoryGroupRow, DirectoryStageRow
    is_back = sa.exists().where(
        stage.realm == known.realm,
        stage.run_id == applying.run_id,
        stage.kind == GROUP,
        stage.stable_id == known.stable_id,
    )
    query = (
        sa.select(known)
        .join(GroupRow, sa.and_(GroupRow.realm == known.realm, GroupRow.id == known.group_id))
        .where(
            GroupRow.name_key == key,
            known.connector == applying.connector,
            known.digest == VANISHED,
            sa.not_(is_back),
        )
    )
    return uow.db.scalars(query.with_for_update(of=known)).one_or_none()


def _take_over(
    uow: UnitOfWork, applying: Applying, change: DirectoryChangeRow, known: DirectoryGroupRow
) -> str:
    """Have another group be one that vanished, but for what that one gave: it is by its id."""
    group = uow.db.get_one(GroupRow, (uow.realm, known.group_id))
    forget_roles(uow, group, roles_by_group(uow, [group.id]).get(group.id, ()))
    forget_group(uow, group)
    make_room(uow, applying, [change.address_hash or ""])
    known.stable_id = change.stable_id
    known.digest = change.digest or ""
    known.address_hash = change.address_hash or ""
    change.subject_id = group.id
    _take_members(uow, applying, change.stable_id, group.id)
    _record(uow, EventCode.GROUP_CHANGED, group)
    return DONE


def _group_as_reviewed(
    uow: UnitOfWork, change: DirectoryChangeRow, *, is_gone: bool = False
) -> DirectoryGroupRow | None:
    key = (uow.realm, change.subject_id or "")
    known = uow.db.get(DirectoryGroupRow, key, with_for_update=True, populate_existing=True)
    as_reviewed = (change.digest_before, "") if is_gone else (change.digest_before,)
    return known if known is not None and known.digest in as_reviewed else None


def _take_members(uow: UnitOfWork, applying: Applying, stable_id: str, group_id: str) -> None:
    uow.db.flush()
    take_members(uow.db.connection(), uow.realm, applying.run_id, stable_id, group_id)


def _free_name(uow: UnitOfWork, applying: Applying, name: str, *, own_id: str | None) -> str | None:
    """Return the name that a group of the directory's gets here; None when it cannot have one."""
    plain = _plain(name)
    for wanted in (plain, f"{plain[:100]} ({applying.connector})"):
        try:
            checked = check_group_name(wanted)
        except InvalidInput:
            return None
        query = sa.select(GroupRow.id).where(GroupRow.name_key == name_key(checked))
        if uow.db.scalar(query) in (None, own_id):
            return checked
    return None


def _plain(name: str) -> str:
    return "".join(" " if mark in SEPARATORS else mark for mark in name)[:_LONGEST]


def _is_in_policy(uow: UnitOfWork, group: GroupRow) -> bool:
    return names_group(current_policy(uow), group.name_key)


def _record(uow: UnitOfWork, code: EventCode, group: GroupRow, **params: object) -> None:
    uow.record(Event(code=code, subject_id=group.id, params={"name": group.name, **params}))
