"""Groups: named sets of users, and the list of names on each user."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from idp.core import directory_groups, group_roles
from idp.core.client_groups import outdate_clients, refuse_in_clients
from idp.core.events import Event, EventCode
from idp.core.group_names import find_group_ids
from idp.core.group_spellings import check_description, check_group_name
from idp.core.names import find_key, name_key
from idp.core.policies import current_policy, policy_version
from idp.core.policy_rollout import hold_policy, names_group
from idp.core.uniqueness import one_of_a_kind
from idp.core.work import UnitOfWork
from idp.errors import Conflict, NotFound
from idp.ids import UserId
from idp.store.groups import GroupRow, MembershipRow
from idp.store.standings import memberships_of
from idp.store.users import CredentialRow, UserRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group, how many users are in it, the administrator roles it gives them, and whose it is."""

    id: str
    name: str
    description: str | None
    members: int
    roles: tuple[str, ...]
    directory: directory_groups.GroupDirectory | None
    created_at: datetime


def list_groups(uow: UnitOfWork) -> list[Group]:
    """Return every group of the realm, by name."""
    return _groups(uow)


def get_group(uow: UnitOfWork, name: str) -> Group:
    """Return the group of that name or id.

    Raises:
        NotFound: `group.not_found`.
    """
    return _groups(uow, _get_row(uow, name).id)[0]


def create_group(uow: UnitOfWork, name: str, *, description: str | None = None) -> Group:
    """Make a group without members.

    Raises:
        InvalidInput: `group.invalid`, with the `field` and the `reason`.
        Conflict: `group.name_taken`.
    """
    row = _new_row(uow, name, description)
    with one_of_a_kind("group.name_taken", name=row.name):
        uow.db.add(row)
        uow.db.flush()
    _record(uow, EventCode.GROUP_CREATED, row)
    return _groups(uow, row.id)[0]


def update_group(
    uow: UnitOfWork,
    name: str,
    *,
    new_name: str | None = None,
    description: str | None = None,
    add: Iterable[UserId] = (),
    remove: Iterable[UserId] = (),
) -> Group:
    """Rename or describe a group, or change who is in it; None leaves a member as it is.

    An empty description takes it away. Users who are already in, or already out, stay so.

    Raises:
        NotFound: `group.not_found`, `user.not_found`.
        InvalidInput: `group.invalid`.
        Conflict: `group.name_taken`; `group.in_policy`, when the policy knows it by its old name;
            `group.directory_owned`; `admin.last_owner`.
        Forbidden: `admin.group_gives_role`.
    """
    row = _get_row(uow, name)
    directory_groups.refuse_directory_groups(uow, [row.id])
    group_roles.require_right_to_roles(uow, [row.id])
    if new_name is not None and name_key(check_group_name(new_name)) != row.name_key:
        _refuse_in_policy(uow, row.name_key)
    changed = _rename(row, new_name, description)
    if changed:
        with one_of_a_kind("group.name_taken", name=row.name):
            uow.db.flush()
        outdate_clients(uow, row.id)
    joined, left = _join(uow, row.id, set(add)), _leave(uow, row.id, set(remove))
    if changed or joined or left:
        _record(uow, EventCode.GROUP_CHANGED, row, added=joined, removed=left)
    return _groups(uow, row.id)[0]


def remove_group(uow: UnitOfWork, name: str) -> None:
    """Remove a group; its users stay.

    Raises:
        NotFound: `group.not_found`.
        Conflict: `group.in_use`, when somebody joins it at this moment; `group.in_client`;
            `group.in_policy`, for that in force or one from which a grace may still run;
            `group.directory_owned`; `admin.last_owner`.
        Forbidden: `admin.group_gives_role`.
    """
    row = _get_row(uow, name)
    directory_groups.refuse_directory_groups(uow, [row.id])
    _refuse_in_policy(uow, row.name_key)
    refuse_in_clients(uow, row)
    members = sa.select(MembershipRow.user_id).where(MembershipRow.group_id == row.id)
    leaving = group_roles.hold_leaving(uow, row.id, members)
    _forget_refusals(uow, members)
    uow.db.execute(sa.delete(MembershipRow).where(MembershipRow.group_id == row.id))
    group_roles.end_lost_roles(uow, leaving)
    group_roles.forget_roles(uow, row, leaving.roles)
    with one_of_a_kind("group.in_use", name=row.name):
        uow.db.execute(sa.delete(GroupRow).where(GroupRow.id == row.id))
    _record(uow, EventCode.GROUP_REMOVED, row)


