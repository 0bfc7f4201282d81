"""The sign-in screen of an authorization request."""

from flask.typing import ResponseReturnValue

from idp.core.authorizations import note_signed_in
from idp.core.login import LoggedIn
from idp.http.visit import Visit
from idp.http.way_back import sign_in_over
from idp.web import signing_in
from idp.web.interaction.under_way import back_to_dispatcher, find_under_way
from idp.web.routes import Route


def _show(visit: Visit, request_id: str) -> ResponseReturnValue:
    with visit.work(write=False) as uow:
        found = find_under_way(visit, uow, request_id)
        if found is None:
            return sign_in_over(visit, uow, request_id)
    return signing_in.show_form(
        visit,
        action=visit.url(f"/interaction/{request_id}/sign-in"),
        client_name=found.client_name,
        username=found.request.login_hint,
    )


def _submit(visit: Visit, request_id: str) -> ResponseReturnValue:
    with visit.work(write=False) as uow:
        found = find_under_way(visit, uow, request_id)
        if found is None:
            return sign_in_over(visit, uow, request_id)

    def proceed(signed_in: LoggedIn) -> ResponseReturnValue:
        with visit.work() as uow:
            note_signed_in(uow, found.request, signed_in.session_id)
        return back_to_dispatcher(visit, found.request)

    return signing_in.submit_form(
        visit,
        proceed,
        action=visit.url(f"/interaction/{request_id}/sign-in"),
        client_name=found.client_name,
    )


ROUTES = (Route(path="/interaction/<request_id>/sign-in", show=_show, submit=_submit),)
