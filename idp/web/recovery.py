"""A new password by e-mail: asked for, and chosen with the link or the typed code.

The link's token leaves the address at once (303 into a cookie), so it stands in no history, title
or Referer. Looking at a page never spends it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from flask import Response
from flask.typing import ResponseReturnValue

from idp.core.notices import NewPasswordRefused
from idp.core.policies import current_policy
from idp.core.recovery import LinkInvalid, Recovered, complete_recovery, request_recovery
from idp.core.recovery_codes import CodeRefused, redeem_recovery_code
from idp.core.recovery_requests import find_recovery
from idp.core.work import UnitOfWork
from idp.errors import InvalidInput
from idp.http.cookies import is_opaque
from idp.http.errors import error_page
from idp.http.forms import field
from idp.http.visit import Visit
from idp.ids import RawToken
from idp.web.changing import NOT_THE_SAME
from idp.web.messages import requirements, wrong_with
from idp.web.routes import Route, page, see_other
from policy.engine import describe
from policy.verdict import Finding

_CODE_REFUSED = "That code does not work. Check the newest message, or ask for another one."
_MINUTE = 60


def _show_request(visit: Visit) -> ResponseReturnValue:
    return page(
        200,
        "forgot_password.html",
        action=visit.url("/forgot-password"),
        email=None,
        sent=False,
    )


def _submit_request(visit: Visit) -> ResponseReturnValue:
    email = field("email").strip()
    request_recovery(visit.runtime, visit.realm, email, visit.browser, visit.trace)
    return _sent(visit, 200, email=email)


def _sent(
    visit: Visit, status: int, *, email: str | None, code_message: str | None = None
) -> Response:
    life = visit.runtime.config.realm(visit.realm).lifetimes.reset_link
    return page(
        status,
        "forgot_password.html",
        action=visit.url("/forgot-password"),
        email=email,
        sent=True,
        code_action=visit.url("/reset-password"),
        code_message=code_message,
        minutes=int(life.total_seconds()) // _MINUTE,
    )


def _take_link(visit: Visit, token: str) -> ResponseReturnValue:
    if not is_opaque(token):
        return _link_over(visit)
    visit.cookies.set_link(RawToken(token))
    return see_other(visit.url("/reset-password"))


def _show_reset(visit: Visit) -> ResponseReturnValue:
    with visit.work(write=False) as uow:
        form = _find_form(visit, uow, visit.cookies.link)
    return _link_over(visit) if form is None else form.page(200)


def _submit_reset(visit: Visit) -> ResponseReturnValue:
    code = field("code")
    link = visit.cookies.link
    if code:
        redeemed = redeem_recovery_code(
            visit.runtime, visit.realm, code, visit.browser, visit.trace
        )
        if isinstance(redeemed, CodeRefused):
            return _sent(visit, 401, email=None, code_message=_CODE_REFUSED)
        visit.cookies.set_link(redeemed)
        link = redeemed
        if not field("new_password"):
            return see_other(visit.url("/reset-password"))
    return _link_over(visit) if link is None else _complete(visit, link)


def _complete(visit: Visit, link: RawToken) -> ResponseReturnValue:
    with visit.work(write=False) as uow:
        form = _find_form(visit, uow, link)
    if form is None:
        return _link_over(visit)
    new_password = field("new_password")
    if new_password != field("confirm_password"):
        return form.page(422, [NOT_THE_SAME])
    try:
        outcome = complete_recovery(visit.runtime, visit.realm, link, new_password, visit.trace)
    except InvalidInput as refused:
        return form.page(413, wrong_with([Finding(refused.code)]))
    match outcome:
        case Recovered():
            visit.cookies.clear_link()
            return page(200, "reset_done.html", username=form.username)
        case NewPasswordRefused(findings):
            return form.page(422, wrong_with(findings))
        case LinkInvalid():
            return _link_over(visit)
        case _:
            assert_never(outcome)


@dataclass(frozen=True, slots=True)
class _ResetForm:
    """The form for a new password; it asks for a code too while nobody knows whose it is."""

    action: str
    username: str | None
    rules: list[dict[str, object]]

    def page(self, status: int, findings: Sequence[str] = ()) -> Response:
        """Return the form with what is wrong with the last try."""
        return page(
            status,
            "reset_password.html",
            action=self.action,
            rules=self.rules,
            findings=findings,
            username=self.username,
            needs_code=self.username is None,
        )


def _find_form(visit: Visit, uow: UnitOfWork, link: RawToken | None) -> _ResetForm | None:
    """Return the form that a link opens; without a link, the one that takes a typed code too.

    None when the link is over.
    """
    recovery = None if link is None else find_recovery(uow, link)
    if link is not None and recovery is None:
        return None
    return _ResetForm(
        action=visit.url("/reset-password"),
        username=None if recovery is None else recovery.owner.username,
        rules=requirements(describe(current_policy(uow))),
    )


def _link_over(visit: Visit) -> Response:
    visit.cookies.clear_link()
    return error_page(
        400,
        title="This link no longer works",
        message="It was used already, or it is too old, or the password was changed since.",
        retry_url=visit.url("/forgot-password"),
        retry_text="Ask for a new link",
    )


ROUTES = (
    Route(path="/forgot-password", show=_show_request, submit=_submit_request),
    Route(path="/reset-password", show=_show_reset, submit=_submit_reset, is_secret=True),
    Route(path="/reset-password/<token>", show=_take_link, is_secret=True),
)
