"""Whether a directory still has an account that is to get a code or tokens (DECISIONS 23).

A look that is too old is made again, outside of any transaction and once for a request. While the
directory does not answer, apps go on for `max_offline`; nobody waits for one that did not answer a
moment ago. An account that it does not find loses what it holds, and nothing else before
a sync says more.
"""

from datetime import datetime, timedelta
from enum import Enum, auto

from connectors.port import ConnectorError, LoginAmbiguous
from idp.config import Connector
from idp.core.directory_accounts import lose_sight, take_look
from idp.core.directory_sign_in import find_connector
from idp.core.last_looks import LastLook
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


class Looked(Enum):
    """Whether the directory was asked for a request already, and answered."""

    NOT_YET = auto()
    ANSWERED = auto()
    SILENT = auto()


def is_unchecked(uow: UnitOfWork, look: LastLook | None, *, looked: Looked) -> bool:
    """Tell whether the directory of an account was not asked for longer than it may be.

    Args:
        look: the last one; None for the account of no directory.

    Raises:
        RecheckDue: it should be asked now; only before anything is written.
    """
    if look is None or looked is Looked.ANSWERED:
        return False
    connector = find_connector(uow.runtime, uow.realm, look.connector)
    if connector is None or look.stable_id is None:
        return _is_older(look.checked_at, _MAX_OFFLINE, uow.now)
    if not _is_older(look.checked_at, connector.recheck, uow.now):
        return False
    if looked is Looked.NOT_YET and not uow.runtime.outages.is_down(look.connector, uow.now):
        raise RecheckDue(look.user_id, look.connector, look.stable_id)
    return _is_older(look.checked_at, connector.max_offline, uow.now)


def recheck(
    runtime: Runtime, realm: RealmName, due: RecheckDue, trace: Trace = NO_TRACE
) -> str | None:
    """Ask a directory about an account and take over what it says; holds no transaction meanwhile.

    Returns:
        For the log, why the directory could not tell; None when it did.
    """
    asked_at = runtime.clock.now()
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
            lose_sight(uow, due.user_id, seen_at=asked_at)
        else:
            take_look(uow, due.user_id, entry, seen_at=asked_at)
    return None


def _is_older(checked_at: datetime | None, age: timedelta, now: datetime) -> bool:
    return checked_at is None or now - checked_at > age
