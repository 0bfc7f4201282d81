"""Pages behind one-time links: finishing a change that an app asked for, and "this was not me"."""

from dataclasses import dataclass

from flask import Response
from flask.typing import ResponseReturnValue

from idp.core.authorizations import form_target
from idp.core.clients import Client, find_client
from idp.core.gate import find_account, must_change, standing
from idp.core.links import Action, find_action, find_not_me, finish_action, redeem_not_me
from idp.core.password_change import PasswordChanged
from idp.core.sessions import SignedIn
from idp.core.work import UnitOfWork
from idp.errors import NotFound
from idp.http.errors import error_page
from idp.http.visit import Visit
from idp.http.way_back import with_issuer
from idp.ids import SessionId
from idp.web import changing
from idp.web.routes import Route, page, see_other


@dataclass(frozen=True, slots=True)
class _Pending:
    """A change that an app sent its user to finish, as the form shows it."""

    action: Action
    client: Client | None
    session_id: SessionId | None
    context: dict[str, object]


def _show_action(visit: Visit, token: str) -> ResponseReturnValue:
    pending = _find_pending(visit, token)
    if not isinstance(pending, _Pending):
        return pending
    return changing.show_form(**pending.context)


def _submit_action(visit: Visit, token: str) -> ResponseReturnValue:
    pending = _find_pending(visit, token)
    if not isinstance(pending, _Pending):
        return pending

    def proceed(_changed: PasswordChanged) -> ResponseReturnValue:
        with visit.work() as uow:
            finish_action(uow, token)
        return _return_to(visit, pending.client)

    return changing.submit_form(
        visit, pending.action.user_id, pending.session_id, proceed, **pending.context
    )


def _find_pending(visit: Visit, token: str) -> _Pending | ResponseReturnValue:
    """Return what is to be done here, or the answer for a link with which nothing is."""
    with visit.work(write=False) as uow:
        action = find_action(uow, token)
        signed_in = visit.signed_in(uow)
        if action is None or _is_somebody_else(signed_in, action):
            return _action_over()
        client = find_client(uow, action.client_id)
        context = _action_context(visit, uow, action, client)
    if context is None:
        return _done(visit, client)
    context["action"] = visit.url(f"/action/{token}")
    session_id = signed_in.session.id if signed_in else None
    return _Pending(action, client, session_id, context)


def _action_context(
    visit: Visit, uow: UnitOfWork, action: Action, client: Client | None
) -> dict[str, object] | None:
    """Return what the form shows, or None when the user changed the password already."""
    account = find_account(uow, action.user_id)
    if account is None:
        raise NotFound("user.not_found")
    if not must_change(account, uow.now):
        return None
    if client is not None and client.initiate_login_uri is not None:
        visit.form_action.append(form_target(client.initiate_login_uri))
    verdict = standing(account, uow.now)
    shown = changing.form_context(uow, account, verdict, action.username, forced=True)
    return {**shown, "client_name": client.name if client else None}


def _return_to(visit: Visit, client: Client | None) -> ResponseReturnValue:
    """Let the app begin a new authorization request, or say that it should."""
    address = _address_of(visit, client)
    return _done(visit, client) if address is None else see_other(address)


def _done(visit: Visit, client: Client | None) -> Response:
    name = client.name if client else None
    return page(200, "change_done.html", client_name=name, return_url=_address_of(visit, client))


def _address_of(visit: Visit, client: Client | None) -> str | None:
    """Return where a client begins a sign-in, if it says where.

    Spec: OIDC Core 4 (`initiate_login_uri` with `iss`).
    """
    if client is None or client.initiate_login_uri is None:
        return None
    return with_issuer(client.initiate_login_uri, visit.url())


def _is_somebody_else(signed_in: SignedIn | None, action: Action) -> bool:
    return signed_in is not None and signed_in.account.user_id != action.user_id


def _action_over() -> Response:
    return error_page(
        400,
        title="This page is no longer open",
        message="It was used already, is too old, or belongs to somebody else. Return to your app.",
    )


def _show_not_me(visit: Visit, token: str) -> ResponseReturnValue:
    with visit.work(write=False) as uow:
        found = find_not_me(uow, token)
    if found is None:
        return page(400, "not_me.html", state="expired", username=None)
    action = visit.url(f"/not-me/{token}")
    return page(200, "not_me.html", state="confirm", username=found.username, action=action)


def _submit_not_me(visit: Visit, token: str) -> ResponseReturnValue:
    with visit.work() as uow:
        found = redeem_not_me(uow, token)
    if found is None:
        return page(400, "not_me.html", state="expired", username=None)
    return page(200, "not_me.html", state="locked", username=found.username)


ROUTES = (
    Route(path="/action/<token>", show=_show_action, submit=_submit_action, is_secret=True),
    Route(path="/not-me/<token>", show=_show_not_me, submit=_submit_not_me, is_secret=True),
)
