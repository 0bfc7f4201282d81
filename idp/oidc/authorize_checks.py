"""The checks of an authorization request, in their order; each is one step and one error.

They begin once the client and its redirect URI are known, so every refusal goes back to the client.
What a check finds becomes a member of `NewRequest`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from authlib.oauth2 import OAuth2Error

from idp.core.authorizations import NewRequest
from idp.core.clients import Client
from idp.core.scopes import parse_scope
from idp.core.work import UnitOfWork
from idp.oidc.claims_request import NOBODY, ClaimsRequest, parse_claims_request
from idp.oidc.hints import find_hint
from idp.oidc.params import Parameters

RESPONSE_MODES = ("query", "form_post")
PROMPTS = frozenset({"none", "login", "consent", "select_account"})
MAX_STATE = 4096
_MAX_NONCE = 1024
_MAX_HINT = 320
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_SECONDS = re.compile(r"\d{1,9}", re.ASCII)


class AuthorizeError(OAuth2Error):
    """A refusal that the client is told by redirect."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description=description, error=error)


@dataclass(frozen=True, slots=True)
class Question:
    """One authorization request before it is known to be good."""

    uow: UnitOfWork
    client: Client
    params: Parameters


Members = Mapping[str, Any]


def check_request(question: Question, redirect_uri: str) -> NewRequest:
    """Return the request when every check passes.

    Raises:
        AuthorizeError: the first check that does not.

    Spec: RFC 6749 4.1.1; RFC 7636 4.3; OIDC Core 3.1.2.1, 3.1.2.2.
    """
    members: dict[str, Any] = {"client_id": question.client.id, "redirect_uri": redirect_uri}
    for check in CHECKS:
        members.update(check(question))
    claims = members.pop("wished")
    scopes = members["scopes"]
    members["consent_scopes"] = tuple(dict.fromkeys([*scopes, *claims.scopes]))
    return NewRequest(**members)


def answer_mode(params: Parameters) -> str:
    """Return how to answer this request, also when it is wrong in every other way."""
    asked = params.get("response_mode")
    return asked if asked in RESPONSE_MODES and "response_mode" not in params.repeated else "query"


def _check_repeated(question: Question) -> Members:
    if question.params.repeated:
        raise AuthorizeError("invalid_request", "A parameter is there more than once.")
    return {}


def _check_request_objects(question: Question) -> Members:
    for name in ("request", "request_uri", "registration"):
        if name in question.params.names:
            error = f"{name}_not_supported"
            description = f"{name} is not supported."
            raise AuthorizeError(error, description)
    return {}


def _check_response(question: Question) -> Members:
    params = question.params
    if "response_type" not in params.names:
        raise AuthorizeError("invalid_request", "response_type is missing.")
    if params.get("response_type") != "code":
        raise AuthorizeError("unsupported_response_type", "Only the response type code is offered.")
    if "authorization_code" not in question.client.grant_types:
        raise AuthorizeError("unauthorized_client", "This client is not registered for codes.")
    mode = params.get("response_mode")
    if mode is not None and mode not in RESPONSE_MODES:
        raise AuthorizeError("invalid_request", "Response modes are query and form_post.")
    return {"response_mode": mode or "query"}


def _check_pkce(question: Question) -> Members:
    params = question.params
    challenge = params.get("code_challenge")
    if challenge is None:
        if question.client.is_pkce_required or "code_challenge_method" in params.names:
            raise AuthorizeError("invalid_request", "code_challenge is missing.")
        return {}
    if params.get("code_challenge_method") != "S256":
        raise AuthorizeError("invalid_request", "code_challenge_method must be S256.")
    if not _CHALLENGE.fullmatch(challenge):
        raise AuthorizeError("invalid_request", "code_challenge is not an S256 challenge.")
    return {"code_challenge": challenge}


def _check_scope(question: Question) -> Members:
    scopes = parse_scope(question.params.get("scope") or "")
    if not scopes:
        raise AuthorizeError("invalid_scope", "scope is missing or malformed.")
    if not question.client.scopes.issuperset(scopes):
        raise AuthorizeError("invalid_scope", "This client is not registered for every scope.")
    return {"scopes": scopes}


def _check_echoes(question: Question) -> Members:
    state, nonce = question.params.get("state"), question.params.get("nonce")
    if state is not None and len(state.encode()) > MAX_STATE:
        raise AuthorizeError("invalid_request", "state is too long.")
    if nonce is not None and len(nonce) > _MAX_NONCE:
        raise AuthorizeError("invalid_request", "nonce is too long.")
    return {"state": state, "nonce": nonce}


def _check_prompt(question: Question) -> Members:
    prompts = frozenset((question.params.get("prompt") or "").split())
    if not prompts <= PROMPTS:
        raise AuthorizeError("invalid_request", "prompt has a value that is not known.")
    if "none" in prompts and len(prompts) > 1:
        raise AuthorizeError("invalid_request", "prompt=none stands alone.")
    return {"prompts": prompts}


def _check_max_age(question: Question) -> Members:
    text = question.params.get("max_age")
    if text is None:
        return {}
    if not _SECONDS.fullmatch(text):
        raise AuthorizeError("invalid_request", "max_age must be a number of seconds.")
    return {"max_age": timedelta(seconds=int(text))}


def _check_hints(question: Question) -> Members:
    """Take what helps the sign-in page; a hint that is of no use is left out."""
    login_hint = question.params.get("login_hint")
    is_usable = login_hint is not None and len(login_hint) <= _MAX_HINT and login_hint.isprintable()
    return {"login_hint": login_hint if is_usable else None}


def _check_claims(question: Question) -> Members:
    text = question.params.get("claims")
    wished = ClaimsRequest({}) if text is None else parse_claims_request(text, question.client)
    if wished.is_acr_out_of_reach:
        raise AuthorizeError(
            "unmet_authentication_requirements", "No sign-in here has the acr asked for."
        )
    expected = wished.subject
    hint = question.params.get("id_token_hint")
    if hint is not None and expected is None:
        found = find_hint(question.uow, hint)
        is_ours = found is not None and found.client_id == question.client.id
        expected = found.sub if found is not None and is_ours else _unknown(question)
    return {"wished": wished, "claims": wished.document(), "expected_sub": expected}


def _unknown(question: Question) -> str | None:
    """Return whom a hint means that cannot be read: nobody when no screen may ask who it is."""
    return NOBODY if "none" in (question.params.get("prompt") or "").split() else None


CHECKS: tuple[Callable[[Question], Members], ...] = (
    _check_repeated,
    _check_request_objects,
    _check_response,
    _check_pkce,
    _check_scope,
    _check_echoes,
    _check_prompt,
    _check_max_age,
    _check_hints,
    _check_claims,
)
