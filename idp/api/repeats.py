"""`Idempotency-Key`: a request that is sent again gets the answer of the first time.

Two at the same moment: one does the work, the other waits for its answer.
"""

import json
import re
import time
from collections.abc import Callable, Mapping

import flask
from flask import Response

from idp.core.idempotency import (
    Claimed,
    KeptAnswer,
    KeyedRequest,
    KeyReused,
    UnderWay,
    claim_key,
    drop_claim,
    finish_claim,
)
from idp.core.roles import ADMIN_REALM
from idp.core.runtime import Runtime
from idp.core.work import Actor
from idp.errors import Conflict, InvalidInput
from idp.ids import hash_token

HEADER = "Idempotency-Key"
_FORM = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?", re.ASCII)
_KEPT_HEADERS = ("ETag", "Location")
_PATIENCE_S = 20.0
_PAUSE_S = 0.05


def answer_once(runtime: Runtime, actor: Actor, key: str, act: Callable[[], Response]) -> Response:
    """Do `act` once for all requests of `actor` that are the same and carry the same key.

    A refusal is not kept: the same request may be tried again.

    Raises:
        InvalidInput: `idempotency.bad_key`; `idempotency.key_reused`, for another request.
        Conflict: `idempotency.under_way`: the first is still being answered after a while.
    """
    keyed = _keyed(actor, key)
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        match claim_key(runtime, ADMIN_REALM, keyed):
            case Claimed():
                return _do(runtime, keyed, act)
            case KeptAnswer(status, body, headers):
                return _again(status, body, headers)
            case KeyReused():
                raise InvalidInput("idempotency.key_reused")
            case UnderWay():
                if time.monotonic() > deadline:
                    raise Conflict("idempotency.under_way")
                time.sleep(_PAUSE_S)


def _keyed(actor: Actor, key: str) -> KeyedRequest:
    if not _FORM.fullmatch(key):
        raise InvalidInput("idempotency.bad_key")
    request = flask.request
    body = json.dumps(request.get_json(), sort_keys=True)
    content = "\n".join((request.method, request.path, body))
    return KeyedRequest(
        actor_id=f"{actor.kind}:{actor.id}",
        key_hash=hash_token(key),
        content=content.encode(),
    )


def _do(runtime: Runtime, keyed: KeyedRequest, act: Callable[[], Response]) -> Response:
    try:
        response = act()
    except BaseException:
        drop_claim(runtime, ADMIN_REALM, keyed)
        raise
    body = response.get_json(silent=True)
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    finish_claim(runtime, ADMIN_REALM, keyed, KeptAnswer(response.status_code, body, headers))
    return response


def _again(status: int, body: Mapping[str, object] | None, headers: Mapping[str, str]) -> Response:
    response = flask.jsonify(body) if body is not None else Response()
    response.status_code = status
    response.headers.update(headers)
    response.headers["Idempotent-Replayed"] = "true"
    return response
