"""The client credentials grant: a client acts for itself, no person stands behind it.

Spec: RFC 6749 4.4; RFC 9068 2.2.
"""

from idp.core.tokens import grant_client
from idp.core.work import UnitOfWork
from idp.oidc.grants.base import Grant, Outcome


class ClientCredentialsGrant(Grant):
    """A client's own rights."""

    GRANT_TYPE = "client_credentials"
    HAS_USER = False
    scopes: tuple[str, ...] | None

    def read(self) -> None:
        """Read the scopes."""
        self.scopes = self.asked_scopes()

    def prove(self, uow: UnitOfWork) -> Outcome:
        """Look at the client's registration."""
        return grant_client(uow, self.proof, self.scopes)
