"""Apps for members of groups only: whom a client lets in, and what that means for groups.

A group is known by its id, so a renamed one, above all one of a directory, goes on letting its
members in. A client that is limited stays so when its last group goes: then it lets in nobody.
"""

from collections.abc import Collection, Iterable, Sequence

import sqlalchemy as sa

from idp.core.clients import Client
from idp.core.events import Event, EventCode
from idp.core.names import find_key
from idp.core.uniqueness import one_of_a_kind
from idp.core.work import UnitOfWork
from idp.errors import Conflict, InvalidInput
from idp.ids import UserId
from idp.store.clients import ClientGroupRow, ClientRow
from idp.store.groups import GroupRow, MembershipRow


def groups_by_client(uow: UnitOfWork, client_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the names of the groups that these clients are limited to, if any; one SELECT."""
    query = (
        sa.select(ClientGroupRow.client_id, GroupRow.name)
        .join(GroupRow, GroupRow.id == ClientGroupRow.group_id)
        .where(ClientGroupRow.client_id.in_(list(client_ids)))
        .order_by(GroupRow.name_key)
    )
    found: dict[str, tuple[str, ...]] = {}
    for client_id, name in uow.db.execute(query):
        found[client_id] = (*found.get(client_id, ()), name)
    return found


def limit_client(uow: UnitOfWork, row: ClientRow, groups: Sequence[str] | None) -> None:
    """Let only members of these groups (names or ids) use a client; None lets everybody.

    Raises:
        InvalidInput: `client.invalid`, with a problem for each group that there is not.
        Conflict: `group.changed_meanwhile`, when one is removed at this moment.
    """
    row.is_limited = groups is not None
    wanted = _ids_of(uow, groups or ())
    of_client = ClientGroupRow.client_id == row.client_id
    present = set(uow.db.scalars(sa.select(ClientGroupRow.group_id).where(of_client)))
    uow.db.execute(
        sa.delete(ClientGroupRow).where(of_client, ClientGroupRow.group_id.in_(present - wanted))
    )
    with one_of_a_kind("group.changed_meanwhile"):
        uow.db.flush()
        uow.db.add_all(
            ClientGroupRow(client_id=row.client_id, group_id=group_id)
            for group_id in sorted(wanted - present)
        )
        uow.db.flush()


def keeps_out(uow: UnitOfWork, client: Client, user_id: UserId) -> bool:
    """Tell whether a client is limited to groups that a user is in none of.

    No statement for a client that lets everybody in.
    """
    if not client.is_limited:
        return False
    query = (
        sa.select(ClientGroupRow.group_id)
        .join(MembershipRow, MembershipRow.group_id == ClientGroupRow.group_id)
        .where(ClientGroupRow.client_id == client.id, MembershipRow.user_id == user_id)
        .limit(1)
    )
    return uow.db.scalar(query) is None


def refuse_in_clients(uow: UnitOfWork, group: GroupRow) -> None:
    """Return when no client is limited to a group that is to be removed.

    Raises:
        Conflict: `group.in_client`, with the `client_ids`.
    """
    found = uow.db.scalars(_clients_of(group.id)).all()
    if found:
        raise Conflict("group.in_client", name=group.name, client_ids=list(found))


def hold_clients(uow: UnitOfWork, group_ids: Collection[str]) -> None:
    """Keep the clients that name any of these groups from being changed meanwhile."""
    naming = sa.select(ClientGroupRow.client_id).where(ClientGroupRow.group_id.in_(group_ids))
    query = sa.select(ClientRow.client_id).where(ClientRow.client_id.in_(naming))
    uow.db.execute(query.order_by(ClientRow.client_id).with_for_update(key_share=True)).all()


def outdate_clients(uow: UnitOfWork, group_id: str) -> Sequence[str]:
    """Have what was read of the clients that name a group count as outdated; return their ids."""
    found = uow.db.scalars(_clients_of(group_id)).all()
    for client_id in found:
        row = uow.db.get_one(ClientRow, (uow.realm, client_id), with_for_update=True)
        row.version += 1
        row.updated_at = uow.now
    return found


def forget_group(uow: UnitOfWork, group: GroupRow) -> None:
    """Have no client let in the members of a group that is another one of its directory now."""
    for client_id in outdate_clients(uow, group.id):
        params = {"changed": ["allowed_groups"], "group": group.name}
        uow.record(Event(code=EventCode.CLIENT_CHANGED, client_id=client_id, params=params))
    uow.db.execute(sa.delete(ClientGroupRow).where(ClientGroupRow.group_id == group.id))


def groups_with_apps(uow: UnitOfWork) -> set[str]:
    """Return the ids of the groups that an app is for."""
    return set(uow.db.scalars(sa.select(ClientGroupRow.group_id).distinct()))


def _clients_of(group_id: str) -> sa.Select[str]:
    return (
        sa.select(ClientGroupRow.client_id)
        .where(ClientGroupRow.group_id == group_id)
        .order_by(ClientGroupRow.client_id)
    )


def _ids_of(uow: UnitOfWork, groups: Collection[str]) -> set[str]:
    keys = {find_key(name) or "": name for name in groups}
    query = sa.select(GroupRow.id, GroupRow.name_key).where(
        sa.or_(GroupRow.name_key.in_(keys), GroupRow.id.in_(keys))
    )
    found = {key: row.id for row in uow.db.execute(query) for key in (row.id, row.name_key)}
    problems = [
        {"field": "allowed_groups", "reason": f"there is no group {name[:128]!r}"}
        for key, name in keys.items()
        if key not in found
    ]
    if problems:
        raise InvalidInput("client.invalid", problems=problems)
    return {found[key] for key in keys}
