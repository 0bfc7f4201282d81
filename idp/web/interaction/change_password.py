"""The screen for the change that the policy asks for on the way to an app."""

from collections.abc import Callable

from flask.typing import ResponseReturnValue

from idp.core.authorizations import note_signed_in
from idp.core.password_change import PasswordChanged
from idp.core.sessions import SignedIn
from idp.http.visit import Visit
from idp.http.way_back import sign_in_over
from idp.web import changing
from idp.web.interaction.under_way import (
    UnderWay,
    back_to_dispatcher,
    find_under_way,
)
from idp.web.routes import Route

_Answer = Callable[[UnderWay, SignedIn, dict[str, object]], ResponseReturnValue]


def _show(visit: Visit, request_id: str) -> ResponseReturnValue:
    return _for_whom_it_is_asked(
        visit, request_id, lambda _found, _signed_in, context: changing.show_form(**context)
    )


def _submit(visit: Visit, request_id: str) -> ResponseReturnValue:
    def change(
        found: UnderWay, signed_in: SignedIn, context: dict[str, object]
    ) -> ResponseReturnValue:
        def proceed(changed: PasswordChanged) -> ResponseReturnValue:
            if changed.session_id is not None:
                with visit.work() as uow:
                    note_signed_in(uow, found.request, changed.session_id)
            return back_to_dispatcher(visit, found.request)

        session = signed_in.session
        return changing.submit_form(visit, session.user_id, session.id, proceed, **context)

    return _for_whom_it_is_asked(visit, request_id, change)


def _for_whom_it_is_asked(visit: Visit, request_id: str, answer: _Answer) -> ResponseReturnValue:
    """Answer for a signed-in user who must change; the dispatcher knows what others need."""
    with visit.work(write=False) as uow:
        found = find_under_way(visit, uow, request_id)
        if found is None:
            return sign_in_over(visit, uow, request_id)
        signed_in = visit.signed_in(uow)
        verdict = changing.asked_of(signed_in, uow.now)
        if signed_in is None or verdict is None:
            return back_to_dispatcher(visit, found.request)
        context = changing.context_of(uow, signed_in, verdict)
    context["action"] = visit.url(f"/interaction/{found.request.id}/change-password")
    context["client_name"] = found.client_name
    context["cancel_url"] = visit.url("/logout")
    context["again_url"] = visit.url(f"/interaction/{found.request.id}/sign-in")
    return answer(found, signed_in, context)


ROUTES = (Route(path="/interaction/<request_id>/change-password", show=_show, submit=_submit),)
