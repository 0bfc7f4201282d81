"""Authorization requests under way in a browser: stored once they need a screen.

The browser carries only the request's opaque id; the row is bound to the browser that began it.
Screens note what happened here and send the browser back to the dispatcher; none of them answers
the client.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Self, cast

from sqlalchemy.engine import Row

from idp.core.clients import Client, client_at, origin_of
from idp.core.consents import grant_consent
from idp.core.events import Event, EventCode
from idp.core.work import UnitOfWork
from idp.ids import ClientId, RawToken, SessionId, UserId, hash_token, new_raw_token
from idp.store import hot_flow
from idp.store.clients import ClientRow

_UNBOUND = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRequest:
    """A checked authorization request.

    Attributes:
        response_mode: `query` or `form_post`.
        expected_sub: the user that the client means (`id_token_hint`, or a `sub` in `claims`).
        claims: names asked for one by one, under `userinfo` and `id_token`.
        consent_scopes: `scopes`, and those that the claims asked for one by one belong to.
    """

    client_id: ClientId
    redirect_uri: str
    response_mode: str
    scopes: tuple[str, ...]
    consent_scopes: tuple[str, ...]
    state: str | None = None
    nonce: str | None = None
    code_challenge: str | None = None
    prompts: frozenset[str] = frozenset()
    max_age: timedelta | None = None
    login_hint: str | None = None
    expected_sub: str | None = None
    claims: Mapping[str, Any] | None = None

    def document(self) -> dict[str, Any]:
        """Return the request as JSON values; `parse` reads them back."""
        members = {name: getattr(self, name) for name in _MEMBERS}
        members["prompts"] = sorted(self.prompts)
        members["max_age"] = None if self.max_age is None else int(self.max_age.total_seconds())
        return members

    @classmethod
    def parse(cls, document: Mapping[str, Any], **state: Any) -> Self:  # noqa: ANN401 - the members of a subclass
        """Return the request that `document` describes."""
        members = {name: document.get(name) for name in _MEMBERS}
        members["prompts"] = frozenset(document["prompts"])
        for name in ("scopes", "consent_scopes"):
            members[name] = tuple(document[name])
        if document["max_age"] is not None:
            members["max_age"] = timedelta(seconds=document["max_age"])
        return cls(**cast("Any", members), **state)

    @property
    def form_action(self) -> str:
        """Return what a page's `form-action` must allow so that the answer reaches the client."""
        return form_target(self.redirect_uri)


def form_target(uri: str) -> str:
    """Return the source that `form-action` must list for a form whose answer redirects to `uri`.

    Spec: CSP Level 3, `form-action` (origin, or scheme for private-use schemes).
    """
    return origin_of(uri) or f"{uri.partition(':')[0]}:"


_MEMBERS = tuple(member.name for member in fields(NewRequest))


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest(NewRequest):
    """A stored request and what happened to it so far.

    Attributes:
        session_id, authenticated_at: the sign-in made for this request, if any.
        consented: the scopes allowed while it is under way.
        refused: the OAuth error that a person's choice stands for (`access_denied`), if any.
        is_attended: somebody signed in looks at it; it then lives longer.
        client_version: of the client that asked, as it was read with the request.
    """

    id: RawToken
    session_id: SessionId | None
    authenticated_at: datetime | None
    consented: tuple[str, ...]
    refused: str | None
    is_attended: bool
    created_at: datetime
    expires_at: datetime
    client_version: int


def store_request(
    uow: UnitOfWork,
    browser: RawToken | None,
    request: NewRequest,
    *,
    is_attended: bool = False,
) -> RawToken:
    """Store a request and return the id that the browser carries.

    Args:
        browser: the browser it is bound to; None binds it to the first one that brings its id (a
            cross-site POST arrives without cookies).
        is_attended: somebody is signed in there. One that nobody attends to lives a few minutes:
            whoever does not sign in costs no more than that.
    """
    request_id = new_raw_token()
    hot_flow.add_request(
        uow.db,
        uow.realm,
        id_hash=hash_token(request_id),
        browser_hash=_UNBOUND if browser is None else hash_token(browser),
        client_id=request.client_id,
        params=request.document(),
        consented=[],
        is_attended=is_attended,
        created_at=uow.now,
        expires_at=uow.now + _life(uow, is_attended=is_attended),
    )
    return request_id


