"""Clients as administrators keep them: added, changed, given a new secret, removed, listed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from idp.core.client_groups import groups_by_client, limit_client
from idp.core.client_registration import Registration, check_registration
from idp.core.client_secrets import new_secret, secret_mac
from idp.core.codes import drop_codes
from idp.core.events import Event, EventCode
from idp.core.uniqueness import one_of_a_kind
from idp.core.work import UnitOfWork
from idp.errors import Conflict, InvalidInput, NotFound, PreconditionFailed
from idp.ids import ClientId, RawToken
from idp.store.clients import ClientRow, ConsentRow
from idp.store.tokens import TokenFamilyRow
from idp.store.users import UserRow


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientView:
    """What administrators see of a client; never its secret."""

    registration: Registration
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ClientCreated:
    """A client that was added, or got a new secret; `secret` is shown this once."""

    client: ClientView
    secret: RawToken | None = field(repr=False)


def create_client(uow: UnitOfWork, registration: Registration) -> ClientCreated:
    """Register a client and return it with its secret, if it has one.

    The id of a removed client can be used again; nothing of the old one comes back.

    Raises:
        InvalidInput: `client.invalid` with every problem.
        Conflict: `client.exists`.
    """
    check_registration(registration, uow.realm)
    _refuse_subject(uow, registration.client_id)
    row = uow.db.get(ClientRow, (uow.realm, registration.client_id), with_for_update=True)
    if row is not None and row.is_active:
        raise Conflict("client.exists", client_id=registration.client_id)
    if row is None:
        row = ClientRow(client_id=registration.client_id, version=0, created_at=uow.now)
        uow.db.add(row)
    secret = _secret_of(registration)
    _write(uow, row, registration)
    row.secret_mac = _mac(uow, registration.client_id, secret)
    row.is_active = True
    row.created_at = uow.now
    with one_of_a_kind("client.exists", client_id=registration.client_id):
        uow.db.flush()
    limit_client(uow, row, registration.allowed_groups)
    _record(uow, EventCode.CLIENT_CREATED, row)
    return ClientCreated(_view(uow, row), None if registration.secret else secret)


def update_client(
    uow: UnitOfWork,
    client_id: str,
    changes: Mapping[str, Any],
    *,
    expected_version: int | None = None,
) -> ClientCreated:
    """Change members of a registration (`Registration` names); the rest stays.

    A change to a method with a secret gives the client one, which is then returned.

    Args:
        expected_version: the version that the caller saw; None changes whatever there is.

    Raises:
        NotFound: `client.not_found`.
        PreconditionFailed: the client is at another version by now.
        InvalidInput: `client.invalid` with every problem.
    """
    row = _active(uow, client_id)
    if expected_version is not None and row.version != expected_version:
        raise PreconditionFailed("client.changed", client_id=client_id, version=row.version)
    before = _view(uow, row).registration
    wanted = replace(before, **changes)
    check_registration(wanted, uow.realm)
    _write(uow, row, wanted)
    if "allowed_groups" in changes:
        limit_client(uow, row, wanted.allowed_groups)
    secret = None
    if wanted.secret is not None or (wanted.has_secret and row.secret_mac is None):
        secret = _secret_of(wanted)
        row.secret_mac = _mac(uow, client_id, secret)
    elif not wanted.has_secret:
        row.secret_mac = None
    view = _view(uow, row)
    now = replace(view.registration, secret=wanted.secret)
    changed = sorted(name for name in changes if getattr(before, name) != getattr(now, name))
    _record(uow, EventCode.CLIENT_CHANGED, row, changed=changed)
    return ClientCreated(view, None if wanted.secret else secret)


def rotate_client_secret(
    uow: UnitOfWork, client_id: str, secret: str | None = None
) -> ClientCreated:
    """Replace a client's secret; the old one stops working at once.

    Raises:
        NotFound: `client.not_found`.
        Conflict: `client.has_no_secret`.
        InvalidInput: `client.invalid`, when the given secret cannot be one.
    """
    row = _active(uow, client_id)
    registration = replace(_view(uow, row).registration, secret=secret)
    if not registration.has_secret:
        raise Conflict("client.has_no_secret", client_id=client_id)
    check_registration(registration, uow.realm)
    fresh = _secret_of(registration)
    row.secret_mac = _mac(uow, client_id, fresh)
    _touch(uow, row)
    _record(uow, EventCode.CLIENT_SECRET_ROTATED, row)
    return ClientCreated(_view(uow, row), None if secret else fresh)


def remove_client(uow: UnitOfWork, client_id: str) -> None:
    """Remove a client; its tokens, consents and secret are worthless from now on.

    Raises:
        NotFound: `client.not_found`.
    """
    row = _active(uow, client_id)
    row.is_active = False
    row.secret_mac = None
    limit_client(uow, row, ())
    _touch(uow, row)
    uow.db.execute(sa.delete(ConsentRow).where(ConsentRow.client_id == client_id))
    uow.db.flush()
    drop_codes(uow, ClientId(client_id))
    uow.db.execute(
        sa.update(TokenFamilyRow)
        .where(TokenFamilyRow.client_id == client_id, TokenFamilyRow.revoked_at.is_(None))
        .values(revoked_at=uow.now, revoked_reason="client_removed")
    )
    _record(uow, EventCode.CLIENT_REMOVED, row)


def get_client(uow: UnitOfWork, client_id: str) -> ClientView:
    """Return a client.

    Raises:
        NotFound: `client.not_found`.
    """
    return _view(uow, _active(uow, client_id))


def list_clients(
    uow: UnitOfWork, *, after: str | None = None, limit: int | None = None
) -> list[ClientView]:
    """Return the clients by id, from the one after `after` on."""
    query = sa.select(ClientRow).where(ClientRow.is_active).order_by(ClientRow.client_id)
    if after is not None:
        query = query.where(ClientRow.client_id > after)
    rows = uow.db.scalars(query.limit(limit)).all()
    groups = groups_by_client(uow, [row.client_id for row in rows if row.is_limited])
    return [_view_of(row, groups.get(row.client_id, ())) for row in rows]


def _active(uow: UnitOfWork, client_id: str) -> ClientRow:
    row = uow.db.get(ClientRow, (uow.realm, client_id), with_for_update=True)
    if row is None or not row.is_active:
        raise NotFound("client.not_found", client_id=client_id)
    return row


def _refuse_subject(uow: UnitOfWork, client_id: str) -> None:
    """Return when no person has this id as `sub`, for a client's own tokens carry it there.

    Raises:
        InvalidInput: `client.invalid`.

    Spec: RFC 9068 5.
    """
    if uow.db.scalar(sa.select(UserRow.id).where(UserRow.sub == client_id)) is not None:
        problem = {"field": "client_id", "reason": "is the subject of a person"}
        raise InvalidInput("client.invalid", problems=[problem])


def _secret_of(registration: Registration) -> RawToken | None:
    if not registration.has_secret:
        return None
    return RawToken(registration.secret) if registration.secret else new_secret()


def _mac(uow: UnitOfWork, client_id: str, secret: str | None) -> str | None:
    return None if secret is None else secret_mac(uow.runtime.box, uow.realm, client_id, secret)


def _write(uow: UnitOfWork, row: ClientRow, wanted: Registration) -> None:
    row.client_name = wanted.client_name or wanted.client_id
    row.application_type = wanted.application_type
    row.token_endpoint_auth_method = wanted.auth_method
    row.redirect_uris = list(wanted.redirect_uris)
    row.post_logout_redirect_uris = list(wanted.post_logout_redirect_uris)
    row.backchannel_logout_uri = wanted.backchannel_logout_uri
    row.initiate_login_uri = wanted.initiate_login_uri
    row.grant_types = list(wanted.grants)
    row.scopes = list(wanted.asked_scopes)
    row.spa_origins = list(wanted.spa_origins)
    row.jwks = dict(wanted.jwks) if wanted.jwks else None
    row.pkce_required = wanted.pkce_required
    row.consent_required = wanted.consent_required
    row.may_introspect = wanted.may_introspect
    row.id_token_signed_response_alg = wanted.id_token_signed_response_alg
    row.metadata_extra = dict(wanted.further)
    _touch(uow, row)


def _touch(uow: UnitOfWork, row: ClientRow) -> None:
    row.version += 1
    row.updated_at = uow.now


def _view(uow: UnitOfWork, row: ClientRow) -> ClientView:
    found = groups_by_client(uow, [row.client_id]) if row.is_limited else {}
    return _view_of(row, found.get(row.client_id, ()))


def _view_of(row: ClientRow, groups: tuple[str, ...]) -> ClientView:
    registration = Registration(
        client_id=row.client_id,
        client_name=row.client_name,
        application_type=row.application_type,
        token_endpoint_auth_method=row.token_endpoint_auth_method,
        redirect_uris=tuple(row.redirect_uris),
        post_logout_redirect_uris=tuple(row.post_logout_redirect_uris),
        backchannel_logout_uri=row.backchannel_logout_uri,
        initiate_login_uri=row.initiate_login_uri,
        grant_types=tuple(row.grant_types),
        scopes=tuple(row.scopes),
        spa_origins=tuple(row.spa_origins),
        jwks=row.jwks,
        pkce_required=row.pkce_required,
        consent_required=row.consent_required,
        may_introspect=row.may_introspect,
        allowed_groups=groups if row.is_limited else None,
        id_token_signed_response_alg=row.id_token_signed_response_alg,
        further=row.metadata_extra,
    )
    return ClientView(
        registration=registration,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _record(uow: UnitOfWork, code: EventCode, row: ClientRow, **params: object) -> None:
    uow.record(Event(code=code, client_id=row.client_id, params=params))
