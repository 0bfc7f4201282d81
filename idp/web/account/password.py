"""Changing the password because one wants to, or because one must and came here."""

from collections.abc import Callable

from flask.typing import ResponseReturnValue

from idp.core.flow import gate_for_session
from idp.core.gate import Cleared
from idp.core.sessions import SignedIn
from idp.http.visit import Visit
from idp.web import changing
from idp.web.routes import Route, see_other

_Answer = Callable[[SignedIn, dict[str, object]], ResponseReturnValue]


def _show(visit: Visit) -> ResponseReturnValue:
    return _for_signed_in(visit, lambda _signed_in, context: changing.show_form(**context))


def _submit(visit: Visit) -> ResponseReturnValue:
    def change(signed_in: SignedIn, context: dict[str, object]) -> ResponseReturnValue:
        return changing.submit_form(
            visit,
            signed_in.session.user_id,
            signed_in.session.id,
            lambda _changed: see_other(visit.url("/account")),
            **context,
        )

    return _for_signed_in(visit, change)


def _for_signed_in(visit: Visit, answer: _Answer) -> ResponseReturnValue:
    with visit.work(write=False) as uow:
        signed_in = visit.signed_in(uow)
        if signed_in is None:
            return see_other(visit.url("/sign-in"))
        verdict = changing.asked_of(signed_in, uow.now)
        gate = gate_for_session(signed_in.account, signed_in.session, uow.now)
        if verdict is None and not isinstance(gate, Cleared):
            return see_other(visit.url("/sign-in"))
        context = changing.context_of(uow, signed_in, verdict)
    context["action"] = visit.url("/account/password")
    context["cancel_url"] = visit.url("/account" if verdict is None else "/logout")
    context["again_url"] = visit.url("/sign-in")
    return answer(signed_in, context)


ROUTES = (Route(path="/account/password", show=_show, submit=_submit),)
