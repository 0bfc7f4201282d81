"""Forms as they came: decoded strictly, each field at most once, nothing a database would refuse.

Werkzeug reads a malformed form as an empty one, or keeps the malformed bytes as text; a page must
say instead that the form was not understood.
"""

from urllib.parse import parse_qsl

import flask
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

_FORM_TYPE = "application/x-www-form-urlencoded"
_MAX_FIELDS = 100


def check_form() -> None:
    """Refuse a body that is not a well-formed form, before anything in it is believed.

    Raises:
        UnsupportedMediaType: it does not say that it is a form.
        RequestEntityTooLarge: it is larger than the application takes.
        BadRequest: it is not UTF-8, has a NUL or too many fields, or names one twice.

    Spec: WHATWG URL 5.1 (`application/x-www-form-urlencoded`).
    """
    request = flask.request
    if request.mimetype != _FORM_TYPE:
        raise UnsupportedMediaType
    try:
        pairs = parse_qsl(
            request.get_data().decode("utf-8"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MAX_FIELDS,
        )
    except ValueError as error:
        raise BadRequest from error
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)) or any("\0" in name + value for name, value in pairs):
        raise BadRequest


def field(name: str) -> str:
    """Return the value of a field of a checked form, or "" when it was not sent."""
    return flask.request.form.get(name, "")
