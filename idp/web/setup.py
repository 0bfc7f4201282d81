"""The first administrator takes over a new installation."""

from collections.abc import Mapping, Sequence

from flask import Response
from flask.typing import ResponseReturnValue

from idp.core.admins import complete_setup
from idp.core.links import find_setup
from idp.core.policies import current_policy
from idp.core.profiles import Profile
from idp.core.roles import ADMIN_REALM
from idp.core.users.creation import NewUser
from idp.errors import Conflict, IdpError, InvalidInput, NotFound, PasswordRejected
from idp.http.errors import error_page
from idp.http.forms import field
from idp.http.visit import Visit
from idp.ids import RawToken
from idp.web.changing import NOT_THE_SAME
from idp.web.messages import requirements, wrong_with
from idp.web.routes import Route, page
from policy.engine import describe
from policy.verdict import Finding

_FIELDS = {"username": "The user name", "email": "The email address"}
_OF_AN_EARLIER_PASSWORD = frozenset(
    {
        "rule.differs_from_current",
        "rule.min_distance",
        "rule.history_last",
        "rule.history_within",
        "rule.min_age",
    }
)
_NO_EMAIL = "The email address is missing: without one, nobody can reset a forgotten password."
_TAKEN = "That user name is taken already."


def _show(visit: Visit, token: str) -> ResponseReturnValue:
    rules = _rules_if_open(visit, token)
    return _over() if rules is None else _form(visit, 200, token, rules=rules)


def _submit(visit: Visit, token: str) -> ResponseReturnValue:
    rules = _rules_if_open(visit, token)
    if rules is None:
        return _over()
    username, email = field("username").strip(), field("email").strip()
    typed: dict[str, object] = {"rules": rules, "username": username, "email": email}
    if not email:
        return _form(visit, 422, token, message=_NO_EMAIL, **typed)
    if field("new_password") != field("confirm_password"):
        return _form(visit, 422, token, findings=[NOT_THE_SAME], **typed)
    profile = Profile(username=username, email=email)
    first = NewUser(profile=profile, password=field("new_password"))
    try:
        owner = complete_setup(visit.runtime, RawToken(token), first, visit.trace)
    except IdpError as refused:
        return _refused(visit, token, refused, **typed)
    return page(200, "setup_done.html", username=owner.username)


def _refused(visit: Visit, token: str, refused: IdpError, **context: object) -> Response:
    match refused:
        case PasswordRejected():
            found = [Finding(finding.code, finding.params) for finding in refused.findings]
            return _form(visit, 422, token, findings=wrong_with(found), **context)
        case InvalidInput():
            return _not_understood(visit, token, refused, **context)
        case Conflict():
            return _form(visit, 409, token, message=_TAKEN, **context)
        case NotFound():  # somebody else was faster
            return _over()
        case _:
            raise refused


def _not_understood(visit: Visit, token: str, refused: InvalidInput, **context: object) -> Response:
    problems = refused.params.get("problems")
    if isinstance(problems, Sequence):
        return _form(visit, 422, token, message=_in_words(problems), **context)
    return _form(visit, 413, token, findings=wrong_with([Finding(refused.code)]), **context)


def _rules_if_open(visit: Visit, token: str) -> list[dict[str, object]] | None:
    if visit.realm != ADMIN_REALM:
        return None
    with visit.work(write=False) as uow:
        if not find_setup(uow, token):
            return None
        lines = describe(current_policy(uow))
    return requirements([line for line in lines if line.code not in _OF_AN_EARLIER_PASSWORD])


def _form(visit: Visit, status: int, token: str, **context: object) -> Response:
    defaults: dict[str, object] = {
        "action": visit.url(f"/setup/{token}"),
        "username": None,
        "email": None,
        "findings": [],
        "message": None,
    }
    return page(status, "setup.html", **defaults | context)


def _in_words(problems: Sequence[Mapping[str, str]]) -> str:
    """Return everything that is wrong, a sentence each."""
    return " ".join(f"{_FIELDS.get(p['field'], p['field'])} {p['reason']}." for p in problems)


def _over() -> Response:
    return error_page(
        400,
        title="This set-up link no longer works",
        message=(
            "It was used already, or it is too old. "
            "On the server, “idp admin setup-link” makes a new one while there is no administrator."
        ),
    )


ROUTES = (Route(path="/setup/<token>", show=_show, submit=_submit, is_secret=True),)
