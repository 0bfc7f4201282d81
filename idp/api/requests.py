"""Requests as this interface takes them: JSON in UTF-8, each member named once, storable text."""

import json
from typing import Any

from flask import Request
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import UnsupportedMediaType

from idp.api.problems import BadBody
from idp.core.names import is_storable

_JSON = "application/json"


class StrictJson(DefaultJSONProvider):
    """JSON that means one thing only."""

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:  # noqa: ANN401 - Flask's signature
        """Return the value of a document.

        Raises:
            ValueError: it is not UTF-8 or not JSON, nested too deeply, names a member twice, or
                holds text that no database takes.

        Spec: RFC 8259 4, 8.1; RFC 7493 2.
        """
        text = s if isinstance(s, str) else s.decode("utf-8")
        try:
            found = json.loads(text, object_pairs_hook=_once_each, parse_constant=_refuse, **kwargs)
            # Only an escape can bring in a NUL or half of a surrogate pair.
            if "\\u" in text and not _is_storable(found):
                msg = "holds text that cannot be stored"
                raise ValueError(msg)
        except RecursionError as error:
            msg = "is nested too deeply"
            raise ValueError(msg) from error
        return found


class ApiRequest(Request):
    """A request whose body, if there is one, is a JSON document."""

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:  # noqa: ANN401, FBT001, FBT002 - Flask's signature
        """Return the body's value; an empty object when there is no body.

        Raises:
            UnsupportedMediaType: the body says that it is something else.
            BadBody: it is not JSON.
        """
        del force
        if not self.get_data(cache=True):
            return {}
        if self.mimetype != _JSON:
            raise UnsupportedMediaType
        return super().get_json(silent=silent, cache=cache)

    def on_json_loading_failed(self, e: ValueError | None) -> Any:  # noqa: ANN401 - Flask's signature
        """Refuse a body that is not JSON."""
        raise BadBody from e


def _once_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        msg = "names a member twice"
        raise ValueError(msg)
    return members


def _refuse(name: str) -> object:
    msg = f"{name} is not JSON"
    raise ValueError(msg)


def _is_storable(value: object) -> bool:
    match value:
        case str():
            return is_storable(value)
        case dict():
            return all(is_storable(name) and _is_storable(item) for name, item in value.items())
        case list():
            return all(map(_is_storable, value))
        case _:
            return True
