"""Signing keys, encrypted with the key file."""

from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from idp.store.base import Base, InRealm


class SigningKeyRow(InRealm, Base):
    """A key; `state` is one of `next active retiring retired`."""

    __tablename__ = "signing_keys"

    kid: Mapped[str] = mapped_column(String(64), primary_key=True)
    alg: Mapped[str] = mapped_column(String(16))
    private_key: Mapped[bytes]
    public_jwk: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime]
    state_at: Mapped[datetime]
