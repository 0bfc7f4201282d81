"""The OpenAPI document: made from the endpoints, so it cannot say anything else than they do.

Spec: OpenAPI 3.1.1.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from apiflask import APIFlask

from idp.api import problems
from idp.api.description import SCHEME
from idp.api.endpoints import Endpoint
from idp.api.repeats import HEADER

Document = dict[str, Any]

_SCHEMAS = "#/components/schemas/"
_RESPONSES = "#/components/responses/"
_ANY = "default"
_REFUSALS = ("400", "401", "403", "404", "409", "412", "413", "415", "422", "428", _ANY)
_SCHEMES = {
    SCHEME: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token of the staff issuer for the audience `{url}/admin/api`: "
        "of an administrator, or of a service by client credentials.",
    }
}
_HEADERS: Mapping[str, Document] = {
    "If-Match": {
        "name": "If-Match",
        "in": "header",
        "description": "The ETag that the change was made of.",
        "schema": {"type": "string", "examples": ['"v3"']},
    },
    HEADER: {
        "name": HEADER,
        "in": "header",
        "required": False,
        "description": "Chosen by the caller; the same request under the same key within 24 hours "
        "is done once and gets the same answer.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    },
}
_EMPTY: tuple[str, Document] = ("content", {})
_ID = {"type": "string", "format": "uuid"}
_PATH: Mapping[str, Document] = {
    "realm": {"type": "string", "examples": ["staff", "portal"]},
    "client_id": {"type": "string", "pattern": "^[A-Za-z0-9._~:-]{1,128}$"},
    "kid": {"type": "string"},
    "number": {"type": "integer", "minimum": 0},
}
"""What the arguments of paths look like; any other one is the id of something."""


def configure(app: APIFlask) -> None:
    """Let the document hold what endpoints say, and nothing that is guessed."""
    app.config.update(
        SECURITY_SCHEMES=_SCHEMES,
        SERVERS=[{"url": ".", "description": "This server."}],
        AUTO_SERVERS=False,
        AUTO_TAGS=False,
        AUTO_OPERATION_SUMMARY=False,
        AUTO_OPERATION_DESCRIPTION=False,
        AUTO_404_RESPONSE=False,
        AUTO_VALIDATION_ERROR_RESPONSE=False,
        AUTO_AUTH_ERROR_RESPONSE=False,
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]


def complete(document: Document, endpoints: Iterable[Endpoint]) -> Document:
    """Return the document with what the framework cannot know: headers, forms, problems."""
    components = document["components"]
    components["schemas"]["Problem"] = problems.Problem.model_json_schema()
    components["responses"] = {_response_name(name): _refusal(name) for name in _REFUSALS}
    operations = {
        operation["operationId"]: operation
        for path in document["paths"].values()
        for operation in path.values()
    }
    for endpoint in endpoints:
        operation = operations[endpoint.operation]
        operation["parameters"] += _header_parameters(endpoint)
        operation["responses"] |= {
            name: {"$ref": f"{_RESPONSES}{_response_name(name)}"} for name in _refusals(endpoint)
        }
        for parameter in operation["parameters"]:
            _mend_parameter(parameter)
        if endpoint.taken_body is not None:
            operation["requestBody"]["required"] = _needs_body(endpoint)
    document["paths"] = dict(sorted(document["paths"].items()))
    tidied: Document = _without_noise(_each_shape_once(document))
    return tidied


def _refusals(endpoint: Endpoint) -> list[str]:
    """Return the statuses that an endpoint may refuse with."""
    statuses = [401, 403, 422]
    if "<" in endpoint.path:
        statuses.append(404)
    if endpoint.taken_body is not None:
        statuses += [400, 413, 415]
    if endpoint.is_writing:
        statuses.append(409)
    if endpoint.if_match != "ignored":
        statuses.append(412)
    if endpoint.if_match == "required":
        statuses.append(428)
    return [*map(str, sorted(statuses)), _ANY]


def _refusal(name: str) -> Document:
    description = "Any other refusal" if name == _ANY else problems.title_of(int(name))
    content = {problems.MEDIA_TYPE: {"schema": {"$ref": f"{_SCHEMAS}Problem"}}}
    return {"description": description, "content": content}


def _response_name(name: str) -> str:
    return f"Refused{name.title()}"


def _header_parameters(endpoint: Endpoint) -> list[Document]:
    found = []
    if endpoint.if_match != "ignored":
        found.append({**_HEADERS["If-Match"], "required": endpoint.if_match == "required"})
    if endpoint.is_repeatable:
        found.append(dict(_HEADERS[HEADER]))
    return found


def _mend_parameter(parameter: Document) -> None:
    """Say what a path's argument looks like, and give each description its own place."""
    if parameter["in"] == "path":
        parameter["required"] = True
        parameter["schema"] = dict(_PATH.get(parameter["name"], _ID))
    description = parameter["schema"].pop("description", None)
    if description is not None:
        parameter["description"] = description


def _needs_body(endpoint: Endpoint) -> bool:
    fields = endpoint.body.model_fields if endpoint.body is not None else {}
    return any(field.is_required() for field in fields.values())


def _each_shape_once(document: Document) -> Document:
    """Return the document with each shape under its plain name.

    The framework keeps a copy of a nested shape for each shape around it, as `Around.Nested`.
    """
    text = json.dumps(document)
    for name in document["components"]["schemas"]:
        text = text.replace(f'"{_SCHEMAS}{name}"', f'"{_SCHEMAS}{_plain(name)}"')
    found: Document = json.loads(text)
    schemas = found["components"]["schemas"]
    found["components"]["schemas"] = {
        _plain(name): schemas[name] for name in sorted(schemas, key=_plain)
    }
    return found


def _plain(name: str) -> str:
    return name.rpartition(".")[2]


def _without_noise(value: Any) -> Any:  # noqa: ANN401 - any part of a document
    """Return a document without the titles that only spell a member's name again, and the like."""
    match value:
        case dict() if "openapi" in value:
            info = value["info"]
            return {**{name: _without_noise(part) for name, part in value.items()}, "info": info}
        case dict():
            return {
                name: _without_noise(part)
                for name, part in value.items()
                if not (name == "title" and isinstance(part, str)) and (name, part) != _EMPTY
            }
        case list():
            return [_without_noise(part) for part in value]
        case _:
            return value
