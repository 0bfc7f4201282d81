"""The authorize endpoint and the dispatcher behind it.

A request is checked once. If no screen is needed it is answered at once; otherwise it is stored,
the browser gets its opaque id, and every screen leads back here until nothing is left to ask.

Spec: RFC 6749 4.1; OIDC Core 3.1.2; RFC 9700 4.12 (303 only).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import flask
from authlib.oauth2 import OAuth2Error
from flask import Response

from idp.core.authorizations import (
    AuthorizationRequest,
    NewRequest,
    attend_request,
    find_client_of,
    find_request,
    finish_request,
    store_request,
)
from idp.core.client_groups import keeps_out
from idp.core.clients import Client, find_client
from idp.core.codes import CodeGrant, issue_code
from idp.core.consents import missing_scopes
from idp.core.decisions import decide
from idp.core.directory_recheck import Looked, RecheckDue, is_unchecked
from idp.core.flow import FlowFacts, next_prompt
from idp.core.gate import Cleared
from idp.core.sessions import SignedIn, touch_session
from idp.core.work import UnitOfWork
from idp.http.visit import Visit, current_visit
from idp.http.way_back import sign_in_over
from idp.oidc.answers import (
    ReturnAddress,
    answer_client,
    answer_error,
    redirect,
    refuse_page,
)
from idp.oidc.authorize_checks import AuthorizeError, Question, answer_mode, check_request
from idp.oidc.params import MalformedParametersError, Parameters, query_or_form
from idp.oidc.rechecking import look_again


@dataclass(frozen=True, slots=True)
class _Turn:
    """One look at a request: who asks, what, and who is signed in."""

    visit: Visit
    uow: UnitOfWork
    client: Client
    request: NewRequest
    looked: Looked

    @property
    def stored(self) -> AuthorizationRequest | None:
        """The request as it is stored, if it needed a screen before."""
        return self.request if isinstance(self.request, AuthorizationRequest) else None

    @property
    def to(self) -> ReturnAddress:
        """Where the client waits."""
        request = self.request
        return ReturnAddress(request.redirect_uri, request.response_mode, request.state)


def authorize(realm: str) -> Response:
    """Answer `/authorize`."""
    if flask.request.method == "HEAD":
        return Response()
    visit = current_visit()
    try:
        params = query_or_form()
    except MalformedParametersError:
        return refuse_page("The app sent a request that cannot be read.")
    return _answer(visit, partial(_begin, params=params))


def interaction(realm: str, request_id: str) -> Response:
    """Answer `/interaction/ID`: what comes next for a request under way."""
    if flask.request.method == "HEAD":
        return Response()
    return _answer(current_visit(), partial(_go_on, request_id=request_id))


def _answer(visit: Visit, step: Callable[[Visit, UnitOfWork, Looked], Response]) -> Response:
    """Take a step; where a directory has to be asked first, roll back, ask, and take it anew."""
    try:
        with visit.work() as uow:
            return step(visit, uow, Looked.NOT_YET)
    except RecheckDue as due:
        looked = look_again(visit, due)
    with visit.work() as uow:
        return step(visit, uow, looked)


def _go_on(visit: Visit, uow: UnitOfWork, looked: Looked, *, request_id: str) -> Response:
    request = find_request(uow, request_id, visit.browser)
    client = None if request is None else find_client_of(uow, request)
    if request is None or client is None:
        return sign_in_over(visit, uow, request_id)
    turn = _Turn(visit, uow, client, request, looked)
    if request.refused is not None:
        error = AuthorizeError(request.refused, "The person said no, or may not use the app.")
        return _finish_with_error(turn, error)
    return _dispatch(turn)


def _begin(visit: Visit, uow: UnitOfWork, looked: Looked, *, params: Parameters) -> Response:
    """Check a new request. Until client and redirect URI are known, only a page may answer."""
    unsure = {"client_id", "redirect_uri"} & params.repeated
    client = find_client(uow, params.get("client_id") or "")
    if client is None or unsure:
        return refuse_page("The app is not registered here, or did not say which app it is.")
    redirect_uri = params.get("redirect_uri")
    if redirect_uri is None or not client.allows_redirect_uri(redirect_uri):
        return refuse_page("The address to return to (redirect_uri) is not registered for the app.")
    to = ReturnAddress(redirect_uri, answer_mode(params), params.get("state"))
    try:
        request = check_request(Question(uow, client, params), redirect_uri)
    except OAuth2Error as error:
        return answer_error(visit, client, to, error)
    if flask.request.method == "POST":
        # A cross-site POST comes without cookies (SameSite=Lax); the GET that follows has them.
        request_id = store_request(uow, None, request)
        return redirect(visit.url(f"/interaction/{request_id}"))
    return _dispatch(_Turn(visit, uow, client, request, looked))


def _dispatch(turn: _Turn) -> Response:
    signed_in = turn.visit.signed_in(turn.uow)
    if signed_in is not None and _is_wrong_person(turn, signed_in):
        if _signed_in_for_request(turn, signed_in):
            return _finish_with_error(turn, _WRONG_PERSON)
        signed_in = None
    facts = _facts(turn, signed_in)
    if signed_in is not None:
        touch_session(turn.uow, signed_in.session)  # after the credential, as a sign-in locks them
    prompt = next_prompt(facts)
    if prompt is None:
        return _answer_with_code(turn, facts)
    if "none" in turn.request.prompts:
        description = f"The {prompt.name} screen would be needed."
        return _finish_with_error(turn, AuthorizeError(prompt.error, description))
    request_id = _keep(turn, is_attended=signed_in is not None)
    return redirect(turn.visit.url(f"/interaction/{request_id}/{prompt.name}"))


_WRONG_PERSON = AuthorizeError("login_required", "Another person signed in than the one meant.")


def _keep(turn: _Turn, *, is_attended: bool) -> str:
    """Have the request stored while a screen is shown, and return its id."""
    turn.visit.keep_browser()
    if turn.stored is None:
        return store_request(turn.uow, turn.visit.browser, turn.request, is_attended=is_attended)
    if is_attended:
        attend_request(turn.uow, turn.stored)
    return turn.stored.id


def _is_wrong_person(turn: _Turn, signed_in: SignedIn) -> bool:
    expected = turn.request.expected_sub
    return expected is not None and expected != signed_in.account.sub


def _signed_in_for_request(turn: _Turn, signed_in: SignedIn) -> bool:
    return turn.stored is not None and turn.stored.session_id == signed_in.session.id


def _facts(turn: _Turn, signed_in: SignedIn | None) -> FlowFacts:
    request, now = turn.request, turn.uow.now
    prompts = request.prompts
    if not turn.client.is_consent_required:
        prompts -= {"consent"}
    if signed_in is None:
        return FlowFacts(now=now, session=None, account=None, gate=None, prompts=prompts)
    stored = turn.stored
    authenticated = stored is not None and _signed_in_for_request(turn, signed_in)
    is_old = is_unchecked(turn.uow, signed_in.look, looked=turn.looked)
    account = replace(
        signed_in.account,
        is_unchecked=is_old,
        is_kept_out=keeps_out(turn.uow, turn.client, signed_in.account.user_id),
    )
    return FlowFacts(
        now=now,
        session=signed_in.session,
        account=account,
        gate=decide(
            turn.uow,
            account,
            birth_epoch=signed_in.session.epoch,
            session_ended=False,
            client_id=turn.client.id,
        ),
        authenticated_for_request=stored.authenticated_at if stored and authenticated else None,
        prompts=prompts,
        max_age=request.max_age,
        missing_scopes=missing_scopes(
            turn.uow, turn.client, signed_in.session.user_id, request.consent_scopes
        ),
        consented_for_request=bool(stored and stored.consented),
    )


def _answer_with_code(turn: _Turn, facts: FlowFacts) -> Response:
    session, cleared = facts.session, facts.gate
    assert session is not None and isinstance(cleared, Cleared)  # noqa: S101, PT018 - no prompt left
    if turn.stored is not None and not finish_request(turn.uow, turn.stored):
        return sign_in_over(turn.visit, turn.uow, turn.stored.id)
    request = turn.request
    grant = CodeGrant(
        client_id=turn.client.id,
        redirect_uri=request.redirect_uri,
        scopes=request.scopes,
        nonce=request.nonce,
        code_challenge=request.code_challenge,
        claims=dict(request.claims) if request.claims else None,
    )
    code = issue_code(turn.uow, cleared, session, grant)
    return answer_client(turn.visit, turn.client, turn.to, {"code": code})


def _finish_with_error(turn: _Turn, error: AuthorizeError) -> Response:
    if turn.stored is not None:
        finish_request(turn.uow, turn.stored)
    return answer_error(turn.visit, turn.client, turn.to, error)
