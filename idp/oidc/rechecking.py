"""Asking a directory about an account between two tries at one request."""

import structlog

from idp.core.directory_recheck import Looked, RecheckDue, recheck
from idp.http.visit import Visit

_log = structlog.get_logger("idp.oidc")


def look_again(visit: Visit, due: RecheckDue) -> Looked:
    """Ask, outside of any transaction, and tell whether there was an answer."""
    silent = recheck(visit.runtime, visit.realm, due, visit.trace)
    if silent is None:
        return Looked.ANSWERED
    _log.warning("directory is down", connector=due.connector, detail=silent)
    return Looked.SILENT