def group_names(uow: UnitOfWork, user_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the names of the groups of each of these users that is in any; two SELECTs."""
    found = memberships_of(uow.db, uow.realm, list(user_ids))
    query = (
        sa.select(GroupRow.id, GroupRow.name)
        .where(GroupRow.id.in_({one.group_id for one in found}))
        .order_by(GroupRow.name_key)
    )
    members: dict[str, list[str]] = {}
    for one in found:
        members.setdefault(one.group_id, []).append(one.user_id)
    names: dict[str, tuple[str, ...]] = {}
    for group_id, name in uow.db.execute(query) if found else ():
        for user_id in members[group_id]:
            names[user_id] = (*names.get(user_id, ()), name)
    return names


def set_groups(uow: UnitOfWork, user_id: UserId, names: Iterable[str]) -> bool:
    """Make these the groups of a user, beside those that a directory put the user in.

    Tells whether that changed anything.

    Raises:
        NotFound: `group.not_found`, with the `name` that no group has.
        Conflict: `group.directory_owned`: only its directory puts users into that group;
            `admin.last_owner`.
        Forbidden: `admin.group_gives_role`.
    """
    wanted = {name_key(name): name for name in names}
    ids = find_group_ids(uow, wanted)
    for key, name in wanted.items():
        if key not in ids:
            raise NotFound("group.not_found", name=name)
    present = set(
        uow.db.scalars(sa.select(MembershipRow.group_id).where(MembershipRow.user_id == user_id))
    )
    directory_groups.refuse_directory_groups(uow, set(ids.values()) - present)
    after = set(ids.values()) | directory_groups.directory_groups(uow, present)
    for group_id in present - after:
        _leave(uow, group_id, {user_id})
    for group_id in after - present:
        _join(uow, group_id, {user_id})
    return present != after


def add_members(uow: UnitOfWork, joining: Mapping[str, Sequence[UserId]]) -> None:
    """Add users who are in no group yet to groups, by their ids; written with the next flush.

    Raises:
        Forbidden: `admin.group_gives_role`.
    """
    for group_id in group_roles.roles_by_group(uow, joining):
        group_roles.note_joining(uow, group_id, joining[group_id])
    for group_id, user_ids in joining.items():
        uow.db.add_all(MembershipRow(group_id=group_id, user_id=user_id) for user_id in user_ids)


def _new_row(uow: UnitOfWork, name: str, description: str | None) -> GroupRow:
    stored = check_group_name(name)
    return GroupRow(
        id=uow.new_id(),
        name=stored,
        name_key=name_key(stored),
        description=check_description(description),
        created_at=uow.now,
    )


def _rename(row: GroupRow, new_name: str | None, description: str | None) -> bool:
    before = (row.name, row.description)
    if new_name is not None:
        row.name = check_group_name(new_name)
        row.name_key = name_key(row.name)
    if description is not None:
        row.description = check_description(description)
    return before != (row.name, row.description)


def _get_row(uow: UnitOfWork, name: str) -> GroupRow:
    key = find_key(name) or ""
    query = sa.select(GroupRow).where(sa.or_(GroupRow.name_key == key, GroupRow.id == key))
    row = uow.db.scalars(query.order_by(GroupRow.created_at).limit(1)).one_or_none()
    if row is None:
        raise NotFound("group.not_found", name=name)
    return row


def _refuse_in_policy(uow: UnitOfWork, key: str) -> None:
    """Refuse to take a group away from the policy in force, which knows it by its name."""
    hold_policy(uow)
    policy = current_policy(uow)
    first = 1 if policy.is_staged else policy.number
    for number in range(policy.number, first - 1, -1):
        if names_group(policy_version(uow, number), key):
            raise Conflict("group.in_policy", name=key, policy_version=number)


def _forget_refusals(uow: UnitOfWork, user_ids: Any) -> None:  # noqa: ANN401 - a query or a set
    """Let passwords be judged anew whose owners leave a group: its rules may have refused them."""
    uow.db.execute(
        sa.update(CredentialRow)
        .where(CredentialRow.user_id.in_(user_ids), CredentialRow.refused_under.is_not(None))
        .values(refused_under=None)
    )


def _groups(uow: UnitOfWork, only: str | None = None) -> list[Group]:
    members = (
        sa.select(MembershipRow.group_id, sa.func.count().label("members"))
        .group_by(MembershipRow.group_id)
        .subquery()
    )
    query = (
        sa.select(GroupRow, members.c.members)
        .outerjoin(members, members.c.group_id == GroupRow.id)
        .order_by(GroupRow.name_key)
    )
    if only is not None:
        query = query.where(GroupRow.id == only)
    roles = group_roles.roles_by_group(uow, None if only is None else [only])
    directories = directory_groups.group_directories(uow, only)
    return [
        Group(
            id=row.id,
            name=row.name,
            description=row.description,
            members=count or 0,
            roles=roles.get(row.id, ()),
            directory=directories.get(row.id),
            created_at=row.created_at,
        )
        for row, count in uow.db.execute(query)
    ]


def _join(uow: UnitOfWork, group_id: str, user_ids: set[UserId]) -> int:
    if not user_ids:
        return 0
    known = set(uow.db.scalars(sa.select(UserRow.id).where(UserRow.id.in_(user_ids))))
    for user_id in user_ids - known:
        raise NotFound("user.not_found", id=user_id)
    query = sa.select(MembershipRow.user_id).where(
        MembershipRow.group_id == group_id, MembershipRow.user_id.in_(user_ids)
    )
    new = user_ids - set(uow.db.scalars(query))
    group_roles.note_joining(uow, group_id, new)
    with one_of_a_kind("group.changed_meanwhile"):
        uow.db.add_all(MembershipRow(group_id=group_id, user_id=user_id) for user_id in new)
        uow.db.flush()
    return len(new)


def _leave(uow: UnitOfWork, group_id: str, user_ids: set[UserId]) -> int:
    if not user_ids:
        return 0
    which = (MembershipRow.group_id == group_id, MembershipRow.user_id.in_(user_ids))
    leaving = group_roles.hold_leaving(
        uow, group_id, sa.select(MembershipRow.user_id).where(*which)
    )
    gone = uow.db.execute(sa.delete(MembershipRow).where(*which))
    group_roles.end_lost_roles(uow, leaving)
    count: int = gone.rowcount  # type: ignore[attr-defined]
    if count:
        _forget_refusals(uow, user_ids)
    return count


def _record(uow: UnitOfWork, code: EventCode, row: GroupRow, **params: object) -> None:
    uow.record(Event(code=code, subject_id=row.id, params={"name": row.name, **params}))
