"""Authorization requests under way in a browser: stored once they need a screen.

The browser carries only the request's opaque id; the row is bound to the browser that began it.
Screens note what happened here and send the browser back to the dispatcher; none of them answers
the client.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Self, cast

import sqlalchemy as sa

from idp.core.clients import origin_of
from idp.core.consents import grant_consent
from idp.core.events import Event, EventCode
from idp.core.work import UnitOfWork
from idp.ids import ClientId, RawToken, SessionId, UserId, hash_token, new_raw_token
from idp.store.clients import ClientRow
from idp.store.flow import AuthorizationRequestRow

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
    """

    id: RawToken
    session_id: SessionId | None
    authenticated_at: datetime | None
    consented: tuple[str, ...]
    refused: str | None
    expires_at: datetime


def store_request(uow: UnitOfWork, browser: RawToken | None, request: NewRequest) -> RawToken:
    """Store a request and return the id that the browser carries.

    Args:
        browser: the browser it is bound to; None binds it to the first one that brings its id (a
            cross-site POST arrives without cookies).
    """
    request_id = new_raw_token()
    lifetimes = uow.runtime.config.realm(uow.realm).lifetimes
    uow.db.add(
        AuthorizationRequestRow(
            id_hash=hash_token(request_id),
            browser_hash=_UNBOUND if browser is None else hash_token(browser),
            client_id=request.client_id,
            params=request.document(),
            consented=[],
            created_at=uow.now,
            expires_at=uow.now + lifetimes.authorization_request,
        )
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
        expires_at=row.expires_at,
    )


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
    _update(uow, request, session_id=session_id, authenticated_at=uow.now, consented=[])


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
    _update(uow, request, params={**request.document(), "refused": "access_denied"})
    uow.record(
        Event(code=EventCode.CONSENT_DENIED, subject_id=user_id, client_id=request.client_id)
    )


def finish_request(uow: UnitOfWork, request: AuthorizationRequest) -> bool:
    """End a request that is about to be answered; tell whether it was still open."""
    finished = uow.db.execute(
        sa.update(AuthorizationRequestRow)
        .where(
            AuthorizationRequestRow.id_hash == hash_token(request.id),
            AuthorizationRequestRow.finished_at.is_(None),
        )
        .values(finished_at=uow.now)
    )
    return bool(finished.rowcount == 1)  # type: ignore[attr-defined]


def _row(
    uow: UnitOfWork, request_id: str, browser: RawToken, *, may_bind: bool
) -> AuthorizationRequestRow | None:
    row = uow.db.get(AuthorizationRequestRow, (uow.realm, hash_token(request_id)))
    if row is None:
        return None
    if row.browser_hash == _UNBOUND and may_bind:
        row.browser_hash = hash_token(browser)
    return row if row.browser_hash == hash_token(browser) else None


def _update(uow: UnitOfWork, request: AuthorizationRequest, **columns: object) -> None:
    uow.db.execute(
        sa.update(AuthorizationRequestRow)
        .where(AuthorizationRequestRow.id_hash == hash_token(request.id))
        .values(**columns)
    )
