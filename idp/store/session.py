"""The engine, and transactions that see and write the rows of one realm only.

Ring one of realm isolation: every ORM statement gets `realm = …` as a criterion, every flushed
row is stamped, and a row of another realm cannot be written. SQLite runs in WAL mode; a writing
transaction takes the write lock when it begins (`BEGIN IMMEDIATE`), never half way.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria

from idp.errors import Unavailable
from idp.ids import RealmName
from idp.store.base import Base, InRealm, connection_of, table_of
from idp.store.outages import is_outage

_SQLITE_BUSY_MS = 15_000
_POOL_TIMEOUT_S = 5
_CONNECT_TIMEOUT_S = 3
_POSTGRES_LINK = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 10_000,
}
"""A connection whose other end is gone is noticed within ten seconds."""


class Database:
    """One database; safe to share between threads, to be made anew after a fork."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = make_url(url)
        self.engine = _create_engine(self.url, pool_size)

    @property
    def is_sqlite(self) -> bool:
        """Tell whether this is SQLite (else PostgreSQL)."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def transaction(self, realm: RealmName, *, write: bool) -> Iterator["RealmSession"]:
        """Open a session of one realm; commit when the block ends, roll back when it raises.

        Raises:
            Unavailable: the database does not answer; nothing was changed.
        """
        with self._translating(), self._connection(write=write) as connection:
            session = RealmSession(connection, realm)
            try:
                with connection.begin():
                    yield session
                    session.flush()
            finally:
                session.close()

    @contextmanager
    def connection(self, *, write: bool) -> Iterator[Connection]:
        """Open a bare transaction that sees all realms; for `idp.store` itself and migrations."""
        with self._translating(), self._connection(write=write) as connection, connection.begin():
            yield connection

    @contextmanager
    def _connection(self, *, write: bool) -> Iterator[Connection]:
        with self.engine.connect() as connection:
            yield connection.execution_options(idp_write=write)

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except PoolTimeout as error:
            raise Unavailable("database.unavailable", detail=repr(error)) from error
        except DBAPIError as error:
            if is_outage(error):
                raise Unavailable("database.unavailable", detail=repr(error)) from error
            raise

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


class RealmSession(Session):
    """A session bound to one realm and to a transaction that somebody else commits."""

    def __init__(self, connection: Connection, realm: RealmName) -> None:
        super().__init__(connection, autoflush=True, expire_on_commit=False)
        self.realm = realm
        self._appended: dict[type[Base], list[dict[str, object]]] = {}

    def append(self, row: type[Base], **columns: object) -> None:
        """Write a new row of this realm with the next flush, without making an object of it.

        Several of one kind are written together, so they name the same columns.
        """
        self._appended.setdefault(row, []).append({**columns, "realm": self.realm})

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        """Write every change to the database."""
        super().flush(objects)
        while self._appended:
            row, rows = self._appended.popitem()
            connection_of(self).execute(sa.insert(table_of(row)), rows)


def _filter_by_realm(state: ORMExecuteState) -> None:
    if state.is_column_load or state.is_relationship_load:
        return
    realm = state.session.realm  # type: ignore[attr-defined]
    state.statement = state.statement.options(
        with_loader_criteria(InRealm, lambda row: row.realm == realm, include_aliases=True)
    )


def _stamp_realm(session: Session, _context: object, _instances: object) -> None:
    realm: RealmName = session.realm  # type: ignore[attr-defined]
    for row in session.new | session.dirty | session.deleted:
        if not isinstance(row, InRealm):
            continue
        stamp: str | None = row.realm  # None until the row is written
        if stamp is None:
            row.realm = realm
        elif stamp != realm:
            msg = f"a row of realm {stamp!r} in a session of {realm!r}"
            raise RuntimeError(msg)


event.listen(RealmSession, "do_orm_execute", _filter_by_realm)
event.listen(RealmSession, "before_flush", _stamp_realm)


def _create_engine(url: sa.URL, pool_size: int) -> Engine:
    if url.get_backend_name() != "sqlite":
        return sa.create_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=_POOL_TIMEOUT_S,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={"connect_timeout": _CONNECT_TIMEOUT_S} | _POSTGRES_LINK,
        )
    if url.database and url.database != ":memory:":
        file = Path(url.database)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)  # its log files take over the mode
    engine = sa.create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=_POOL_TIMEOUT_S,
        hide_parameters=True,
        connect_args={"timeout": _SQLITE_BUSY_MS / 1000, "check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={_SQLITE_BUSY_MS}",
        "temp_store=MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    is_write = connection.get_execution_options().get("idp_write", True)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_write else "BEGIN")
