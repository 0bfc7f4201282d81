"""The consent screen of an authorization request."""

from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest

from idp.core.authorizations import note_consent, refuse_request
from idp.core.client_groups import keeps_out
from idp.core.clients import Client
from idp.core.flow import gate_for_session
from idp.core.gate import Cleared
from idp.core.sessions import SignedIn
from idp.core.work import UnitOfWork
from idp.http.forms import field
from idp.http.visit import Visit
from idp.http.way_back import sign_in_over
from idp.web.changing import owner_of_account
from idp.web.interaction.under_way import back_to_dispatcher, find_under_way
from idp.web.messages import scope_in_words
from idp.web.routes import Route, page


def _show(visit: Visit, request_id: str) -> ResponseReturnValue:
    with visit.work(write=False) as uow:
        found = find_under_way(visit, uow, request_id)
        if found is None:
            return sign_in_over(visit, uow, request_id)
        signed_in = _find_cleared(visit, uow, found.client)
        if signed_in is None:
            return back_to_dispatcher(visit, found.request)
        username = owner_of_account(uow, signed_in.account.user_id).username
    return page(
        200,
        "consent.html",
        action=visit.url(f"/interaction/{request_id}/consent"),
        client_name=found.client_name,
        scopes=[scope_in_words(scope) for scope in found.request.consent_scopes],
        username=username,
    )


def _submit(visit: Visit, request_id: str) -> ResponseReturnValue:
    decision = field("decision")
    if decision not in {"allow", "deny"}:
        raise BadRequest
    with visit.work() as uow:
        found = find_under_way(visit, uow, request_id)
        if found is None:
            return sign_in_over(visit, uow, request_id)
        signed_in = _find_cleared(visit, uow, found.client)
        if signed_in is None:
            return back_to_dispatcher(visit, found.request)
        user_id = signed_in.account.user_id
        if decision == "allow":
            note_consent(uow, found.request, user_id, found.request.consent_scopes)
        else:
            refuse_request(uow, found.request, user_id)
    return back_to_dispatcher(visit, found.request)


def _find_cleared(visit: Visit, uow: UnitOfWork, client: Client) -> SignedIn | None:
    """Return who may allow something here: signed in, with nothing else to do first."""
    signed_in = visit.signed_in(uow)
    if signed_in is None or keeps_out(uow, client, signed_in.account.user_id):
        return None
    gate = gate_for_session(signed_in.account, signed_in.session, uow.now)
    return signed_in if isinstance(gate, Cleared) else None


ROUTES = (Route(path="/interaction/<request_id>/consent", show=_show, submit=_submit),)
