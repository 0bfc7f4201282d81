"""Registered clients as the protocol sees them: found through a cache that never goes stale."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast
from urllib.parse import urlsplit

import sqlalchemy as sa
from joserfc.jwk import import_key

from idp.core.jose import Key
from idp.core.work import UnitOfWork
from idp.ids import ClientId
from idp.store import hot
from idp.store.clients import ClientRow

CLIENT_ID_FORM = re.compile(r"[A-Za-z0-9._~:-]{1,128}")
_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|\[::1\])(:\d{1,5})?(?P<rest>[/?].*)?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A registered client; member names follow RFC 7591 where it has one.

    `application_type` is one of `web spa native service`; `keys` are its public keys. `is_limited`:
    it is for members of some groups only. `created_at` is when it got its id, which an earlier one
    may have had.
    """

    id: ClientId
    version: int
    name: str
    application_type: str
    auth_method: str
    secret_mac: str | None = field(repr=False)
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    initiate_login_uri: str | None
    grant_types: frozenset[str]
    scopes: frozenset[str]
    spa_origins: frozenset[str]
    keys: tuple[tuple[str | None, Key], ...]
    is_pkce_required: bool
    is_consent_required: bool
    may_introspect: bool
    id_token_alg: str
    is_limited: bool
    is_active: bool
    created_at: datetime

    @property
    def is_public(self) -> bool:
        """Tell whether the client cannot keep a secret."""
        return self.auth_method == "none"

    def allows_redirect_uri(self, uri: str) -> bool:
        """Tell whether `uri` is registered, character by character.

        Only the port of a native client's loopback address is free.

        Spec: RFC 9700 2.1; RFC 8252 7.3.
        """
        if uri in self.redirect_uris:
            return True
        if self.application_type != "native":
            return False
        asked = _without_port(uri)
        return asked is not None and asked in map(_without_port, self.redirect_uris)

    def find_keys(self, kid: str | None) -> list[Key]:
        """Return the client's keys that `kid` may mean; every one when the token names none."""
        return [key for name, key in self.keys if kid is None or name == kid]


def find_client(uow: UnitOfWork, client_id: str) -> Client | None:
    """Return an active client of this realm, or None; one SELECT when it is cached."""
    if not CLIENT_ID_FORM.fullmatch(client_id):
        return None
    row = hot.client_facts(uow.db, uow.realm, client_id)
    client = None if row is None else client_at(uow, client_id, row.client_version)
    return client if client is not None and client.is_active else None


def client_at(uow: UnitOfWork, client_id: str, version: int) -> Client:
    """Return a client at a version that the caller read with the facts of its request."""
    return uow.runtime.clients.get(
        (uow.realm, client_id, version), lambda: client_of(_row(uow, client_id))
    )


def is_spa_origin(uow: UnitOfWork, origin: str) -> bool:
    """Tell whether any active client lists `origin`; for preflights, which name no client."""
    query = sa.select(ClientRow.spa_origins).where(ClientRow.is_active)
    return any(origin in origins for origins in uow.db.scalars(query))


def client_of(row: ClientRow) -> Client:
    """Return the client that a row describes."""
    return Client(
        id=ClientId(row.client_id),
        version=row.version,
        name=row.client_name,
        application_type=row.application_type,
        auth_method=row.token_endpoint_auth_method,
        secret_mac=row.secret_mac,
        redirect_uris=tuple(row.redirect_uris),
        post_logout_redirect_uris=tuple(row.post_logout_redirect_uris),
        initiate_login_uri=row.initiate_login_uri,
        grant_types=frozenset(row.grant_types),
        scopes=frozenset(row.scopes),
        spa_origins=frozenset(row.spa_origins),
        keys=_keys_of(row.jwks),
        is_pkce_required=row.pkce_required,
        is_consent_required=row.consent_required,
        may_introspect=row.may_introspect,
        id_token_alg=row.id_token_signed_response_alg,
        is_limited=row.is_limited,
        is_active=row.is_active,
        created_at=row.created_at,
    )


def origin_of(uri: str) -> str | None:
    """Return the origin of an https or http address, or None for any other kind.

    Spec: RFC 6454 6.2.
    """
    parts = urlsplit(uri)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        return None
    return f"{parts.scheme}://{parts.netloc.lower()}"


def is_loopback_host(host: str | None) -> bool:
    """Tell whether a host is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def _row(uow: UnitOfWork, client_id: str) -> ClientRow:
    return uow.db.get_one(ClientRow, (uow.realm, client_id))


def _keys_of(jwks: Mapping[str, Any] | None) -> tuple[tuple[str | None, Key], ...]:
    documents = jwks["keys"] if jwks else []
    return tuple((item.get("kid"), cast("Key", import_key(item))) for item in documents)


def _without_port(uri: str) -> str | None:
    found = _LOOPBACK.fullmatch(uri)
    return f"{found[1]}{found['rest'] or ''}" if found else None
