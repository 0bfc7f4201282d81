"""Registered clients, the groups they are limited to, and the consents given to them."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from idp.store.base import HASH, ID, NAME, Base, InRealm


class ClientRow(InRealm, Base):
    """A client; member names follow RFC 7591 where it has one.

    `secret_mac` is a keyed HMAC of the secret. `version` grows with each edit (ETag, cache key).
    `application_type` is one of `web spa native service`. `is_limited`: it is for members of its
    `ClientGroupRow`s only; when there are none, for nobody.
    """

    __tablename__ = "clients"

    client_id: Mapped[str] = mapped_column(NAME, primary_key=True)
    client_name: Mapped[str] = mapped_column(NAME)
    application_type: Mapped[str] = mapped_column(String(16))
    token_endpoint_auth_method: Mapped[str] = mapped_column(String(32))
    secret_mac: Mapped[str | None] = mapped_column(HASH)
    redirect_uris: Mapped[list[str]] = mapped_column(default=list)
    post_logout_redirect_uris: Mapped[list[str]] = mapped_column(default=list)
    backchannel_logout_uri: Mapped[str | None] = mapped_column(String(2048))
    initiate_login_uri: Mapped[str | None] = mapped_column(String(2048))
    grant_types: Mapped[list[str]] = mapped_column(default=list)
    scopes: Mapped[list[str]] = mapped_column(default=list)
    spa_origins: Mapped[list[str]] = mapped_column(default=list)
    jwks: Mapped[dict[str, Any] | None]
    pkce_required: Mapped[bool] = mapped_column(default=True)
    consent_required: Mapped[bool] = mapped_column(default=True)
    may_introspect: Mapped[bool] = mapped_column(default=False)
    id_token_signed_response_alg: Mapped[str] = mapped_column(String(16), default="RS256")
    metadata_extra: Mapped[dict[str, Any]] = mapped_column(default=dict)
    is_limited: Mapped[bool] = mapped_column(default=False)
    is_active: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class ClientGroupRow(InRealm, Base):
    """A group whose members may use a client that is limited."""

    __tablename__ = "client_groups"
    __table_args__ = (
        ForeignKeyConstraint(["realm", "client_id"], ["clients.realm", "clients.client_id"]),
        ForeignKeyConstraint(["realm", "group_id"], ["groups.realm", "groups.id"]),
        Index("ix_client_groups_realm_group_id", "realm", "group_id"),
    )

    client_id: Mapped[str] = mapped_column(NAME, primary_key=True)
    group_id: Mapped[str] = mapped_column(ID, primary_key=True)


class ConsentRow(InRealm, Base):
    """The scopes a user allowed a client."""

    __tablename__ = "consents"
    __table_args__ = (
        ForeignKeyConstraint(["realm", "user_id"], ["users.realm", "users.id"]),
        ForeignKeyConstraint(["realm", "client_id"], ["clients.realm", "clients.client_id"]),
        Index("ix_consents_realm_client_id", "realm", "client_id"),
    )

    user_id: Mapped[str] = mapped_column(ID, primary_key=True)
    client_id: Mapped[str] = mapped_column(NAME, primary_key=True)
    scopes: Mapped[list[str]] = mapped_column(default=list)
    granted_at: Mapped[datetime]
