"""A client as a JSON document, with the member names of RFC 7591 where it has one.

Ours beside them: `pkce` (`required` or `optional`), `consent` and `introspect` (true or false),
`spa_origins`, `allowed_groups` (names; not there when everybody may use the client). What is
written can be read back.

Spec: RFC 7591 2; OIDC Registration 2.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from idp.core.client_admin import ClientView
from idp.core.client_uris import find_bad_web_uri
from idp.errors import InvalidInput

_TEXTS = {
    "client_id": "client_id",
    "client_name": "client_name",
    "application_type": "application_type",
    "token_endpoint_auth_method": "token_endpoint_auth_method",
    "id_token_signed_response_alg": "id_token_signed_response_alg",
    "client_secret": "secret",
    "backchannel_logout_uri": "backchannel_logout_uri",
    "initiate_login_uri": "initiate_login_uri",
}
_LISTS = {
    "redirect_uris": "redirect_uris",
    "post_logout_redirect_uris": "post_logout_redirect_uris",
    "grant_types": "grant_types",
    "spa_origins": "spa_origins",
}
_FLAGS = {"consent": "consent_required", "introspect": "may_introspect"}
_PAGES = ("client_uri", "logo_uri", "policy_uri", "tos_uri")
_NOTES = ("contacts", "software_id", "software_version")
_MAX_NOTE = 2000

_LATER = {
    "jwks_uri": "is not fetched by this version: put the public keys into jwks",
    "default_max_age": "is not part of this version: send max_age with each request",
    "sector_identifier_uri": "is not part of this version: subjects are public",
    "backchannel_logout_session_required": "is not part of this version",
    "frontchannel_logout_uri": "is not part of this version",
    "userinfo_signed_response_alg": "is not part of this version: userinfo is plain JSON",
    "id_token_encrypted_response_alg": "is not part of this version",
    "request_object_signing_alg": "is not part of this version",
    "tls_client_auth_subject_dn": "is not part of this version",
}
_FIXED: Mapping[str, object] = {
    "response_types": ["code"],
    "subject_type": "public",
    "require_auth_time": None,
    "token_endpoint_auth_signing_alg": None,
    "client_secret_expires_at": None,
    "client_id_issued_at": None,
}
"""Members whose meaning here is fixed: the one value they may have, or None for any."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a document asks for: members of `Registration`, and the names nobody here knows."""

    members: Mapping[str, Any]
    ignored: tuple[str, ...]


def read_metadata(document: Mapping[str, Any]) -> Metadata:
    """Return what a document asks for; the values are checked when the client is registered.

    Raises:
        InvalidInput: `client.invalid`, when a member has the wrong shape or cannot be offered.
    """
    members: dict[str, Any] = {}
    further: dict[str, Any] = {}
    ignored: list[str] = []
    problems: list[dict[str, str]] = []
    for name, value in document.items():
        reader = _READERS.get(name)
        try:
            if name in _LATER:
                raise ValueError(_LATER[name])  # noqa: TRY301 - one place notes every problem
            if reader is None:
                ignored.append(name)
            else:
                (further if name in _FURTHER else members).update(reader(name, value))
        except ValueError as error:
            problems.append({"field": name, "reason": str(error)})
    if problems:
        raise InvalidInput("client.invalid", problems=problems)
    if further:
        members["further"] = further
    return Metadata(members, tuple(ignored))


def write_metadata(client: ClientView, *, secret: str | None = None) -> dict[str, Any]:
    """Return the document of a client, with its secret when it has just been made."""
    asked = client.registration
    document: dict[str, Any] = {
        "client_id": asked.client_id,
        "client_secret": secret,
        "client_name": asked.client_name,
        "application_type": asked.application_type,
        "token_endpoint_auth_method": asked.auth_method,
        "grant_types": list(asked.grants),
        "redirect_uris": list(asked.redirect_uris),
        "post_logout_redirect_uris": list(asked.post_logout_redirect_uris),
        "backchannel_logout_uri": asked.backchannel_logout_uri,
        "initiate_login_uri": asked.initiate_login_uri,
        "scope": " ".join(asked.asked_scopes),
        "spa_origins": list(asked.spa_origins),
        "id_token_signed_response_alg": asked.id_token_signed_response_alg,
        "jwks": asked.jwks,
        "pkce": "required" if asked.pkce_required else "optional",
        "consent": asked.consent_required,
        "introspect": asked.may_introspect,
        "allowed_groups": None if asked.allowed_groups is None else list(asked.allowed_groups),
        **asked.further,
    }
    return {name: value for name, value in document.items() if value is not None}


Reader = Callable[[str, Any], Mapping[str, Any]]


def _text(name: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, str):
        raise ValueError("must be text")  # noqa: TRY004 - one kind of refusal for all
    return {_TEXTS[name]: value}


def _list(name: str, value: object) -> Mapping[str, Any]:
    return {_LISTS[name]: _texts(value)}


def _groups(name: str, value: object) -> Mapping[str, Any]:
    return {name: None if value is None else _texts(value)}


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise ValueError("must be a list of texts")
    return tuple(value)


def _flag(name: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")  # noqa: TRY004 - one kind of refusal for all
    return {_FLAGS[name]: value}


def _scope(_name: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, str):
        raise ValueError("must be text, with a blank between scopes")  # noqa: TRY004 - as above
    return {"scopes": tuple(value.split())}


def _pkce(_name: str, value: object) -> Mapping[str, Any]:
    if value not in {"required", "optional"}:
        raise ValueError("must be required or optional")
    return {"pkce_required": value == "required"}


def _jwks(_name: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("must be a JWK set")  # noqa: TRY004 - one kind of refusal for all
    return {"jwks": value}


def _fixed(name: str, value: object) -> Mapping[str, Any]:
    only = _FIXED[name]
    if only is not None and value != only:
        reason = f"can only be {only} in this version"
        raise ValueError(reason)
    return {}


def _page(name: str, value: object) -> Mapping[str, Any]:
    problem = find_bad_web_uri(value) if isinstance(value, str) else "must be text"
    if problem is not None:
        raise ValueError(problem)
    return {name: value}


def _note(name: str, value: object) -> Mapping[str, Any]:
    text = " ".join(_texts(value)) if name == "contacts" else value
    if not isinstance(text, str) or len(text) > _MAX_NOTE or not text.isprintable():
        reason = f"must be at most {_MAX_NOTE} printable characters"
        raise ValueError(reason)
    return {name: value}


_FURTHER = frozenset({*_PAGES, *_NOTES})
_READERS: Mapping[str, Reader] = {
    **dict.fromkeys(_TEXTS, _text),
    **dict.fromkeys(_LISTS, _list),
    **dict.fromkeys(_FLAGS, _flag),
    **dict.fromkeys(_FIXED, _fixed),
    **dict.fromkeys(_PAGES, _page),
    **dict.fromkeys(_NOTES, _note),
    "allowed_groups": _groups,
    "scope": _scope,
    "pkce": _pkce,
    "jwks": _jwks,
}
