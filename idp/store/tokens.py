"""Authorization codes, refresh families and revoked access tokens."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from idp.store.base import HASH, ID, NAME, Base, InRealm


class AuthorizationCodeRow(InRealm, Base):
    """A single-use code. `family_id` is the id of the family that spending it will begin."""

    __tablename__ = "authorization_codes"
    __table_args__ = (
        ForeignKeyConstraint(["realm", "user_id"], ["users.realm", "users.id"]),
        Index("ix_authorization_codes_expires_at", "expires_at"),
    )

    code_hash: Mapped[str] = mapped_column(HASH, primary_key=True)
    client_id: Mapped[str] = mapped_column(NAME)
    user_id: Mapped[str] = mapped_column(ID)
    session_id: Mapped[str] = mapped_column(ID)
    family_id: Mapped[str] = mapped_column(ID)
    epoch: Mapped[int]
    redirect_uri: Mapped[str] = mapped_column(String(2048))
    scope: Mapped[str] = mapped_column(String(2048))
    nonce: Mapped[str | None] = mapped_column(String(2048))
    code_challenge: Mapped[str | None] = mapped_column(String(128))
    auth_time: Mapped[datetime]
    amr: Mapped[list[str]] = mapped_column(default=list)
    acr: Mapped[str | None] = mapped_column(String(256))
    claims_request: Mapped[dict[str, Any] | None]
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    spent_at: Mapped[datetime | None]


class TokenFamilyRow(InRealm, Base):
    """Everything that one spent code gave; one row, rotated in place (DECISIONS 3).

    The refresh token itself is derived (HMAC of family and counter), so none is stored. `epoch` is
    the birth epoch and never changes. `refreshable` is false when the client may not refresh.
    """

    __tablename__ = "token_families"
    __table_args__ = (
        ForeignKeyConstraint(["realm", "user_id"], ["users.realm", "users.id"]),
        Index("ix_token_families_realm_user_id", "realm", "user_id"),
        Index("ix_token_families_realm_session_id", "realm", "session_id"),
        Index("ix_token_families_expires_at", "expires_at"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    client_id: Mapped[str] = mapped_column(NAME)
    user_id: Mapped[str] = mapped_column(ID)
    session_id: Mapped[str] = mapped_column(ID)
    scope: Mapped[str] = mapped_column(String(2048))
    epoch: Mapped[int]
    auth_time: Mapped[datetime]
    amr: Mapped[list[str]] = mapped_column(default=list)
    acr: Mapped[str | None] = mapped_column(String(256))
    claims_request: Mapped[dict[str, Any] | None]
    refreshable: Mapped[bool] = mapped_column(default=True)
    counter: Mapped[int] = mapped_column(default=0)
    rotated_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    used_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_reason: Mapped[str | None] = mapped_column(String(32))


class RevokedAccessTokenRow(InRealm, Base):
    """A JWT that may not be used any more, until its expiry.

    An access token that was revoked (RFC 7009), or a client's assertion that was used (RFC 7523).
    """

    __tablename__ = "revoked_access_tokens"
    __table_args__ = (Index("ix_revoked_access_tokens_expires_at", "expires_at"),)

    jti_hash: Mapped[str] = mapped_column(HASH, primary_key=True)
    expires_at: Mapped[datetime]
