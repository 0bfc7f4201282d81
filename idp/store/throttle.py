"""Counters of attempts by a keyed bucket; the key is hashed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Index
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from idp.store.base import HASH, Base, InRealm


class ThrottleRow(InRealm, Base):
    """How often something was tried in the present window."""

    __tablename__ = "throttle"
    __table_args__ = (Index("ix_throttle_window_ends_at", "window_ends_at"),)

    bucket: Mapped[str] = mapped_column(HASH, primary_key=True)
    count: Mapped[int]
    window_ends_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Bucket:
    """How often something was tried, and until when that counts."""

    count: int
    window_ends_at: datetime


def read_buckets(db: Session, realm: str, keys: Sequence[str]) -> dict[str, Bucket]:
    """Return the buckets that exist, by key; locks nothing."""
    query = _SELECT.where(_table.c.realm == realm, _table.c.bucket.in_(keys))
    return {row.bucket: Bucket(row.count, row.window_ends_at) for row in _run(db, query)}


def lock_buckets(db: Session, realm: str, keys: Sequence[str], at: datetime) -> dict[str, Bucket]:
    """Return every bucket, made if need be, and keep others from counting in it meanwhile.

    Always locked in the order of their keys, so two that share several buckets never block
    each other for good.
    """
    insert = postgresql.insert if db.get_bind().dialect.name == "postgresql" else sqlite.insert
    rows = [
        {"realm": realm, "bucket": key, "count": 0, "window_ends_at": at} for key in sorted(keys)
    ]
    # An update that changes nothing, because it locks; a plain SELECT could come after a DELETE.
    upsert = (
        insert(_table)
        .values(rows)
        .on_conflict_do_update(
            index_elements=[_table.c.realm, _table.c.bucket], set_={"count": _table.c.count}
        )
        .returning(_table.c.bucket, _table.c.count, _table.c.window_ends_at)
    )
    return {row.bucket: Bucket(row.count, row.window_ends_at) for row in _run(db, upsert)}


def write_buckets(db: Session, realm: str, buckets: Mapping[str, Bucket]) -> None:
    """Store buckets that `lock_buckets` gave."""
    rows = [
        {"in_realm": realm, "key": key, "new_count": new.count, "ends_at": new.window_ends_at}
        for key, new in sorted(buckets.items())
    ]
    db.connection().execute(_UPDATE, rows)


def delete_buckets(db: Session, realm: str, keys: Sequence[str]) -> None:
    """Forget buckets."""
    _run(db, sa.delete(_table).where(_table.c.realm == realm, _table.c.bucket.in_(keys)))


def _run(db: Session, statement: Any) -> Any:  # noqa: ANN401 - any Core statement, and its result
    return db.connection().execute(statement)


_table: Any = ThrottleRow.__table__
_SELECT = sa.select(_table.c.bucket, _table.c.count, _table.c.window_ends_at)
_UPDATE = (
    sa.update(_table)
    .where(_table.c.realm == sa.bindparam("in_realm"), _table.c.bucket == sa.bindparam("key"))
    .values(count=sa.bindparam("new_count"), window_ends_at=sa.bindparam("ends_at"))
)
