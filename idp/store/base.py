"""What every mapped row shares: naming, column types, and the realm it belongs to."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, cast

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    Executable,
    ForeignKey,
    MetaData,
    String,
    Table,
    TypeDecorator,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Connection, CursorResult
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

ID = String(36)
HASH = String(64)
NAME = String(256)
JsonDocument = JSON().with_variant(JSONB(), "postgresql")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC moment; stored with time zone on PostgreSQL, as UTC text on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive moments; hand aware ones over in UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            msg = "a stored moment must be aware"
            raise ValueError(msg)
        return value.astimezone(UTC) if dialect.name != "sqlite" else _naive_utc(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give back an aware UTC moment."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _naive_utc(value: datetime) -> datetime:
    return value.astimezone(UTC).replace(tzinfo=None)


class Base(DeclarativeBase):
    """The declarative base; constraints are named so that migrations can address them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime,
        dict[str, Any]: JsonDocument,
        list[str]: JsonDocument,
    }


def table_of(row: type[Base]) -> Table:
    """Return the table of a row type, for Core statements."""
    return cast("Table", row.__table__)


def connection_of(db: Session) -> Connection:
    """Return the open connection under a session, for Core statements."""
    return cast("Connection", db.bind)


def run(
    db: Session, statement: Executable, params: Mapping[str, Any] | Sequence[Mapping[str, Any]]
) -> CursorResult[Any]:
    """Run a Core statement, for one set of parameters or several, after pending changes."""
    db.flush()
    return connection_of(db).execute(statement, params)


class InRealm:
    """A row of one realm; the session filters reads by it and stamps writes with it."""

    realm: Mapped[str] = mapped_column(
        String(64),
        ForeignKey("realms.name", ondelete="RESTRICT"),
        primary_key=True,
        sort_order=-100,
    )
