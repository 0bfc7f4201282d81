"""When users were last seen, and how many live sessions they have; read for a span of user ids.

They are Core statements over tables, so each binds the realm itself.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from idp.store.base import run, table_of
from idp.store.sessions import SessionRow
from idp.store.tokens import TokenFamilyRow
from idp.store.users import UserRow

_user = table_of(UserRow)
_session = table_of(SessionRow)
_family = table_of(TokenFamilyRow)


def _is_in_span(table: sa.Table) -> sa.ColumnElement[bool]:
    return sa.and_(
        table.c.realm == sa.bindparam("in_realm"),
        table.c.user_id.between(sa.bindparam("first"), sa.bindparam("last")),
    )


_IS_LIVE = sa.and_(
    _session.c.epoch == _user.c.epoch,
    _session.c.ended_at.is_(None),
    _session.c.expires_at > sa.bindparam("now"),
    _session.c.last_seen_at >= sa.bindparam("awake_since"),
)
_SESSIONS = (
    sa.select(
        _session.c.user_id,
        sa.func.max(_session.c.last_seen_at).label("seen_at"),
        sa.func.sum(sa.case((_IS_LIVE, 1), else_=0)).label("live"),
    )
    .join(_user, sa.and_(_user.c.realm == _session.c.realm, _user.c.id == _session.c.user_id))
    .where(_is_in_span(_session))
    .group_by(_session.c.user_id)
)
_REFRESHES = (
    sa.select(_family.c.user_id, sa.func.max(_family.c.used_at).label("seen_at"))
    .where(_is_in_span(_family))
    .group_by(_family.c.user_id)
)


def live_sessions(
    db: Session, realm: str, *, first: str, last: str, now: datetime, idle: timedelta
) -> dict[str, tuple[datetime, int]]:
    """Return when each user's sessions were last in use and how many are live, by user id.

    Args:
        first, last: ids of users, the ends of the span.
        idle: how long a session may lie idle and still be live.
    """
    span: dict[str, object] = {"in_realm": realm, "first": first, "last": last}
    found = run(db, _SESSIONS, span | {"now": now, "awake_since": now - idle})
    return {row.user_id: (row.seen_at, int(row.live)) for row in found}


def last_refreshes(db: Session, realm: str, *, first: str, last: str) -> dict[str, datetime]:
    """Return when each user's apps last got tokens, as far as it is still known, by user id."""
    found = run(db, _REFRESHES, {"in_realm": realm, "first": first, "last": last})
    return {row.user_id: row.seen_at for row in found}
