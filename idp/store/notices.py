"""Who was told of a date by mail; the statements bind the realm themselves."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from idp.store.base import connection_of, table_of
from idp.store.users import CredentialRow

_credential = table_of(CredentialRow)


def told_dates(db: Session, realm: str, user_ids: Sequence[str]) -> Mapping[str, datetime]:
    """Return the date that each of these users was told of, if any."""
    query = sa.select(_credential.c.user_id, _credential.c.told_until).where(
        _credential.c.realm == realm,
        _credential.c.user_id.in_(user_ids),
        _credential.c.told_until.is_not(None),
    )
    return {row.user_id: row.told_until for row in connection_of(db).execute(query)}


def note_told(
    db: Session, realm: str, user_ids: Sequence[str], *, until: datetime
) -> Sequence[str]:
    """Note that these users are told of a date; return those for whom it is news still."""
    told = (
        sa.update(_credential)
        .where(
            _credential.c.realm == realm,
            _credential.c.user_id.in_(user_ids),
            sa.or_(_credential.c.told_until.is_(None), _credential.c.told_until != until),
        )
        .values(told_until=until)
        .returning(_credential.c.user_id)
    )
    return connection_of(db).execute(told).scalars().all()
