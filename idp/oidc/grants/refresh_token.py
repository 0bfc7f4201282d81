"""The refresh token grant, with rotation.

Spec: RFC 6749 6; OIDC Core 12; RFC 9700 4.14.2.
"""

from idp.core.directory_recheck import Looked, RecheckDue
from idp.core.families import rotate_refresh
from idp.core.refresh_tokens import RefreshToken, read_refresh_token
from idp.core.tokens import refuse_unread
from idp.core.work import UnitOfWork
from idp.oidc.grants.base import Grant, Outcome
from idp.oidc.rechecking import look_again


class RefreshTokenGrant(Grant):
    """A refresh token of a family."""

    GRANT_TYPE = "refresh_token"
    HAS_USER = True
    token: RefreshToken | None
    scopes: tuple[str, ...] | None
    looked: Looked = Looked.NOT_YET

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
        return rotate_refresh(uow, self.proof, self.token, self.scopes, looked=self.looked)

    def transact(self) -> Outcome:
        """Prove the grant; where a directory has to be asked first, roll back, ask, and begin anew.

        Rolled back, because the client's own proof can be spent only once.
        """
        try:
            return super().transact()
        except RecheckDue as due:
            self.looked = look_again(self.request.visit, due)
        return super().transact()
