"""What may be registered as a client: every member checked, every problem told at once.

Spec: RFC 7591 2; RFC 9700 2; OIDC Registration 2.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from idp.core.client_jwks import find_bad_jwks
from idp.core.client_uris import find_bad_origin, find_bad_redirect_uri, find_bad_web_uri
from idp.core.clients import CLIENT_ID_FORM
from idp.core.key_ring import ALGORITHMS
from idp.core.scopes import ADMIN_PREFIX, ADMIN_SCOPES, OPENID, USER_SCOPES, is_scope_token
from idp.errors import InvalidInput
from idp.ids import RealmName

APPLICATION_TYPES = ("web", "spa", "native", "service")
AUTH_METHODS = ("client_secret_basic", "client_secret_post", "private_key_jwt", "none")
GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials")
_LATER_GRANTS = (
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:token-exchange",
)
_MIN_SECRET, _MAX_SECRET = 8, 256
_MAX_LIST = 50
_MAX_SCOPE = 2000
_MAX_NAME = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A client as somebody wants it; member names follow RFC 7591 where it has one.

    `scopes` None means all of a person's scopes, or none for a service. `secret` None means that
    one is made, if the authentication method needs one. `backchannel_logout_uri` is kept for a
    later version; nothing calls it. `allowed_groups` are names or ids of the groups whose members
    may use it; None lets everybody, and no group nobody.
    """

    client_id: str
    client_name: str = ""
    application_type: str = "web"
    token_endpoint_auth_method: str | None = None
    secret: str | None = field(default=None, repr=False)
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    backchannel_logout_uri: str | None = None
    initiate_login_uri: str | None = None
    grant_types: tuple[str, ...] | None = None
    scopes: tuple[str, ...] | None = None
    spa_origins: tuple[str, ...] = ()
    jwks: Mapping[str, Any] | None = None
    pkce_required: bool = True
    consent_required: bool = True
    may_introspect: bool = False
    allowed_groups: tuple[str, ...] | None = None
    id_token_signed_response_alg: str = "RS256"  # noqa: S105 - an algorithm
    further: Mapping[str, Any] = field(default_factory=dict)

    @property
    def auth_method(self) -> str:
        """Return the authentication method, or the usual one of the client's type."""
        usual = "none" if self.application_type in {"spa", "native"} else "client_secret_basic"
        return self.token_endpoint_auth_method or usual

    @property
    def grants(self) -> tuple[str, ...]:
        """Return the grant types, or the usual one of the client's type."""
        is_service = self.application_type == "service"
        usual = ("client_credentials",) if is_service else ("authorization_code",)
        return self.grant_types or usual

    @property
    def asked_scopes(self) -> tuple[str, ...]:
        """Return the scopes, or the usual ones of the client's type."""
        if self.scopes is not None:
            return self.scopes
        return () if self.application_type == "service" else USER_SCOPES

    @property
    def has_secret(self) -> bool:
        """Tell whether the client proves itself with a secret."""
        return self.auth_method in {"client_secret_basic", "client_secret_post"}


def check_registration(registration: Registration, realm: RealmName) -> None:
    """Return when every member, and all of them together, can be registered.

    Raises:
        InvalidInput: `client.invalid`; `problems` has a `field` and a `reason` for each.
    """
    problems = [
        {"field": name, "reason": reason}
        for check in _CHECKS
        for name, reason in check(registration, realm)
    ]
    if problems:
        raise InvalidInput("client.invalid", problems=problems)


Problems = Iterable[tuple[str, str]]


def _check_names(asked: Registration, _realm: RealmName) -> Problems:
    if not CLIENT_ID_FORM.fullmatch(asked.client_id):
        yield "client_id", "must be 1 to 128 of the characters A-Z a-z 0-9 . _ ~ : -"
    if len(asked.client_name) > _MAX_NAME or not asked.client_name.isprintable():
        yield "client_name", f"must be at most {_MAX_NAME} printable characters"
    choices = (
        ("application_type", asked.application_type, APPLICATION_TYPES),
        ("token_endpoint_auth_method", asked.auth_method, AUTH_METHODS),
        ("id_token_signed_response_alg", asked.id_token_signed_response_alg, ALGORITHMS),
    )
    for name, value, allowed in choices:
        if value not in allowed:
            yield name, f"must be one of {', '.join(allowed)}"


