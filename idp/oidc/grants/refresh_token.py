"""The refresh token grant, with rotation.

Spec: RFC 6749 6; OIDC Core 12; RFC 9700 4.14.2.
"""

from idp.core.families import rotate_refresh
from idp.core.refresh_tokens import RefreshToken, read_refresh_token
from idp.core.tokens import refuse_unread
from idp.core.work import UnitOfWork
from idp.oidc.grants.base import Grant, Outcome


class RefreshTokenGrant(Grant):
    """A refresh token of a family."""

    GRANT_TYPE = "refresh_token"
    HAS_USER = True
    token: RefreshToken | None
    scopes: tuple[str, ...] | None

    def read(self) -> None:
        """Read the token: one that this realm did not write is told without the database."""
        raw = self.required("refresh_token")
        visit = self.request.visit
        self.token = read_refresh_token(visit.runtime.box, visit.realm, raw)
        self.scopes = self.asked_scopes()

    def prove(self, uow: UnitOfWork) -> Outcome:
        """Move the family on."""
        if self.token is None:
            return refuse_unread(uow, self.proof)
        return rotate_refresh(uow, self.proof, self.token, self.scopes)
