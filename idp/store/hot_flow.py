"""The statements of an authorization request that is under way in a browser.

They are Core statements over tables, so each binds the realm itself (ring one is here by hand).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from idp.store.base import run, table_of
from idp.store.clients import ClientRow
from idp.store.flow import AuthorizationRequestRow

_request = table_of(AuthorizationRequestRow)
_client = table_of(ClientRow)

_FACTS = (
    sa.select(
        _request.c.browser_hash,
        _request.c.client_id,
        _request.c.params,
        _request.c.session_id,
        _request.c.authenticated_at,
        _request.c.consented,
        _request.c.is_attended,
        _request.c.created_at,
        _request.c.expires_at,
        _request.c.finished_at,
        _client.c.version.label("client_version"),
    )
    .join_from(
        _request,
        _client,
        sa.and_(_client.c.realm == _request.c.realm, _client.c.client_id == _request.c.client_id),
    )
    .where(_request.c.realm == sa.bindparam("realm"), _request.c.id_hash == sa.bindparam("hash"))
)
_ADD = sa.insert(_request)
_CHANGE = sa.update(_request).where(
    _request.c.realm == sa.bindparam("in_realm"), _request.c.id_hash == sa.bindparam("which")
)
_BIND = _CHANGE.where(_request.c.browser_hash == sa.bindparam("unbound"))
_FINISH = _CHANGE.where(_request.c.finished_at.is_(None))


def add_request(db: Session, realm: str, **columns: object) -> None:
    """Store a request (columns of `AuthorizationRequestRow`)."""
    run(db, _ADD, {"realm": realm, **columns})


def request_facts(db: Session, realm: str, id_hash: str) -> Row[Any] | None:
    """Read a request with the version of its client; None when it is unknown."""
    return run(db, _FACTS, {"realm": realm, "hash": id_hash}).first()


def change_request(db: Session, realm: str, id_hash: str, columns: Mapping[str, object]) -> None:
    """Write columns of a request."""
    run(db, _CHANGE, {"in_realm": realm, "which": id_hash, **columns})


def bind_request(db: Session, realm: str, id_hash: str, *, unbound: str, browser_hash: str) -> bool:
    """Bind a request to a browser if it still is `unbound`; tell whether this call did."""
    params = {"in_realm": realm, "which": id_hash, "unbound": unbound, "browser_hash": browser_hash}
    return run(db, _BIND, params).rowcount == 1


def finish_request(db: Session, realm: str, id_hash: str, *, at: datetime) -> bool:
    """End a request if it still is open; tell whether this call did."""
    return run(db, _FINISH, {"in_realm": realm, "which": id_hash, "finished_at": at}).rowcount == 1