def _check_grants(asked: Registration, _realm: RealmName) -> Problems:
    for grant in asked.grants:
        if grant in _LATER_GRANTS:
            yield "grant_types", f"{grant} is not part of this version"
        elif grant not in GRANT_TYPES:
            yield "grant_types", f"must be among {', '.join(GRANT_TYPES)}"
    is_code = "authorization_code" in asked.grants
    if "refresh_token" in asked.grants and not is_code:
        yield "grant_types", "refresh_token needs authorization_code beside it"
    if is_code and not asked.redirect_uris:
        yield "redirect_uris", "needs at least one"
    if is_code and asked.application_type == "service":
        yield "grant_types", "a service signs no people in; it uses client_credentials"
    if len(set(asked.grants)) != len(asked.grants):
        yield "grant_types", "names one twice"


def _check_public(asked: Registration, _realm: RealmName) -> Problems:
    if asked.auth_method != "none":
        if asked.application_type == "spa":
            yield "token_endpoint_auth_method", "a page in a browser cannot keep a secret: use none"
        return
    if asked.application_type == "service" or "client_credentials" in asked.grants:
        yield "token_endpoint_auth_method", "a client that acts for itself must prove itself"
    if not asked.pkce_required:
        yield "pkce_required", "a public client must use PKCE"
    if asked.may_introspect:
        yield "may_introspect", "a public client cannot introspect tokens"


def _check_keys(asked: Registration, _realm: RealmName) -> Problems:
    if asked.auth_method == "private_key_jwt" and not asked.jwks:
        yield "jwks", "private_key_jwt needs the client's public keys"
    problem = find_bad_jwks(asked.jwks) if asked.jwks is not None else None
    if problem is not None:
        yield "jwks", problem
    if asked.secret is not None:
        yield from _check_secret(asked, asked.secret)


def _check_secret(asked: Registration, secret: str) -> Problems:
    if not asked.has_secret:
        yield "secret", f"a client with {asked.auth_method} has no secret"
    elif not _MIN_SECRET <= len(secret) <= _MAX_SECRET or not secret.isprintable():
        yield "secret", f"must be {_MIN_SECRET} to {_MAX_SECRET} printable characters"


def _check_addresses(asked: Registration, _realm: RealmName) -> Problems:
    kind = asked.application_type
    lists: tuple[tuple[str, tuple[str, ...], Callable[[str], str | None]], ...] = (
        ("redirect_uris", asked.redirect_uris, lambda uri: find_bad_redirect_uri(uri, kind)),
        (
            "post_logout_redirect_uris",
            asked.post_logout_redirect_uris,
            lambda uri: find_bad_redirect_uri(uri, kind),
        ),
        ("spa_origins", asked.spa_origins, find_bad_origin),
    )
    for name, values, check in lists:
        yield from _check_list(name, values, check)
    for name, value in (
        ("backchannel_logout_uri", asked.backchannel_logout_uri),
        ("initiate_login_uri", asked.initiate_login_uri),
    ):
        problem = find_bad_web_uri(value) if value is not None else None
        if problem is not None:
            yield name, problem
    if asked.spa_origins and asked.auth_method != "none":
        yield "spa_origins", "only a public client that runs in a browser has one"


def _check_list(name: str, values: tuple[str, ...], check: Callable[[str], str | None]) -> Problems:
    if len(values) > _MAX_LIST:
        yield name, f"must not have more than {_MAX_LIST}"
        return
    if len(set(values)) != len(values):
        yield name, "names one twice"
    for value in values:
        problem = check(value)
        if problem is not None:
            yield name, f"{value[:200]!r} {problem}"


def _check_scopes(asked: Registration, realm: RealmName) -> Problems:
    scopes = asked.asked_scopes
    if len(" ".join(scopes)) > _MAX_SCOPE:
        yield "scope", f"must not be longer than {_MAX_SCOPE} characters"
        return
    for scope in scopes:
        if not is_scope_token(scope):
            yield "scope", f"{scope[:64]!r} is not a scope"
        elif scope.startswith(ADMIN_PREFIX) and scope not in ADMIN_SCOPES:
            yield "scope", f"there is no {scope[:64]}; there are {', '.join(ADMIN_SCOPES)}"
        elif scope in ADMIN_SCOPES and realm != "staff":
            yield "scope", f"{scope} exists in the staff realm only"
    is_service = asked.application_type == "service"
    if is_service and OPENID in scopes:
        yield "scope", "a service is no person: openid and the like are not for it"
    if len(set(scopes)) != len(scopes):
        yield "scope", "names one twice"


def _check_groups(asked: Registration, _realm: RealmName) -> Problems:
    if asked.allowed_groups is None:
        return
    if "authorization_code" not in asked.grants:
        yield "allowed_groups", "only a client that people sign in to can be limited to groups"
    if len(asked.allowed_groups) > _MAX_LIST:
        yield "allowed_groups", f"must not have more than {_MAX_LIST}"


_CHECKS = (
    _check_names,
    _check_grants,
    _check_public,
    _check_keys,
    _check_addresses,
    _check_scopes,
    _check_groups,
)
