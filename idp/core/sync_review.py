"""What administrators see of directories: how each stands, and what a run would change; read only.

Nothing here tells a setting but the kind, the realm and the addresses of servers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from idp.config import Connector
from idp.core.sync.differences import ACTS
from idp.core.sync.mapping import scope_digest
from idp.core.sync.runs import Run, RunState, find_last_run, get_run, run_of
from idp.core.work import UnitOfWork
from idp.errors import NotFound
from idp.ids import RealmName
from idp.store.directories import (
    DirectoryChangeRow,
    DirectoryLinkRow,
    DirectoryRow,
    DirectoryRunRow,
)

OPS = (*ACTS, "conflict", "rejected")
"""Every kind of change, in the order in which a run applies them."""
_INTERNAL = frozenset({"username_key", "email_key", "claims"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that a run would do, or did.

    Attributes:
        op: one of `OPS`; `conflict` and `rejected` do nothing and only tell.
        user_id: of an account that is there already; of a group's change, the group.
        before, after: the members that become different; of somebody new, all that are stored.
        reason: why an entry is no account.
        outcome: None until it was applied, then `done` or `skipped:REASON`.
    """

    position: int
    op: str
    stable_id: str
    name: str
    user_id: str | None
    before: Mapping[str, object]
    after: Mapping[str, object]
    reason: str | None
    outcome: str | None

    @property
    def differing(self) -> list[tuple[str, object, object]]:
        """Return each member that becomes different, with what it is and what it becomes."""
        names = sorted({*self.before, *self.after})
        both = ((name, self.before.get(name), self.after.get(name)) for name in names)
        return [(name, before, after) for name, before, after in both if before != after]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """How many accounts a directory owns here; whose data was erased is counted no more."""

    active: int
    disabled: int
    gone: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a directory stands.

    Attributes:
        servers: the addresses it is asked at, without anything that was written into them.
        needs_first_plan: nothing is read by itself before a first plan was applied.
        is_scope_changed: the settings mean other accounts than those of the last plan that was
            applied; nothing is read by itself before another one is.
        has_cursor: the directory can be asked for what changed.
        full_at, swept_at, changes_at: when the last run of that kind began that was applied.
        held: the run that waits for an administrator.
        is_being_read: a run reads it at this moment.
        last_run: whatever became of it.
    """

    name: str
    realm: RealmName
    kind: str
    servers: tuple[str, ...]
    enforce_policy: bool
    write_back: bool
    needs_first_plan: bool
    is_scope_changed: bool
    has_cursor: bool
    full_at: datetime | None
    swept_at: datetime | None
    changes_at: datetime | None
    held: Run | None
    is_being_read: bool
    last_run: Run | None
    accounts: Accounts

    @property
    def last_success_at(self) -> datetime | None:
        """Return when the last run of any kind began that was applied."""
        return _latest(self.full_at, self.swept_at, self.changes_at)


def list_changes(
    uow: UnitOfWork, run_id: str, *, op: str | None = None, limit: int = 100, after: int = -1
) -> list[Change]:
    """Return what a run would do, in the order in which it does it.

    Args:
        op: only changes of this kind.
        after: the `position` of the last one of the page before.

    Raises:
        NotFound: `directory.run_not_found`.
    """
    get_run(uow, run_id)
    change = DirectoryChangeRow
    query = (
        sa.select(change)
        .where(change.run_id == run_id, change.position > after)
        .order_by(change.position)
        .limit(limit)
    )
    if op is not None:
        query = query.where(change.op == op)
    return [_change(row) for row in uow.db.scalars(query)]


def get_run_of(uow: UnitOfWork, name: str, run_id: str) -> Run:
    """Return a run over the directory of that name.

    Raises:
        NotFound: `directory.run_not_found`.
    """
    run = get_run(uow, run_id)
    if run.connector != name:
        raise NotFound("directory.run_not_found", run_id=run_id)
    return run


def list_standings(uow: UnitOfWork) -> list[Standing]:
    """Return how each directory of a realm stands, by name."""
    return [
        _standing(uow, name, connector)
        for name, connector in sorted(uow.runtime.config.connectors_of(uow.realm).items())
    ]


def get_standing(uow: UnitOfWork, name: str) -> Standing:
    """Return how one directory stands.

    Raises:
        NotFound: `directory.not_found`.
    """
    connector = uow.runtime.config.connectors_of(uow.realm).get(name)
    if connector is None:
        raise NotFound("directory.not_found", name=name)
    return _standing(uow, name, connector)


def list_last_successes(uow: UnitOfWork) -> dict[str, datetime | None]:
    """Return of each directory of a realm when the last run began that was applied."""
    query = sa.select(
        DirectoryRow.name, DirectoryRow.full_at, DirectoryRow.swept_at, DirectoryRow.changes_at
    )
    found = {name: _latest(*moments) for name, *moments in uow.db.execute(query)}
    return {name: found.get(name) for name in uow.runtime.config.connectors_of(uow.realm)}


def count_last_seen(uow: UnitOfWork, name: str) -> int | None:
    """Return how many accounts the last full run saw; None before the first."""
    row = uow.db.get(DirectoryRow, (uow.realm, name))
    return row.seen or None if row is not None else None


def servers_of(connector: Connector) -> tuple[str, ...]:
    """Return where a directory is asked: scheme, host and port, nothing else."""
    found = connector.settings.reveal().get("url")
    urls = [found] if isinstance(found, str) else found
    if not isinstance(urls, Sequence):
        return ()
    return tuple(_server(url) for url in urls if isinstance(url, str))


def _latest(*moments: datetime | None) -> datetime | None:
    return max(filter(None, moments), default=None)


def _server(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _change(row: DirectoryChangeRow) -> Change:
    return Change(
        position=row.position,
        op=row.op,
        stable_id=row.stable_id,
        name=row.name,
        user_id=row.subject_id,
        before=_flat(row.before),
        after=_flat(_becomes(row)),
        reason=row.reason,
        outcome=row.outcome,
    )


def _becomes(row: DirectoryChangeRow) -> Mapping[str, Any]:
    """Return what a change makes different, of what the run would store."""
    document: Mapping[str, Any] = row.after
    match row.op:
        case "create":
            flags = {name: document[name] for name in ("is_enabled", "must_change")}
            columns = document["columns"].items()
            return {name: value for name, value in columns if value is not None} | flags
        case "update" | "enable" | "disable":
            found: Mapping[str, Any] = document["shown"]
            return found
        case "group_create" | "group_update":
            return {"name": document["name"]}
        case _:
            return {}


def _flat(members: Mapping[str, Any]) -> dict[str, object]:
    """Return members with further claims beside the others, and without what is only for search."""
    own = {name: value for name, value in members.items() if name not in _INTERNAL}
    claims: Mapping[str, object] = members.get("claims") or {}
    return {**own, **claims}


def _standing(uow: UnitOfWork, name: str, connector: Connector) -> Standing:
    row = uow.db.get(DirectoryRow, (uow.realm, name)) or DirectoryRow(name=name, seen=0)
    held = _find_run(uow, row.held_run_id)
    return Standing(
        name=name,
        realm=uow.realm,
        kind=connector.kind,
        servers=servers_of(connector),
        enforce_policy=connector.enforce_policy,
        write_back=connector.write_back,
        needs_first_plan=row.scope_digest is None,
        is_scope_changed=row.scope_digest not in (None, scope_digest(connector)),
        has_cursor=row.cursor is not None,
        full_at=row.full_at,
        swept_at=row.swept_at,
        changes_at=row.changes_at,
        held=held if held is not None and held.state is RunState.HELD else None,
        is_being_read=row.reads_until is not None and row.reads_until > uow.now,
        last_run=find_last_run(uow, name),
        accounts=_count_accounts(uow, name),
    )


def _find_run(uow: UnitOfWork, run_id: str | None) -> Run | None:
    row = None if run_id is None else uow.db.get(DirectoryRunRow, (uow.realm, run_id))
    return None if row is None else run_of(row)


def _count_accounts(uow: UnitOfWork, name: str) -> Accounts:
    link = DirectoryLinkRow
    is_gone = link.gone_since.is_not(None)
    query = (
        sa.select(is_gone.label("is_gone"), link.is_disabled, sa.func.count().label("accounts"))
        .where(link.connector == name, link.erased_at.is_(None))
        .group_by(is_gone, link.is_disabled)
    )
    found = [
        (bool(row.is_gone), bool(row.is_disabled), row.accounts) for row in uow.db.execute(query)
    ]
    return Accounts(
        active=sum(count for gone, disabled, count in found if not gone and not disabled),
        disabled=sum(count for gone, disabled, count in found if not gone and disabled),
        gone=sum(count for gone, _, count in found if gone),
    )
