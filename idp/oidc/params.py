"""Parameters as they came: decoded strictly, empty ones left out, repeated ones remembered."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

import flask

MAX_PARAMETERS = 100
FORM_TYPE = "application/x-www-form-urlencoded"


class MalformedParametersError(Exception):
    """The parameters cannot be read at all: not UTF-8, too many, or with a NUL."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of one request.

    Attributes:
        values: by name; a parameter without a value is as if it had not been sent.
        names: every name that was sent, with or without a value.
        repeated: the names that were sent more than once.

    Spec: RFC 6749 3.1, 3.2.
    """

    values: Mapping[str, str]
    names: frozenset[str]
    repeated: frozenset[str]

    def get(self, name: str) -> str | None:
        """Return a parameter's value, or None."""
        return self.values.get(name)


def parse_parameters(encoded: bytes) -> Parameters:
    """Return the parameters of a query or a form body.

    Raises:
        MalformedParametersError: they cannot be read.

    Spec: RFC 6749 appendix B.
    """
    try:
        pairs = parse_qsl(
            encoded.decode("utf-8"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_PARAMETERS,
        )
    except ValueError as error:
        raise MalformedParametersError from error
    values: dict[str, str] = {}
    seen: set[str] = set()
    repeated: set[str] = set()
    for name, value in pairs:
        if "\0" in name or "\0" in value:
            raise MalformedParametersError
        (repeated if name in seen else seen).add(name)
        if value:
            values.setdefault(name, value)
    return Parameters(values, frozenset(seen), frozenset(repeated))


def query_or_form() -> Parameters:
    """Return what a browser sent by GET, or by POST (where the query counts too).

    Raises:
        MalformedParametersError: they cannot be read, or the body is not a form.
    """
    request = flask.request
    if request.method != "POST":
        return parse_parameters(request.query_string)
    if not is_form():
        raise MalformedParametersError
    return parse_parameters(b"&".join(filter(None, (request.query_string, request.get_data()))))


def is_form() -> bool:
    """Tell whether the request's body says it is a form."""
    return flask.request.mimetype == FORM_TYPE
