"""Users, their password credential, what it was before, and their administrator roles."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from idp.store.base import HASH, ID, NAME, Base, InRealm

UNUSABLE = "!"
"""The stored hash of a credential that no password opens."""


class UserRow(InRealm, Base):
    """An account. Never deleted: `removed` in TimeTrak means `status = "inactive"`.

    `epoch` and `credential_generation` are the two counters of DECISIONS 4; `credential_epoch`
    is the epoch that the last *credential change* set, which tells `credential_changed` from
    `session_ended`. `connector` names the directory that owns the account, if one does.
    """

    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("realm", "username_key"),
        UniqueConstraint("realm", "sub"),
        Index("ix_users_realm_email_key", "realm", "email_key"),
        Index("ix_users_realm_external_id", "realm", "external_id", unique=True),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    sub: Mapped[str] = mapped_column(ID)
    username: Mapped[str] = mapped_column(NAME)
    username_key: Mapped[str] = mapped_column(NAME)
    email: Mapped[str | None] = mapped_column(String(320))
    email_key: Mapped[str | None] = mapped_column(String(320))
    email_verified: Mapped[bool] = mapped_column(default=False)
    given_name: Mapped[str | None] = mapped_column(NAME)
    family_name: Mapped[str | None] = mapped_column(NAME)
    name: Mapped[str | None] = mapped_column(NAME)
    phone_number: Mapped[str | None] = mapped_column(String(64))
    locale: Mapped[str | None] = mapped_column(String(35))
    zoneinfo: Mapped[str | None] = mapped_column(String(64))
    claims: Mapped[dict[str, Any]] = mapped_column(default=dict)
    external_id: Mapped[str | None] = mapped_column(NAME)
    connector: Mapped[str | None] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(16), default="active")
    locked_at: Mapped[datetime | None]
    epoch: Mapped[int] = mapped_column(default=1)
    epoch_cause: Mapped[str | None] = mapped_column(String(32))
    epoch_at: Mapped[datetime | None]
    credential_epoch: Mapped[int] = mapped_column(default=1)
    credential_generation: Mapped[int] = mapped_column(default=1)
    last_sign_in_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class CredentialRow(InRealm, Base):
    """A user's password credential and where it stands.

    `judged_under` is the policy version that accepted the plaintext (0: none did yet, an imported
    hash), and `judged_groups` the groups whose rules it judged by (folded names, one a line);
    `refused_under` is the version that refused the plaintext when it was typed at a sign-in.
    `noted_under` is the version under which a stop that was withheld is on record already, and
    `placed_under` the one under which a wave asked the user. `told_until` is the end of a time of
    grace that the user was told of by mail.
    `set_by` is one of `self recovery admin bulk import`. `campaign_id` names the bulk reset whose
    shared secret this still is. A `hash` that is `UNUSABLE` never verifies.
    """

    __tablename__ = "credentials"
    __table_args__ = (
        ForeignKeyConstraint(["realm", "user_id"], ["users.realm", "users.id"]),
        Index("ix_credentials_realm_campaign_id", "realm", "campaign_id"),
    )

    user_id: Mapped[str] = mapped_column(ID, primary_key=True)
    hash: Mapped[str] = mapped_column(String(1024))
    set_at: Mapped[datetime]
    set_by: Mapped[str] = mapped_column(String(16))
    judged_under: Mapped[int] = mapped_column(default=0)
    judged_groups: Mapped[str] = mapped_column(Text, default="")
    refused_under: Mapped[int | None]
    noted_under: Mapped[int | None]
    placed_under: Mapped[int | None]
    told_until: Mapped[datetime | None]
    must_change: Mapped[bool] = mapped_column(default=False)
    temporary_until: Mapped[datetime | None]
    campaign_id: Mapped[str | None] = mapped_column(ID)
    used_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0)
    failed_at: Mapped[datetime | None]
    throttled_until: Mapped[datetime | None]
    blocked_at: Mapped[datetime | None]


class PasswordHistoryRow(InRealm, Base):
    """A hash that a user had before; for the `history` rule."""

    __tablename__ = "password_history"
    __table_args__ = (
        ForeignKeyConstraint(["realm", "user_id"], ["users.realm", "users.id"]),
        Index("ix_password_history_realm_user_id", "realm", "user_id", "replaced_at"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    user_id: Mapped[str] = mapped_column(ID)
    hash: Mapped[str] = mapped_column(String(1024))
    set_at: Mapped[datetime]
    replaced_at: Mapped[datetime]


class RoleGrantRow(InRealm, Base):
    """An administrator role held by a user: `owner` or `auditor`."""

    __tablename__ = "role_grants"
    __table_args__ = (ForeignKeyConstraint(["realm", "user_id"], ["users.realm", "users.id"]),)

    user_id: Mapped[str] = mapped_column(ID, primary_key=True)
    role: Mapped[str] = mapped_column(String(32), primary_key=True)
    granted_at: Mapped[datetime]


class KnownDeviceRow(InRealm, Base):
    """A browser in which a user signed in before; it is not stopped by others' wrong guesses."""

    __tablename__ = "known_devices"
    __table_args__ = (
        ForeignKeyConstraint(["realm", "user_id"], ["users.realm", "users.id"]),
        Index("ix_known_devices_expires_at", "expires_at"),
    )

    token_hash: Mapped[str] = mapped_column(HASH, primary_key=True)
    user_id: Mapped[str] = mapped_column(ID, primary_key=True)
    generation: Mapped[int]
    expires_at: Mapped[datetime]
