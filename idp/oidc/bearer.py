"""The one access token of a request to a protected resource.

Spec: RFC 6750 2.1, 2.2, 3.
"""

import re

import flask

from idp.oidc.errors import BearerError
from idp.oidc.params import MalformedParametersError, is_form, parse_parameters

_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE | re.ASCII)


def bearer_token() -> str:
    """Return the token from the header, or from the form body of a POST; never from the address.

    Raises:
        BearerError: there is none, more than one, or it is malformed.
    """
    header = flask.request.headers.get("Authorization")
    posted = _posted()
    if header is not None and posted is not None:
        raise BearerError("invalid_request", "There is more than one token.", 400)
    if posted is not None:
        return posted
    if header is None:
        raise BearerError("unauthorized", "An access token is needed.", 401)
    found = _BEARER.fullmatch(header)
    if found is None:
        raise BearerError("invalid_token", "This is not an access token.", 401)
    return found[1]


def _posted() -> str | None:
    if flask.request.method != "POST" or not is_form():
        return None
    try:
        params = parse_parameters(flask.request.get_data())
    except MalformedParametersError as error:
        raise BearerError("invalid_request", "The body cannot be read.", 400) from error
    if params.repeated:
        raise BearerError("invalid_request", "A parameter is there more than once.", 400)
    return params.get("access_token")
