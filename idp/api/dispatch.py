"""From a request to an operation: who calls, may they, what do they say, then the act.

Every endpoint passes here, so none can leave a step out. Nothing of the body is read before the
caller is let in.
"""

import functools
import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import flask
from apiflask import APIFlask
from flask import Response
from pydantic import BaseModel

from idp.api.access import Caller, authenticate, record_refusal
from idp.api.description import describe
from idp.api.endpoints import Answer, Call, Endpoint
from idp.api.repeats import HEADER, answer_once
from idp.core.names import is_storable
from idp.core.roles import ADMIN_REALM
from idp.core.runtime import Runtime
from idp.core.work import Trace
from idp.errors import Forbidden, InvalidInput, NotFound
from idp.http.guards import client_address
from idp.http.visit import request_id
from idp.ids import RealmName

_JSON = "application/json"
_NO_CONTENT = 204


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Puts endpoints onto an application and answers their requests."""

    app: APIFlask
    runtime: Runtime
    document: Callable[[], Mapping[str, Any]]

    def add(self, endpoint: Endpoint) -> None:
        """Give `endpoint` its address, its guard and its place in the document."""
        read = describe(self.app, endpoint, functools.partial(self._act, endpoint))

        @functools.wraps(read)
        def view(**path: Any) -> Response:  # noqa: ANN401 - what the rule says
            caller = authenticate(self.runtime, flask.request.headers.get("Authorization"))
            trace = self._trace()
            try:
                caller.require_role(to_write=endpoint.is_writing)
                caller.require(*endpoint.any_of)
                call = self._call(endpoint, caller, trace, path)
                answered: Response = read(call=call, **path)
            except Forbidden as error:
                record_refusal(self.runtime, caller, trace, error, endpoint.operation)
                raise
            return answered

        self.app.add_url_rule(
            endpoint.path,
            endpoint=f"api.{endpoint.operation}",
            view_func=view,
            methods=[endpoint.method],
            provide_automatic_options=False,
        )

    def _call(self, endpoint: Endpoint, caller: Caller, trace: Trace, path: dict[str, Any]) -> Call:
        """Return the call, with the realm taken out of the path; then the rest may be read."""
        request = flask.request
        realm = self._realm(endpoint, path)
        _check_query()
        request.max_content_length = endpoint.most_bytes
        return Call(
            runtime=self.runtime,
            realm=realm,
            caller=caller,
            trace=trace,
            if_match=request.headers.get("If-Match"),
            document=self.document,
        )

    def _realm(self, endpoint: Endpoint, path: dict[str, Any]) -> RealmName:
        if "realm" in path:
            realm = path.pop("realm")
            if realm not in self.runtime.config.realms:
                raise NotFound("realm.not_found")
            return RealmName(realm)
        if endpoint.find_realm is not None:
            return endpoint.find_realm(self.runtime, **path)
        return ADMIN_REALM

    def _trace(self) -> Trace:
        proxies = self.runtime.config.server.trusted_proxies
        trace = flask.g.trace = Trace(
            request_id=request_id(),
            address=client_address(tuple(map(ipaddress.ip_network, proxies))),
            user_agent=flask.request.headers.get("User-Agent"),
        )
        return trace

    def _act(self, endpoint: Endpoint, *, call: Call, **arguments: Any) -> Response:  # noqa: ANN401 - the path's
        if endpoint.body is None:
            arguments.pop("body", None)
        if endpoint.query is None:
            arguments.pop("query", None)

        def act() -> Response:
            return _response(endpoint, endpoint.act(call, **arguments))

        key = flask.request.headers.get(HEADER)
        if endpoint.is_repeatable and key is not None:
            return answer_once(self.runtime, call.caller.actor, key, act)
        return act()


def _check_query() -> None:
    """Refuse what no query may be: a parameter twice, or text that no database takes."""
    arguments = flask.request.args
    problems = [
        {"in": "query", "field": name[:100], "reason": "must stand once, as text"}
        for name, values in arguments.lists()
        if len(values) > 1 or not all(map(is_storable, (name, *values)))
    ]
    if problems:
        raise InvalidInput("request.invalid", problems=problems)


def _response(endpoint: Endpoint, answer: Answer) -> Response:
    if answer.text is not None:
        content_type = f"{endpoint.media_type}; charset=utf-8"
        headers = dict(answer.headers)
        return Response(answer.text, endpoint.status, headers, content_type=content_type)
    if answer.body is None:
        status = _NO_CONTENT if endpoint.answer is None else endpoint.status
        return Response(status=status, headers=dict(answer.headers))
    if isinstance(answer.body, BaseModel):
        text = answer.body.model_dump_json()
    else:
        text = flask.json.dumps(answer.body)
    return Response(text, endpoint.status, dict(answer.headers), content_type=_JSON)
