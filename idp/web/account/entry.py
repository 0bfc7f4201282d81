"""Who may see account pages: somebody signed in whose password the policy accepts."""

from collections.abc import Callable

from flask.typing import ResponseReturnValue

from idp.core.flow import gate_for_session
from idp.core.gate import Cleared, Reason
from idp.core.sessions import Session, SignedIn, is_touch_due, touch_session
from idp.core.work import UnitOfWork
from idp.http.visit import Visit
from idp.web.routes import see_other

Answer = Callable[[UnitOfWork, SignedIn], ResponseReturnValue]


def show_to_cleared(visit: Visit, answer: Answer) -> ResponseReturnValue:
    """Answer for the signed-in user without writing, or send the browser where it must go first.

    Once a minute the session is noted to be in use, in a unit of its own.
    """
    with visit.work(write=False) as uow:
        response, session = _answer(visit, uow, answer)
        is_due = session is not None and is_touch_due(session, uow.now)
    if session is not None and is_due:
        with visit.work() as uow:
            touch_session(uow, session)
    return response


def write_for_cleared(visit: Visit, answer: Answer) -> ResponseReturnValue:
    """Do what the signed-in user asks for, or send the browser where it must go first."""
    with visit.work() as uow:
        response, session = _answer(visit, uow, answer)
        if session is not None:
            touch_session(uow, session)
        return response


def _answer(
    visit: Visit, uow: UnitOfWork, answer: Answer
) -> tuple[ResponseReturnValue, Session | None]:
    """Return the answer, and the session of who may have it."""
    signed_in = visit.signed_in(uow)
    if signed_in is None:
        return see_other(visit.url("/sign-in")), None
    gate = gate_for_session(signed_in.account, signed_in.session, uow.now)
    if not isinstance(gate, Cleared):
        is_change = gate.reason is Reason.PASSWORD_CHANGE_REQUIRED
        return see_other(visit.url("/account/password" if is_change else "/sign-in")), None
    return answer(uow, signed_in), signed_in.session
