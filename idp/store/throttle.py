"""Counters of attempts by a keyed bucket; the key is hashed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Index
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from idp.store.base import HASH, Base, InRealm, connection_of, run, table_of


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
    return _by_key(run(db, _SELECT, {"in_realm": realm, "keys": keys}))


def lock_buckets(db: Session, realm: str, keys: Sequence[str], at: datetime) -> dict[str, Bucket]:
    """Return every bucket, made if need be, and keep others from counting in it meanwhile.

    Always locked in the order of their keys, so two that share several buckets never block
    each other for good.
    """
    rows = [
        {"realm": realm, "bucket": key, "count": 0, "window_ends_at": at} for key in sorted(keys)
    ]
    return _by_key(run(db, _LOCK[connection_of(db).dialect.name], rows)) if rows else {}


def write_buckets(db: Session, realm: str, buckets: Mapping[str, Bucket]) -> None:
    """Store buckets that `lock_buckets` gave."""
    rows = [
        {"in_realm": realm, "key": key, "new_count": new.count, "ends_at": new.window_ends_at}
        for key, new in sorted(buckets.items())
    ]
    run(db, _UPDATE, rows)


def delete_buckets(db: Session, realm: str, keys: Sequence[str]) -> None:
    """Forget buckets."""
    run(db, _DELETE, {"in_realm": realm, "keys": keys})


def _by_key(rows: Iterable[Any]) -> dict[str, Bucket]:
    return {key: Bucket(count, ends_at) for key, count, ends_at in rows}


_table = table_of(ThrottleRow)
_COLUMNS = (_table.c.bucket, _table.c.count, _table.c.window_ends_at)
_IN_REALM = _table.c.realm == sa.bindparam("in_realm")
_THESE = _table.c.bucket.in_(sa.bindparam("keys", expanding=True))
_SELECT = sa.select(*_COLUMNS).where(_IN_REALM, _THESE)
_DELETE = sa.delete(_table).where(_IN_REALM, _THESE)
_UPDATE = (
    sa.update(_table)
    .where(_IN_REALM, _table.c.bucket == sa.bindparam("key"))
    .values(count=sa.bindparam("new_count"), window_ends_at=sa.bindparam("ends_at"))
)


def _lock(insert: Any) -> Any:  # noqa: ANN401 - the insert of one database or the other
    """Return an update that changes nothing, because it locks.

    A plain SELECT could come after a DELETE.
    """
    return (
        insert(_table)
        .on_conflict_do_update(
            index_elements=[_table.c.realm, _table.c.bucket], set_={"count": _table.c.count}
        )
        .returning(*_COLUMNS)
    )


_LOCK = {"sqlite": _lock(sqlite.insert), "postgresql": _lock(postgresql.insert)}
