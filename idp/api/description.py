"""What an endpoint tells the framework: the shapes it reads by, and its part of the document."""

import inspect
from collections.abc import Callable
from typing import Any

from apiflask import APIFlask
from flask import Response

from idp.api.endpoints import Endpoint
from idp.core.roles import AdminRole

SCHEME = "bearer"
_TEXT = {"schema": {"type": "string"}}
_ETAG = {"ETag": {"description": "The version, for If-Match.", "schema": {"type": "string"}}}


def describe(
    app: APIFlask, endpoint: Endpoint, act: Callable[..., Response]
) -> Callable[..., Response]:
    """Return `act` reading its input by the endpoint's shapes, and known to the document."""
    view: Any = act
    if endpoint.answer is not None:
        view = app.output(endpoint.answer, status_code=endpoint.status)(view)
    if endpoint.taken_body is not None:
        view = app.input(endpoint.taken_body, location="json", arg_name="body")(view)
    view = app.input(endpoint.taken_query, location="query", arg_name="query")(view)
    summary, _, description = inspect.cleandoc(endpoint.act.__doc__ or "").partition("\n")
    described: Callable[..., Response] = app.doc(
        summary=summary.removesuffix("."),
        description=description.strip() or None,
        tags=[endpoint.tag],
        operation_id=endpoint.operation,
        responses=_success(endpoint),
        security=[{SCHEME: [scope]} for scope in endpoint.any_of],
        extensions={"x-roles": _roles(endpoint)},
    )(view)
    return described


def _roles(endpoint: Endpoint) -> list[str]:
    roles = (AdminRole.OWNER,) if endpoint.is_writing else (AdminRole.OWNER, AdminRole.AUDITOR)
    return [role.value for role in roles]


def _success(endpoint: Endpoint) -> dict[int, Any]:
    success: dict[str, Any] = {"description": "Done"}
    if endpoint.gives_etag:
        success["headers"] = _ETAG
    if endpoint.media_type is not None:
        return {endpoint.status: success | {"content": {endpoint.media_type: _TEXT}}}
    return {204 if endpoint.answer is None else endpoint.status: success}
