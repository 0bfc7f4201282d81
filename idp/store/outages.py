"""Which errors of a database mean that it cannot be used now; every other one is a bug of ours.

Spec: PostgreSQL, appendix A (SQLSTATE); SQLite, result and error codes.
"""

import sqlite3

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

_SQLITE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    }
)
_PRIMARY = 0xFF
"""The lower byte of an extended code says what kind of error it is."""

_CLASSES = frozenset({"08", "28", "3D", "40", "53", "55", "57", "58"})
"""Connection, sign-in, no such database, rolled back for another, resources, locked, shut down,
system error."""

_READ_ONLY = "25006"


def is_outage(error: DBAPIError) -> bool:
    """Tell whether the database is away, locked, full or read-only: trying again may help."""
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", None)  # absent where Python itself objects
        return code is not None and code & _PRIMARY in _SQLITE
    state: str | None = getattr(cause, "sqlstate", None)
    if error.connection_invalidated or state is None:
        return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
    return state[:2] in _CLASSES or state == _READ_ONLY
