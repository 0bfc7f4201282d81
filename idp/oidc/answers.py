"""Answers of the authorize endpoint: by redirect or by a form that posts itself, always with `iss`.

Spec: RFC 6749 4.1.2; RFC 9207 2; OAuth 2.0 Form Post Response Mode 2.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import flask
from authlib.oauth2 import OAuth2Error
from flask import Response

from idp.core.authorizations import form_target
from idp.core.clients import Client
from idp.http.errors import error_page
from idp.http.visit import Visit


@dataclass(frozen=True, slots=True)
class ReturnAddress:
    """Where and how the client waits for its answer."""

    redirect_uri: str
    response_mode: str
    state: str | None


def answer_client(
    visit: Visit, client: Client, to: ReturnAddress, members: Mapping[str, str]
) -> Response:
    """Return `members`, the unchanged state and the issuer to the client."""
    fields = dict(members)
    if to.state is not None:
        fields["state"] = to.state
    fields["iss"] = visit.url()
    if to.response_mode == "form_post":
        return _form(visit, client, to.redirect_uri, fields)
    return redirect(with_query(to.redirect_uri, fields))


def answer_error(visit: Visit, client: Client, to: ReturnAddress, error: OAuth2Error) -> Response:
    """Return an OAuth error to the client."""
    members = {"error": error.error or "server_error"}
    if error.description:
        members["error_description"] = error.description
    return answer_client(visit, client, to, members)


def refuse_page(message: str, status: int = 400) -> Response:
    """Return the page for a request that must not go back to where it claims to come from."""
    return error_page(status, title="This app cannot sign you in", message=message)


def redirect(location: str) -> Response:
    """Return a 303 that no cache keeps; the method of what comes next is always GET."""
    response = Response(status=303)
    response.headers["Location"] = location
    return response


def with_query(uri: str, fields: Mapping[str, str]) -> str:
    """Return `uri` with more parameters; each value arrives byte for byte."""
    query = urlencode(fields, quote_via=quote, safe="")
    return f"{uri}{'&' if '?' in uri else '?'}{query}"


def _form(visit: Visit, client: Client, action: str, fields: Mapping[str, str]) -> Response:
    visit.form_action.append(form_target(action))
    page = flask.render_template(
        "form_post.html", action=action, fields=list(fields.items()), client_name=client.name
    )
    return flask.make_response(page)
