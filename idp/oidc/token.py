"""The token endpoint.

Spec: RFC 6749 3.2, 5.
"""

from typing import cast

import flask
from flask import Response

from idp.http.visit import current_visit
from idp.oidc.cors import allow_origin
from idp.oidc.errors import InvalidRequestError
from idp.oidc.params import MalformedParametersError, Parameters, is_form, parse_parameters
from idp.oidc.server import OAuthServer, TokenRequest


def body_parameters() -> Parameters:
    """Return the parameters of a form body; nothing counts that stands in the address.

    Raises:
        InvalidRequestError: it is no form, cannot be read, or repeats a parameter.
    """
    request = flask.request
    if request.query_string:
        raise InvalidRequestError("Parameters belong in the body, not in the address.")
    if not is_form():
        raise InvalidRequestError("The body must be application/x-www-form-urlencoded.")
    try:
        params = parse_parameters(request.get_data())
    except MalformedParametersError as error:
        raise InvalidRequestError("The body cannot be read.") from error
    if params.repeated:
        raise InvalidRequestError("A parameter is there more than once.")
    return params


def token(server: OAuthServer) -> Response:
    """Answer `POST /token`."""
    visit = current_visit()
    params = body_parameters()
    if params.get("grant_type") is None:
        raise InvalidRequestError("grant_type is missing.")
    request = TokenRequest(visit, params)
    # Authlib's stub says a triple; its server returns what `handle_response` makes.
    response = cast("Response", server.create_token_response(request))
    return allow_origin(response, request.known_client)
