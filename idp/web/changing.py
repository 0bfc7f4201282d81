"""The form for a new password of somebody who is signed in, wherever it stands."""

from collections.abc import Callable
from datetime import datetime
from typing import assert_never

import structlog
from flask import Response
from flask.typing import ResponseReturnValue

from idp.core.accounts import Owner, find_account_by_id
from idp.core.directory_passwords import (
    ChangeElsewhere,
    ChangeUncertain,
    DirectoryChangeOutcome,
    WayToChange,
    change_directory_password,
    way_to_change,
)
from idp.core.directory_sign_in import DirectoryDown
from idp.core.flow import gate_for_session
from idp.core.gate import AccountFacts, Reason, Refused
from idp.core.guesses import LoginThrottled, TemporaryPasswordOver
from idp.core.notices import NewPasswordRefused
from idp.core.password_change import (
    ChangeForm,
    CurrentPasswordWrong,
    PasswordChanged,
    change_password,
)
from idp.core.sessions import SignedIn
from idp.core.work import UnitOfWork
from idp.errors import InvalidInput, NotFound
from idp.http.forms import field
from idp.http.visit import Visit
from idp.ids import SessionId, UserId
from idp.web.messages import requirements, why_asked, why_directory_asks, wrong_with
from idp.web.routes import page
from idp.web.waits import in_words
from policy.engine import describe
from policy.rules import DiffersFromCurrent
from policy.verdict import Finding, Verdict

_ADDRESSES = ("https://", "http://")
NOT_THE_SAME = "The two new passwords are not the same. Type the new one twice."
_CURRENT_WRONG = "The current password is incorrect."
_TEMPORARY_OVER = (
    "The temporary password is no longer valid. Sign out and use “Reset your password”."
)
_SOMEBODY_ELSE = (
    "Another person signed in meanwhile, in another window of this browser. "
    "What you see now is for {username}."
)
_DOWN = (
    "The company directory does not answer just now, so nothing was changed. "
    "Please try again in a minute."
)
_EXPIRED = (
    "Your password is too old, says the company directory, and it does not take a new one from "
    "here any more."
)
_log = structlog.get_logger("idp.web")
_DIFFERS = Finding(DiffersFromCurrent.lines[0])

Proceed = Callable[[PasswordChanged], ResponseReturnValue]
_Refused = (
    CurrentPasswordWrong
    | NewPasswordRefused
    | LoginThrottled
    | TemporaryPasswordOver
    | DirectoryDown
    | ChangeUncertain
    | ChangeElsewhere
)


def asked_of(signed_in: SignedIn | None, now: datetime) -> Verdict | None:
    """Return the verdict that asks this user for another password, or None when none does."""
    if signed_in is None:
        return None
    gate = gate_for_session(signed_in.account, signed_in.session, now)
    is_asked = isinstance(gate, Refused) and gate.reason is Reason.PASSWORD_CHANGE_REQUIRED
    return gate.verdict if isinstance(gate, Refused) and is_asked else None


def context_of(uow: UnitOfWork, signed_in: SignedIn, verdict: Verdict | None) -> dict[str, object]:
    """Return what the form shows of the user and the policy; a verdict makes it a forced one."""
    account = signed_in.account
    username = owner_of_account(uow, account.user_id).username
    return form_context(uow, account, verdict, username, forced=verdict is not None)


def form_context(
    uow: UnitOfWork, account: AccountFacts, verdict: Verdict | None, username: str, *, forced: bool
) -> dict[str, object]:
    """Return what the form shows; `way` says how a directory's password is changed, if it is one.

    Args:
        verdict: why the user is asked.
    """
    connector = account.connector
    why = why_asked if connector is None else why_directory_asks
    return {
        "forced": forced,
        "reasons": why(verdict.findings) if verdict else [],
        "rules": rules_of(account, forced=forced),
        "username": username,
        "way": None if connector is None else way_to_change(uow.runtime, uow.realm, connector),
    }


def rules_of(account: AccountFacts, *, forced: bool) -> list[dict[str, object]]:
    """Return the lines that a new password must meet; a forced change is always one to another."""
    lines = describe(account.policy)
    if forced and _DIFFERS not in lines:
        lines = (*lines, _DIFFERS)
    return requirements(lines)


def owner_of_account(uow: UnitOfWork, user_id: UserId) -> Owner:
    """Return whose account it is.

    Raises:
        NotFound: `user.not_found`.
    """
    account = find_account_by_id(uow, user_id)
    if account is None:
        raise NotFound("user.not_found")
    return account.owner