def find_request(
    uow: UnitOfWork, request_id: str, browser: RawToken, *, may_bind: bool = True
) -> AuthorizationRequest | None:
    """Return a request of this browser that is still under way.

    None when it is unknown, over, or belongs to another browser.

    Args:
        may_bind: a request that is bound to no browser yet becomes this one's (a write); a screen
            leaves that to the dispatcher.
    """
    row = _row(uow, request_id, browser, may_bind=may_bind)
    if row is None or row.finished_at is not None or uow.now >= row.expires_at:
        return None
    return AuthorizationRequest.parse(
        row.params,
        id=RawToken(request_id),
        session_id=SessionId(row.session_id) if row.session_id else None,
        authenticated_at=row.authenticated_at,
        consented=tuple(row.consented),
        refused=row.params.get("refused"),
        is_attended=row.is_attended,
        created_at=row.created_at,
        expires_at=row.expires_at,
        client_version=row.client_version,
    )


def find_client_of(uow: UnitOfWork, request: AuthorizationRequest) -> Client | None:
    """Return the client that asked, or None when it is gone, or waits at the address no more."""
    client = client_at(uow, request.client_id, request.client_version)
    is_there = client.is_active and client.allows_redirect_uri(request.redirect_uri)
    return client if is_there else None


def find_way_back(uow: UnitOfWork, request_id: str, browser: RawToken) -> str | None:
    """Return where a sign-in that took too long can be started again, if the client says where.

    Spec: OIDC Core 4 (`initiate_login_uri`).
    """
    row = _row(uow, request_id, browser, may_bind=False)
    client = None if row is None else uow.db.get(ClientRow, (uow.realm, row.client_id))
    return client.initiate_login_uri if client is not None else None


def note_signed_in(uow: UnitOfWork, request: AuthorizationRequest, session_id: SessionId) -> None:
    """Note that the user proved the password for this request; call it for each new session id.

    What was allowed before is forgotten: it may have been somebody else who allowed it.
    """
    noted = {"session_id": session_id, "authenticated_at": uow.now, "consented": []}
    _update(uow, request, **noted, **_attended(uow, request))


def attend_request(uow: UnitOfWork, request: AuthorizationRequest) -> None:
    """Let a request live on for somebody who signed in, as if it had been so from its beginning."""
    if not request.is_attended:
        _update(uow, request, **_attended(uow, request))


def note_consent(
    uow: UnitOfWork, request: AuthorizationRequest, user_id: UserId, scopes: Iterable[str]
) -> None:
    """Note that the user allowed `scopes`, for this request and for later ones."""
    allowed = [scope for scope in scopes if scope in request.consent_scopes]
    _update(uow, request, consented=allowed)
    grant_consent(uow, user_id, request.client_id, allowed)


def refuse_request(
    uow: UnitOfWork, request: AuthorizationRequest, user_id: UserId | None = None
) -> None:
    """Note that the person said no; the dispatcher then answers `access_denied`."""
    turn_away(uow, request)
    uow.record(
        Event(code=EventCode.CONSENT_DENIED, subject_id=user_id, client_id=request.client_id)
    )


def turn_away(uow: UnitOfWork, request: AuthorizationRequest) -> None:
    """Have the dispatcher answer `access_denied`."""
    _update(uow, request, params={**request.document(), "refused": "access_denied"})


def finish_request(uow: UnitOfWork, request: AuthorizationRequest) -> bool:
    """End a request that is about to be answered; tell whether it was still open."""
    return hot_flow.finish_request(uow.db, uow.realm, hash_token(request.id), at=uow.now)


def _attended(uow: UnitOfWork, request: AuthorizationRequest) -> dict[str, object]:
    expires_at = request.created_at + _life(uow, is_attended=True)
    return {"is_attended": True, "expires_at": expires_at}


def _life(uow: UnitOfWork, *, is_attended: bool) -> timedelta:
    lifetimes = uow.runtime.config.realm(uow.realm).lifetimes
    most = lifetimes.authorization_request
    return most if is_attended else min(most, lifetimes.unattended_request)


def _row(uow: UnitOfWork, request_id: str, browser: RawToken, *, may_bind: bool) -> Row[Any] | None:
    id_hash, browser_hash = hash_token(request_id), hash_token(browser)
    row = hot_flow.request_facts(uow.db, uow.realm, id_hash)
    if row is None or row.browser_hash == browser_hash:
        return row
    is_bound = (
        may_bind
        and row.browser_hash == _UNBOUND
        and hot_flow.bind_request(
            uow.db, uow.realm, id_hash, unbound=_UNBOUND, browser_hash=browser_hash
        )
    )
    return row if is_bound else None


def _update(uow: UnitOfWork, request: AuthorizationRequest, **columns: object) -> None:
    hot_flow.change_request(uow.db, uow.realm, hash_token(request.id), columns)
