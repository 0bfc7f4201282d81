"""The sign-in form, wherever it stands."""

from collections.abc import Callable
from typing import assert_never

import structlog
from flask import Response
from flask.typing import ResponseReturnValue

from idp.core.directory_sign_in import DirectoryDown, is_outage_noted
from idp.core.guesses import LoginThrottled, TemporaryPasswordOver
from idp.core.login import LoggedIn, LoginRefused, SignInForm, sign_in
from idp.errors import InvalidInput
from idp.http.forms import field
from idp.http.visit import Visit
from idp.web.routes import page
from idp.web.waits import in_words

_INCORRECT = "The user name or password is incorrect."
_TOO_LARGE = f"{_INCORRECT} No password here is that long."
_TEMPORARY_OVER = (
    "That temporary password is no longer valid. Use “Reset your password” to choose a new one."
)
_DOWN = (
    "We could not sign you in: the company directory does not answer just now. "
    "Please try again in a minute."
)
_DOWN_NOW = (
    "The company directory does not answer just now. If your account is in it, you cannot sign in "
    "until it does: please try again in a minute."
)
_log = structlog.get_logger("idp.web")

Proceed = Callable[[LoggedIn], ResponseReturnValue]


def show_form(visit: Visit, **context: object) -> ResponseReturnValue:
    """Return the empty form; in an outage of a directory it says so before anybody tries."""
    if is_outage_noted(visit.runtime, visit.realm):
        context["message"] = _DOWN_NOW
    return _form(visit, 200, context)


def submit_form(visit: Visit, proceed: Proceed, **context: object) -> ResponseReturnValue:
    """Sign in with what was posted; go on with `proceed`, or show the form again and say why."""
    username = field("username")
    form = SignInForm(
        username=username,
        password=field("password"),
        device=visit.cookies.device,
        session=visit.cookies.session,
    )
    context["username"] = username
    try:
        outcome = sign_in(visit.runtime, visit.realm, form, visit.trace)
    except InvalidInput:  # nothing was looked up
        return _form(visit, 413, context | {"message": _TOO_LARGE})
    match outcome:
        case LoggedIn() as signed_in:
            visit.cookies.set_session(signed_in.session_secret)
            visit.cookies.set_device(signed_in.device_secret)
            return proceed(signed_in)
        case LoginRefused():
            return _form(visit, 401, context | {"message": _INCORRECT})
        case LoginThrottled(retry_after):
            message = (
                f"{_INCORRECT} There were too many tries: please wait {in_words(retry_after)}."
            )
            return _form(visit, 429, context | {"message": message}, retry_after=retry_after)
        case TemporaryPasswordOver():
            return _form(visit, 401, context | {"message": _TEMPORARY_OVER})
        case DirectoryDown(retry_after, detail):
            _log.warning("directory is down", realm=visit.realm, detail=detail)
            return _form(visit, 503, context | {"message": _DOWN}, retry_after=retry_after)
        case _:
            assert_never(outcome)


def _form(
    visit: Visit, status: int, context: dict[str, object], retry_after: int | None = None
) -> Response:
    defaults: dict[str, object] = {
        "username": None,
        "message": None,
        "client_name": None,
        "notice": None,
        "forgot_url": visit.url("/forgot-password"),
    }
    response = page(status, "sign_in.html", **defaults | context)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response
