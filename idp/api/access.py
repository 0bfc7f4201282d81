"""Who calls, and what the caller may do: asked once per request, from what holds now.

A caller is a person who holds an administrator role at this moment, or a client that acts for
itself. Both need a scope; a person's role says besides whether anything may be changed.

Spec: RFC 6750 2.1; RFC 9068 4; RFC 9470.
"""

import re
from dataclasses import dataclass

from idp.api.problems import NotAuthenticated
from idp.clock import from_epoch_seconds
from idp.core.access_tokens import AccessToken, administration_audience, find_access_token
from idp.core.events import Event, EventCode
from idp.core.roles import ADMIN_REALM, AdminRole, require_recent_sign_in, roles_by_user
from idp.core.runtime import Runtime
from idp.core.scopes import ADMIN_SCOPES
from idp.core.work import Actor, Trace, UnitOfWork
from idp.errors import Forbidden
from idp.ids import ClientId

READ = "admin:read"
USERS = "admin:users"
CLIENTS = "admin:clients"
POLICY = "admin:policy"
RESET = "admin:reset"
DIRECTORY = "admin:directory"
AUDIT = "admin:audit"
SYSTEM = "admin:system"

_BEARER = re.compile(r"Bearer +(?P<token>[A-Za-z0-9._~+/-]+=*)", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls. `scopes` are those of the token that its client may still have.

    `roles` are a person's; None for a client that acts for itself.
    """

    actor: Actor
    client_id: ClientId
    scopes: frozenset[str]
    roles: frozenset[str] | None

    @property
    def has_power_over_all(self) -> bool:
        """Tell whether administrators too are in the caller's reach: of a person's, they are."""
        return self.roles is not None or SYSTEM in self.scopes

    def require_role(self, *, to_write: bool) -> None:
        """Return when the caller is a client, or a person with a role that is enough.

        Raises:
            Forbidden: `admin.role_missing`, `admin.read_only`.
        """
        if self.roles is None or AdminRole.OWNER in self.roles:
            return
        if AdminRole.AUDITOR not in self.roles:
            raise Forbidden("admin.role_missing")
        if to_write:
            raise Forbidden("admin.read_only")

    def require(self, *any_of: str) -> None:
        """Return when the caller holds one of these scopes.

        Raises:
            Forbidden: `admin.scope_missing`.
        """
        if not self.scopes.intersection(any_of):
            raise Forbidden("admin.scope_missing", any_of=list(any_of))

    def require_power_over(self, uow: UnitOfWork, user_id: str) -> None:
        """Return when the caller may act on this user.

        Whoever could set the password of an administrator would be one.

        Raises:
            Forbidden: `admin.subject_is_administrator`: a client without the scope `admin:system`.
            SignInTooOld: a person, about an administrator.
        """
        if not roles_by_user(uow, [user_id]):
            return
        if not self.has_power_over_all:
            raise Forbidden("admin.subject_is_administrator")
        require_recent_sign_in(self.actor, uow.now)

    def require_scopes_held(self, scopes: frozenset[str]) -> None:
        """Return when every administration scope among `scopes` is the caller's own.

        Raises:
            Forbidden: `admin.scope_not_held`.
        """
        beyond = sorted(scopes.intersection(ADMIN_SCOPES) - self.scopes)
        if beyond:
            raise Forbidden("admin.scope_not_held", scopes=beyond)


def authenticate(runtime: Runtime, header: str | None) -> Caller:
    """Return who the bearer of an access token is.

    The account, its epoch, its role, the session and the client are all read now.

    Raises:
        NotAuthenticated: no token, or none for this interface, or one that is over.
    """
    if header is None:
        raise NotAuthenticated
    found = _BEARER.fullmatch(header.strip())
    if found is None:
        raise NotAuthenticated("token.invalid")
    with runtime.begin(ADMIN_REALM, write=False) as uow:
        token = find_access_token(uow, found["token"], audience=administration_audience(uow))
        if token is None:
            raise NotAuthenticated("token.invalid")
        return _caller(uow, token)


def record_refusal(
    runtime: Runtime, caller: Caller, trace: Trace, error: Forbidden, operation: str
) -> None:
    """Leave a trace of what a caller was not allowed to do."""
    params = {"operation": operation, "reason": error.code, "client_id": caller.client_id}
    with runtime.begin(ADMIN_REALM, actor=caller.actor, trace=trace) as uow:
        uow.record(Event(code=EventCode.ADMIN_REFUSED, client_id=caller.client_id, params=params))


def _caller(uow: UnitOfWork, token: AccessToken) -> Caller:
    scopes = token.scopes & token.client.scopes
    if token.account is None:
        actor = Actor("client", token.client.id, may_give_roles=SYSTEM in scopes)
        return Caller(actor=actor, client_id=token.client.id, scopes=scopes, roles=None)
    user_id = token.account.user_id
    roles = frozenset(roles_by_user(uow, [user_id]).get(user_id, ()))
    return Caller(
        actor=Actor(
            "user",
            user_id,
            may_give_roles=AdminRole.OWNER in roles,
            signed_in_at=from_epoch_seconds(token.claims["auth_time"]),
        ),
        client_id=token.client.id,
        scopes=scopes,
        roles=roles,
    )
