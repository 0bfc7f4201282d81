"""Places in a wave: each is one compare-and-set; the statements bind the realm themselves."""

from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from idp.store.base import connection_of, table_of
from idp.store.realms import RealmRow
from idp.store.users import CredentialRow

_realm = table_of(RealmRow)
_credential = table_of(CredentialRow)
_HOUR = timedelta(hours=1)

# A node whose clock is a little behind takes its place in the hour that another one began already;
# an hour that lies further ahead was begun by a clock that was wrong.
_IS_NEW_HOUR = sa.or_(
    _realm.c.wave_hour.is_(None),
    _realm.c.wave_hour < sa.bindparam("hour"),
    _realm.c.wave_hour > sa.bindparam("next_hour"),
)
_COUNT = (
    sa.update(_realm)
    .where(
        _realm.c.name == sa.bindparam("in_realm"),
        sa.or_(_IS_NEW_HOUR, _realm.c.wave_used < sa.bindparam("cap")),
    )
    .values(
        wave_used=sa.case((_IS_NEW_HOUR, 1), else_=_realm.c.wave_used + 1),
        wave_hour=sa.case((_IS_NEW_HOUR, sa.bindparam("hour")), else_=_realm.c.wave_hour),
    )
)


def mark_placed(db: Session, realm: str, *, user_id: str, version: int) -> bool:
    """Note that a wave asks a user under `version`; tell whether that is news."""
    return _changed(
        db,
        sa.update(_credential)
        .where(
            _credential.c.realm == realm,
            _credential.c.user_id == user_id,
            sa.or_(_credential.c.placed_under.is_(None), _credential.c.placed_under != version),
        )
        .values(placed_under=version),
    )


def unmark_placed(db: Session, realm: str, *, user_id: str) -> None:
    """Take back that a wave asks a user: the hour had no place left."""
    _changed(
        db,
        sa.update(_credential)
        .where(_credential.c.realm == realm, _credential.c.user_id == user_id)
        .values(placed_under=None),
    )


def take_place(db: Session, realm: str, *, hour: datetime, cap: int) -> bool:
    """Take one of the `cap` places of the hour that began at `hour`; tell whether one was left."""
    params = {"in_realm": realm, "hour": hour, "next_hour": hour + _HOUR, "cap": cap}
    return _changed(db, _COUNT, params)


def mark_noted(db: Session, realm: str, *, user_id: str, version: int) -> None:
    """Note that what is withheld from a user under `version` is on record."""
    _changed(
        db,
        sa.update(_credential)
        .where(_credential.c.realm == realm, _credential.c.user_id == user_id)
        .values(noted_under=version),
    )


def _changed(db: Session, statement: Any, params: dict[str, object] | None = None) -> bool:  # noqa: ANN401 - an update
    done = connection_of(db).execute(statement, params)
    return cast("CursorResult[Any]", done).rowcount == 1
