"""What workers poll: jobs and outgoing messages of all realms, taken under a lease.

A lease is an owner and a moment. Whoever finds it over takes the row; whoever lost it notices,
because everything it writes names the owner. PostgreSQL skips rows that another worker is just
taking; SQLite has one writer at a time anyway.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from idp.ids import RealmName
from idp.store.base import table_of
from idp.store.jobs import JobRow, OutboxRow
from idp.store.realms import RealmRow
from idp.store.session import Database

_job = table_of(JobRow)
_message = table_of(OutboxRow)
_realm = table_of(RealmRow)


@dataclass(frozen=True, slots=True)
class Lease:
    """Who takes work, when, and until when nobody else may have it."""

    owner: str
    now: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class TakenMessage:
    """A message under this worker's lease; `payload` is still sealed."""

    realm: RealmName
    id: str
    kind: str
    payload: bytes
    attempts: int
    created_at: datetime


def take_job(
    database: Database, lease: Lease, kinds: Collection[str], *, job_id: str | None = None
) -> tuple[RealmName, str] | None:
    """Take the job that has been due longest (or `job_id`, if due); return its realm and id."""
    query = (
        sa.select(_job.c.realm, _job.c.id)
        .where(_job.c.kind.in_(kinds), _is_due(lease.now))
        .order_by(_job.c.available_at)
        .limit(1)
    )
    if job_id is not None:
        query = query.where(_job.c.id == job_id)
    if not _is_any(database, query):
        return None
    with database.connection(write=True) as connection:
        found = connection.execute(query.with_for_update(skip_locked=True)).first()
        if found is None:
            return None
        _lease_job(connection, found.realm, found.id, lease)
        return RealmName(found.realm), found.id


def take_messages(
    database: Database, lease: Lease, kinds: Collection[str], *, limit: int
) -> list[TakenMessage]:
    """Take up to `limit` messages that are due, those that waited longest first."""
    query = (
        sa.select(_message)
        .where(
            _message.c.done_at.is_(None),
            _message.c.available_at <= lease.now,
            _message.c.kind.in_(kinds),
            _is_free(_message, lease.now),
        )
        .order_by(_message.c.available_at, _message.c.id)
        .limit(limit)
    )
    if not _is_any(database, query):
        return []
    with database.connection(write=True) as connection:
        rows = connection.execute(query.with_for_update(skip_locked=True)).all()
        for row in rows:
            connection.execute(
                sa.update(_message)
                .where(_message.c.realm == row.realm, _message.c.id == row.id)
                .values(
                    lease_owner=lease.owner,
                    lease_until=lease.until,
                    attempts=_message.c.attempts + 1,
                )
            )
    return [
        TakenMessage(
            RealmName(row.realm), row.id, row.kind, row.payload, row.attempts + 1, row.created_at
        )
        for row in rows
    ]


def release_leases(database: Database, owner: str) -> None:
    """Free the jobs and messages of a worker that is dead; what it had not committed never was."""
    with database.connection(write=True) as connection:
        for table in (_job, _message):
            connection.execute(
                sa.update(table)
                .where(table.c.lease_owner == owner)
                .values(lease_owner=None, lease_until=None)
            )


def add_recurring_job(database: Database, kind: str, now: datetime) -> None:
    """Put the one recurring job of this kind into every realm that does not have it yet."""
    with database.connection(write=False) as connection:
        wanted = {
            recurring_job_id(name, kind): name
            for name in connection.scalars(sa.select(_realm.c.name))
        }
        known = set(connection.scalars(sa.select(_job.c.id).where(_job.c.id.in_(wanted))))
    missing = wanted.keys() - known
    if not missing:
        return
    rows = [_recurring_row(job_id, wanted[job_id], kind, now) for job_id in sorted(missing)]
    with database.connection(write=True) as connection:
        connection.execute(_insert(connection).on_conflict_do_nothing(), rows)


def find_job_realm(database: Database, job_id: str) -> RealmName | None:
    """Return the realm that a job belongs to, or None when there is no such job."""
    with database.connection(write=False) as connection:
        found = connection.scalar(sa.select(_job.c.realm).where(_job.c.id == job_id))
    return None if found is None else RealmName(found)


def recurring_job_id(realm: str, kind: str) -> str:
    """Return the id of a realm's recurring job, the same in every process."""
    return str(uuid5(NAMESPACE_URL, f"urn:timetrak-idp:job:{realm}:{kind}"))


def _insert(connection: Connection) -> Any:  # noqa: ANN401 - the dialect's own insert
    if connection.dialect.name == "sqlite":
        return sqlite.insert(_job)
    return postgresql.insert(_job)


def _recurring_row(job_id: str, realm: str, kind: str, now: datetime) -> dict[str, object]:
    return {
        "realm": realm,
        "id": job_id,
        "kind": kind,
        "params": {},
        "state": "queued",
        "done": 0,
        "total": 0,
        "errors": [],
        "attempts": 0,
        "available_at": now,
        "created_at": now,
    }


def _is_any(database: Database, query: sa.Select[Any]) -> bool:
    """Look without taking the write lock, which on SQLite a poll must not hold up."""
    with database.connection(write=False) as connection:
        return connection.execute(query).first() is not None


def _lease_job(connection: Connection, realm: str, job_id: str, lease: Lease) -> None:
    connection.execute(
        sa.update(_job)
        .where(_job.c.realm == realm, _job.c.id == job_id)
        .values(
            state="running",
            lease_owner=lease.owner,
            lease_until=lease.until,
            attempts=_job.c.attempts + 1,
            started_at=sa.func.coalesce(_job.c.started_at, lease.now),
        )
    )


def _is_due(now: datetime) -> sa.ColumnElement[bool]:
    is_waiting = sa.and_(_job.c.state.in_(("queued", "running")), _job.c.available_at <= now)
    is_stopped = _job.c.state.in_(("paused", "failed"))
    is_called_off = sa.and_(is_stopped, _job.c.requested == "cancel")
    return sa.and_(sa.or_(is_waiting, is_called_off), _is_free(_job, now))


def _is_free(table: sa.Table, now: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(table.c.lease_until.is_(None), table.c.lease_until <= now)
