"""Immutable, numbered versions of a realm's password policy."""

from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from idp.store.base import HASH, ID, Base, InRealm


class PolicyVersionRow(InRealm, Base):
    """One version; `origin` is `admin`, `config` or `init`."""

    __tablename__ = "policy_versions"

    number: Mapped[int] = mapped_column(primary_key=True)
    document: Mapped[dict[str, Any]]
    digest: Mapped[str] = mapped_column(HASH)
    author_id: Mapped[str | None] = mapped_column(ID)
    comment: Mapped[str | None] = mapped_column(String(1024))
    origin: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime]
