"""The audit trail as it is read: newest first, filtered, cut into pages."""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa

from idp.core.names import is_storable
from idp.core.runtime import Runtime
from idp.core.work import UnitOfWork
from idp.ids import RealmName
from idp.store.audit import AuditEventRow


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """One thing that happened, and who did it to whom from where."""

    id: str
    realm: RealmName
    code: str
    at: datetime
    actor_kind: str
    actor_id: str | None
    subject_id: str | None
    client_id: str | None
    address: str | None
    request_id: str | None
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: the moment and the id of its last event."""

    at: datetime
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """Which events to list; every member that is given must fit.

    Attributes:
        since: this moment or later. until: before this moment.
        before: the last event of the page before.
    """

    code: str | None = None
    actor_id: str | None = None
    subject_id: str | None = None
    client_id: str | None = None
    request_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: Place | None = None
    limit: int = 50


def list_events(uow: UnitOfWork, query: AuditQuery) -> list[AuditEvent]:
    """Return the events of this realm that fit, newest first."""
    conditions = _conditions(query)
    if conditions is None:
        return []
    select = (
        sa.select(AuditEventRow)
        .where(*conditions)
        .order_by(AuditEventRow.at.desc(), AuditEventRow.id.desc())
        .limit(query.limit)
    )
    return [_event(row) for row in uow.db.scalars(select)]


def list_events_of(
    runtime: Runtime, realms: Sequence[RealmName], query: AuditQuery
) -> list[AuditEvent]:
    """Return the events of several realms that fit, newest first."""
    pages = []
    for realm in realms:
        with runtime.begin(realm, write=False) as uow:
            pages.append(list_events(uow, query))
    merged = heapq.merge(*pages, key=lambda event: (event.at, event.id), reverse=True)
    return list(islice(merged, query.limit))


def _conditions(query: AuditQuery) -> list[sa.ColumnElement[bool]] | None:
    """Return the conditions, or None when a database cannot even hold what is asked for."""
    row = AuditEventRow
    named = {
        row.code: query.code,
        row.actor_id: query.actor_id,
        row.subject_id: query.subject_id,
        row.client_id: query.client_id,
        row.request_id: query.request_id,
    }
    if not all(is_storable(value) for value in named.values() if value is not None):
        return None
    conditions = [column == value for column, value in named.items() if value is not None]
    if query.since is not None:
        conditions.append(row.at >= query.since)
    if query.until is not None:
        conditions.append(row.at < query.until)
    if query.before is not None:
        place = query.before
        same_moment = sa.and_(row.at == place.at, row.id < place.id)
        conditions.append(sa.or_(row.at < place.at, same_moment))
    return conditions


def _event(row: AuditEventRow) -> AuditEvent:
    return AuditEvent(
        id=row.id,
        realm=RealmName(row.realm),
        code=row.code,
        at=row.at,
        actor_kind=row.actor_kind,
        actor_id=row.actor_id,
        subject_id=row.subject_id,
        client_id=row.client_id,
        address=row.address,
        request_id=row.request_id,
        params=row.params,
    )
