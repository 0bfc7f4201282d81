"""Authorization requests that are under way in a browser."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from idp.store.base import HASH, ID, NAME, Base, InRealm


class AuthorizationRequestRow(InRealm, Base):
    """A checked authorization request; the browser carries only its opaque id.

    `browser_hash` binds it to the browser that began it. `session_id` and `authenticated_at` name
    the sign-in made *for this request* (they answer `prompt=login` and `max_age`); `consented`
    holds the scopes allowed while it is under way. `is_attended`: somebody signed in looks at it.
    """

    __tablename__ = "authorization_requests"
    __table_args__ = (Index("ix_authorization_requests_expires_at", "expires_at"),)

    id_hash: Mapped[str] = mapped_column(HASH, primary_key=True)
    browser_hash: Mapped[str] = mapped_column(HASH)
    client_id: Mapped[str] = mapped_column(NAME)
    params: Mapped[dict[str, Any]]
    session_id: Mapped[str | None] = mapped_column(ID)
    authenticated_at: Mapped[datetime | None]
    consented: Mapped[list[str]] = mapped_column(default=list)
    is_attended: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
