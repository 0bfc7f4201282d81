"""Which servers of directories failed and have not answered since; read before each question.

They are Core statements over a table, so each binds the realm itself.
"""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import String
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from idp.store.base import Base, InRealm, connection_of, run, table_of
from idp.store.directories import CONNECTOR

SERVER = String(300)


class DirectoryServerRow(InRealm, Base):
    """A server of a directory that failed last at `failed_at`."""

    __tablename__ = "directory_servers"

    connector: Mapped[str] = mapped_column(CONNECTOR, primary_key=True)
    server: Mapped[str] = mapped_column(SERVER, primary_key=True)
    failed_at: Mapped[datetime]


def read_failures(db: Session, realm: str, connector: str) -> dict[str, datetime]:
    """Return when each server that failed did so last, by its name."""
    found = run(db, _SELECT, {"in_realm": realm, "of": connector})
    return {row.server: row.failed_at for row in found}


def write_failure(db: Session, realm: str, connector: str, server: str, at: datetime) -> None:
    """Note a failure."""
    row = {"realm": realm, "connector": connector, "server": server, "failed_at": at}
    run(db, _WRITE[connection_of(db).dialect.name], row)


def renew_failure(
    db: Session, realm: str, connector: str, server: str, *, at: datetime, age: timedelta
) -> bool:
    """Note a failure anew if it is at least `age` old, or as far ahead: by another clock."""
    params = {"in_realm": realm, "of": connector, "name": server, "now": at}
    return run(db, _RENEW, params | {"before": at - age, "after": at + age}).rowcount == 1


def delete_failure(db: Session, realm: str, connector: str, server: str) -> None:
    """Forget a failure."""
    run(db, _DELETE, {"in_realm": realm, "of": connector, "name": server})


_table = table_of(DirectoryServerRow)
_OF = sa.and_(_table.c.realm == sa.bindparam("in_realm"), _table.c.connector == sa.bindparam("of"))
_THIS = sa.and_(_OF, _table.c.server == sa.bindparam("name"))
_SELECT = sa.select(_table.c.server, _table.c.failed_at).where(_OF)
_failed_at = _table.c.failed_at
_IS_OLD = sa.or_(
    _failed_at <= sa.bindparam("before", type_=_failed_at.type),
    _failed_at >= sa.bindparam("after", type_=_failed_at.type),
)
_RENEW = sa.update(_table).where(_THIS, _IS_OLD).values(failed_at=sa.bindparam("now"))
_DELETE = sa.delete(_table).where(_THIS)
_KEY = [_table.c.realm, _table.c.connector, _table.c.server]


def _write(insert: Any) -> Any:  # noqa: ANN401 - the insert of one database or the other
    statement = insert(_table)
    new = {"failed_at": statement.excluded.failed_at}
    return statement.on_conflict_do_update(index_elements=_KEY, set_=new)


_WRITE = {"sqlite": _write(sqlite.insert), "postgresql": _write(postgresql.insert)}
