"""RP-initiated logout: at once when an app proves it knows the session, else after a question.

Spec: RP-Initiated Logout 2, 3, 4, 6.
"""

from contextlib import suppress
from dataclasses import dataclass

import flask
from flask import Response

from idp.core.authorizations import form_target
from idp.core.claim_facts import get_claim_facts
from idp.core.clients import Client, find_client
from idp.core.sessions import SignedIn, sign_out
from idp.core.work import UnitOfWork
from idp.errors import NotFound
from idp.http.csrf import check_csrf
from idp.http.errors import error_page
from idp.http.visit import Visit, current_visit
from idp.oidc.answers import redirect, with_query
from idp.oidc.hints import IdTokenHint, find_hint
from idp.oidc.params import (
    MalformedParametersError,
    Parameters,
    parse_parameters,
    query_or_form,
)

_CARRIED = ("client_id", "post_logout_redirect_uri", "state")


class _RefusedError(Exception):
    """The request cannot be followed; nothing was changed."""


@dataclass(frozen=True, slots=True)
class _Wish:
    """A checked logout request; `return_url` is registered, and carries the state."""

    client: Client | None
    hint: IdTokenHint | None
    return_url: str | None
    params: Parameters


def logout(realm: str) -> Response:
    """Answer `/logout`."""
    if flask.request.method == "HEAD":
        return Response()
    visit = current_visit()
    try:
        params = query_or_form()
        if flask.request.method == "POST" and not params.repeated:
            # A cross-site POST comes without cookies (SameSite=Lax); the GET that follows has them.
            return redirect(with_query(visit.url("/logout"), params.values))
        with visit.work() as uow:
            return _answer(visit, uow, _check(uow, params))
    except (MalformedParametersError, _RefusedError):
        return _refused()


def confirm_logout(realm: str) -> Response:
    """Answer the question whether to sign out."""
    visit = current_visit()
    body = flask.request.get_data()  # kept: reading the form would use it up
    check_csrf(visit)
    try:
        params = parse_parameters(body)
        with visit.work() as uow:
            wish = _check(uow, params)
            return _end(visit, uow, wish, visit.signed_in(uow))
    except (MalformedParametersError, _RefusedError):
        return _refused()


def _check(uow: UnitOfWork, params: Parameters) -> _Wish:
    if params.repeated:
        raise _RefusedError
    raw = params.get("id_token_hint")
    hint = None if raw is None else find_hint(uow, raw)
    named = params.get("client_id")
    if hint is not None and named is not None and named != hint.client_id:
        raise _RefusedError
    client_id = hint.client_id if hint is not None else named
    client = None if client_id is None else find_client(uow, client_id)
    return _Wish(client, hint, _return_url(client, params), params)


def _return_url(client: Client | None, params: Parameters) -> str | None:
    uri = params.get("post_logout_redirect_uri")
    if uri is None:
        return None
    if client is None or uri not in client.post_logout_redirect_uris:
        raise _RefusedError
    state = params.get("state")
    return uri if state is None else with_query(uri, {"state": state})


def _answer(visit: Visit, uow: UnitOfWork, wish: _Wish) -> Response:
    signed_in = visit.signed_in(uow)
    is_vouched = (
        signed_in is not None
        and wish.hint is not None
        and ((wish.hint.sid, wish.hint.sub) == (signed_in.session.id, signed_in.account.sub))
    )
    is_nobody = signed_in is None and wish.hint is not None
    if is_vouched or is_nobody or (signed_in is None and wish.return_url is None):
        return _end(visit, uow, wish, signed_in)
    return _ask(visit, uow, wish, signed_in)


def _ask(visit: Visit, uow: UnitOfWork, wish: _Wish, signed_in: SignedIn | None) -> Response:
    """Ask the person. No app vouches for the wish: any page could have sent the browser here."""
    values = wish.params.values
    if wish.return_url is not None:
        visit.form_action.append(form_target(wish.return_url))
    fields = [(name, values[name]) for name in _CARRIED if name in values]
    if wish.client is not None:
        fields = [pair for pair in fields if pair[0] != "client_id"]
        fields.append(("client_id", wish.client.id))
    username = None
    if signed_in is not None:
        facts = get_claim_facts(uow, signed_in.session.user_id, with_groups=False)
        username = facts.username
    page = flask.render_template(
        "sign_out.html",
        action=visit.url("/logout/confirm"),
        username=username,
        client_name=wish.client.name if wish.client else None,
        cancel_url=visit.url("/account"),
        fields=fields,
    )
    return flask.make_response(page)


def _end(visit: Visit, uow: UnitOfWork, wish: _Wish, signed_in: SignedIn | None) -> Response:
    """End the session; codes and families under it die with it."""
    if signed_in is not None:
        with suppress(NotFound):  # ended meanwhile, in another window
            sign_out(uow, signed_in.session.user_id, signed_in.session.id)
    visit.cookies.clear_session()
    if wish.return_url is not None:
        return redirect(wish.return_url)
    page = flask.render_template(
        "signed_out.html",
        client_name=wish.client.name if wish.client else None,
        return_url=None,
    )
    return flask.make_response(page)


def _refused() -> Response:
    return error_page(
        400,
        title="You are still signed in",
        message="The app sent a sign-out request that does not fit its registration. "
        "To sign out, use your account page.",
    )