def show_form(**context: object) -> ResponseReturnValue:
    """Return the empty form, or where else the password is changed."""
    return _elsewhere(200, context) or _form(200, context)


def submit_form(
    visit: Visit,
    user_id: UserId,
    session_id: SessionId | None,
    proceed: Proceed,
    **context: object,
) -> ResponseReturnValue:
    """Change the password to what was posted; go on, or show the form again with every reason.

    Whose password it is comes from the session or the link. The user name that the form carries
    for password managers only tells whether the person still looks at their own form.
    """
    wrong = _elsewhere(409, context) or _wrong_with_form(context)
    if wrong is not None:
        return wrong
    form = ChangeForm(
        user_id=user_id,
        session_id=session_id,
        current_password=field("current_password"),
        new_password=field("new_password"),
        forced=bool(context["forced"]),
        device=visit.cookies.device,
    )
    try:
        outcome = _change(visit, form, is_directorys=context["way"] is not None)
    except InvalidInput as refused:
        return _form(413, context | {"findings": wrong_with([Finding(refused.code)])})
    if isinstance(outcome, PasswordChanged):
        if outcome.session_secret is not None:
            visit.cookies.set_session(outcome.session_secret)
        return proceed(outcome)
    return _refused(outcome, context)


def _change(visit: Visit, form: ChangeForm, *, is_directorys: bool) -> DirectoryChangeOutcome:
    change = change_directory_password if is_directorys else change_password
    return change(visit.runtime, visit.realm, form, visit.trace)


def _elsewhere(status: int, context: dict[str, object]) -> Response | None:
    """Return the page that says where to change a password that cannot be changed here."""
    way = context["way"]
    if not isinstance(way, WayToChange) or way.is_here:
        return None
    return _show_elsewhere(status, context)


def _show_elsewhere(status: int, context: dict[str, object]) -> Response:
    way = context["way"]
    where = way.where if isinstance(way, WayToChange) else None
    is_address = where is not None and where.startswith(_ADDRESSES)
    shown: dict[str, object] = {"client_name": None, "cancel_url": None, "again_url": None}
    return page(
        status,
        "change_elsewhere.html",
        **shown | context | {"where": where, "is_address": is_address},
    )


def _wrong_with_form(context: dict[str, object]) -> Response | None:
    """Return the answer to a form that is not even tried, or None."""
    if field("username") not in {"", context["username"]}:
        return _form(409, context | {"message": _SOMEBODY_ELSE.format(**context)})
    if field("new_password") != field("confirm_password"):
        return _form(422, context | {"findings": [NOT_THE_SAME]})
    return None


def _refused(outcome: _Refused, context: dict[str, object]) -> Response:
    match outcome:
        case CurrentPasswordWrong():
            return _form(401, context | {"message": _CURRENT_WRONG})
        case NewPasswordRefused(findings):
            return _form(422, context | {"findings": wrong_with(findings)})
        case LoginThrottled(retry_after):
            return _throttled(context, retry_after)
        case TemporaryPasswordOver():
            return _form(401, context | {"message": _TEMPORARY_OVER})
        case DirectoryDown() | ChangeUncertain() | ChangeElsewhere():
            return _not_by_directory(outcome, context)
        case _:
            assert_never(outcome)


def _not_by_directory(
    outcome: DirectoryDown | ChangeUncertain | ChangeElsewhere, context: dict[str, object]
) -> Response:
    match outcome:
        case DirectoryDown(retry_after, detail):
            _log.warning("directory is down", detail=detail)
            response = _form(503, context | {"message": _DOWN})
            response.headers["Retry-After"] = str(retry_after)
            return response
        case ChangeUncertain(detail):
            _log.warning("password change is uncertain", detail=detail)
            shown: dict[str, object] = {"client_name": None, "again_url": None}
            return page(503, "change_uncertain.html", **shown | context)
        case ChangeElsewhere():
            return _show_elsewhere(409, context | {"reasons": [_EXPIRED]})
        case _:
            assert_never(outcome)


def _throttled(context: dict[str, object], retry_after: int) -> Response:
    message = f"There were too many tries: please wait {in_words(retry_after)}."
    response = _form(429, context | {"message": message})
    response.headers["Retry-After"] = str(retry_after)
    return response


def _form(status: int, context: dict[str, object]) -> Response:
    defaults: dict[str, object] = {
        "reasons": [],
        "findings": [],
        "message": None,
        "client_name": None,
        "cancel_url": None,
    }
    return page(status, "change_password.html", **defaults | context)
