"""The writes of the hot paths: each is one compare-and-set or one insert.

They are Core statements over tables, so each binds the realm itself (ring one is here by hand).
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from idp.store.base import connection_of, table_of
from idp.store.tokens import AuthorizationCodeRow, RevokedAccessTokenRow, TokenFamilyRow

_code = table_of(AuthorizationCodeRow)
_family = table_of(TokenFamilyRow)
_revoked = table_of(RevokedAccessTokenRow)

_ROTATE = (
    sa.update(_family)
    .where(
        _family.c.realm == sa.bindparam("in_realm"),
        _family.c.id == sa.bindparam("family_id"),
        _family.c.counter == sa.bindparam("expected_counter"),
        _family.c.revoked_at.is_(None),
    )
    .values(
        counter=_family.c.counter + 1,
        rotated_at=sa.bindparam("at"),
        used_at=sa.bindparam("at"),
    )
)

_SPEND = (
    sa.update(_code)
    .where(
        _code.c.realm == sa.bindparam("in_realm"),
        _code.c.code_hash == sa.bindparam("hash"),
        _code.c.spent_at.is_(None),
    )
    .values(spent_at=sa.bindparam("at"))
)

_REVOKE = (
    sa.update(_family)
    .where(
        _family.c.realm == sa.bindparam("in_realm"),
        _family.c.id == sa.bindparam("family_id"),
        _family.c.revoked_at.is_(None),
    )
    .values(revoked_at=sa.bindparam("at"), revoked_reason=sa.bindparam("reason"))
)

_INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def rotate_family(
    db: Session, realm: str, *, family_id: str, expected_counter: int, at: datetime
) -> bool:
    """Move a live family's counter on if it still is `expected_counter`; tell whether it was."""
    params = {
        "in_realm": realm,
        "family_id": family_id,
        "expected_counter": expected_counter,
        "at": at,
    }
    return connection_of(db).execute(_ROTATE, params).rowcount == 1


def spend_code(db: Session, realm: str, *, code_hash: str, at: datetime) -> bool:
    """Spend a code if it is still unspent; tell whether this call did."""
    params = {"in_realm": realm, "hash": code_hash, "at": at}
    return connection_of(db).execute(_SPEND, params).rowcount == 1


def add_code(db: Session, realm: str, **columns: object) -> None:
    """Store a fresh authorization code (columns of `AuthorizationCodeRow`)."""
    connection_of(db).execute(sa.insert(_code), {"realm": realm, **columns})


def add_family(db: Session, realm: str, **columns: object) -> None:
    """Begin a family (columns of `TokenFamilyRow`)."""
    connection_of(db).execute(sa.insert(_family), {"realm": realm, **columns})


def revoke_family(db: Session, realm: str, *, family_id: str, at: datetime, reason: str) -> bool:
    """End a family if it still lives; tell whether it did."""
    params = {"in_realm": realm, "family_id": family_id, "at": at, "reason": reason}
    return connection_of(db).execute(_REVOKE, params).rowcount == 1


def spend_jwt_id(db: Session, realm: str, *, jti_hash: str, expires_at: datetime) -> bool:
    """Note that a JWT may not be used (again); tell whether that is news."""
    connection = connection_of(db)
    insert = _INSERT[connection.dialect.name](_revoked).on_conflict_do_nothing()
    row = {"realm": realm, "jti_hash": jti_hash, "expires_at": expires_at}
    # PostgreSQL's driver counts no inserted rows; what comes back is counted instead.
    stored = connection.execute(insert.returning(_revoked.c.jti_hash), row)
    return stored.first() is not None
