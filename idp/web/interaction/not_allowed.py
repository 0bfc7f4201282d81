"""The screen of an authorization request for an app that is for others only."""

from flask.typing import ResponseReturnValue

from idp.core.authorizations import turn_away
from idp.core.client_groups import keeps_out
from idp.core.work import UnitOfWork
from idp.http.visit import Visit
from idp.http.way_back import sign_in_over
from idp.web.changing import owner_of_account
from idp.web.interaction.under_way import UnderWay, back_to_dispatcher, find_under_way
from idp.web.routes import Route, page


def _show(visit: Visit, request_id: str) -> ResponseReturnValue:
    with visit.work(write=False) as uow:
        found = find_under_way(visit, uow, request_id)
        if found is None:
            return sign_in_over(visit, uow, request_id)
        username = _find_kept_out(visit, uow, found)
        if username is None:
            return back_to_dispatcher(visit, found.request)
    return page(
        200,
        "not_allowed.html",
        action=visit.url(f"/interaction/{request_id}/not-allowed"),
        client_name=found.client_name,
        username=username,
        sign_in_url=visit.url(f"/interaction/{request_id}/sign-in"),
    )


def _submit(visit: Visit, request_id: str) -> ResponseReturnValue:
    with visit.work() as uow:
        found = find_under_way(visit, uow, request_id)
        if found is None:
            return sign_in_over(visit, uow, request_id)
        if _find_kept_out(visit, uow, found) is not None:
            turn_away(uow, found.request)
    return back_to_dispatcher(visit, found.request)


def _find_kept_out(visit: Visit, uow: UnitOfWork, found: UnderWay) -> str | None:
    """Return the name of who is signed in, unless the app lets that person in."""
    signed_in = visit.signed_in(uow)
    if signed_in is None or not keeps_out(uow, found.client, signed_in.account.user_id):
        return None
    return owner_of_account(uow, signed_in.account.user_id).username


ROUTES = (Route(path="/interaction/<request_id>/not-allowed", show=_show, submit=_submit),)
