"""Whether a directory still has an account whose refresh token is used (DECISIONS 23).

A look that is too old is made again, outside of any transaction and once for a request. While the
directory does not answer, refresh goes on for `max_offline`; nobody waits for one that did not
answer a moment ago. An account that it does not find loses what it holds, and nothing else before
a sync says more.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.engine import Row

from connectors.port import ConnectorError, LoginAmbiguous
from idp.config import Connector
from idp.core.directory_accounts import lose_sight, state_of, take_state
from idp.core.directory_sign_in import find_connector
from idp.core.runtime import Runtime
from idp.core.work import NO_TRACE, SYSTEM, Trace, UnitOfWork
from idp.ids import RealmName, UserId

_MAX_OFFLINE: timedelta = Connector.model_fields["max_offline"].default
"""For accounts of a directory that is not configured any more."""


class RecheckDue(Exception):  # noqa: N818 - no error: it rolls back what was begun
    """The directory has to be asked about an account first; everything is done again after that."""

    def __init__(self, user_id: UserId, connector: str, stable_id: str) -> None:
        super().__init__(connector)
        self.user_id = user_id
        self.connector = connector
        self.stable_id = stable_id


def is_unchecked(uow: UnitOfWork, row: Row[Any], *, may_look: bool) -> bool:
    """Tell whether the directory of an account was not asked for longer than it may be.

    Args:
        row: of `hot.refresh_facts`. may_look: the directory was not asked for this request yet.

    Raises:
        RecheckDue: it should be asked now; only before anything is written.
    """
    if row.connector is None or row.status != "active":
        return False
    connector = find_connector(uow.runtime, uow.realm, row.connector)
    if connector is None or row.stable_id is None:
        return _is_older(row.checked_at, _MAX_OFFLINE, uow.now)
    if not _is_older(row.checked_at, connector.recheck, uow.now):
        return False
    if may_look and not uow.runtime.outages.is_down(row.connector, uow.now):
        raise RecheckDue(UserId(row.user_id), row.connector, row.stable_id)
    return _is_older(row.checked_at, connector.max_offline, uow.now)


def recheck(
    runtime: Runtime, realm: RealmName, due: RecheckDue, trace: Trace = NO_TRACE
) -> str | None:
    """Ask a directory about an account and take over what it says; holds no transaction meanwhile.

    Returns:
        For the log, why the directory could not tell; None when it did.
    """
    try:
        entry = runtime.directories.source(due.connector).find_by_id(due.stable_id)
    except LoginAmbiguous as error:
        return error.reason
    except ConnectorError as error:
        runtime.outages.note_failed(due.connector, runtime.clock.now())
        return error.reason
    runtime.outages.note_answered(due.connector)
    with runtime.begin(realm, actor=SYSTEM, trace=trace) as uow:
        if entry is None:
            lose_sight(uow, due.user_id)
        else:
            take_state(uow, due.user_id, state_of(entry))
    return None


def _is_older(checked_at: datetime | None, age: timedelta, now: datetime) -> bool:
    return checked_at is None or now - checked_at > age
