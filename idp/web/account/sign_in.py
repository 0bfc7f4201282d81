"""Signing in without an app having asked: to see one's own account."""

from flask.typing import ResponseReturnValue

from idp.http.visit import Visit
from idp.web import signing_in
from idp.web.routes import Route, see_other


def _show(visit: Visit) -> ResponseReturnValue:
    return signing_in.show_form(visit, action=visit.url("/sign-in"))


def _submit(visit: Visit) -> ResponseReturnValue:
    return signing_in.submit_form(
        visit, lambda _signed_in: see_other(visit.url("/account")), action=visit.url("/sign-in")
    )


ROUTES = (Route(path="/sign-in", show=_show, submit=_submit),)
