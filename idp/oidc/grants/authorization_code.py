"""The authorization code grant.

Spec: RFC 6749 4.1.3; RFC 7636 4.5; OIDC Core 3.1.3.
"""

from idp.core.codes import CodeAttempt, redeem_code
from idp.core.work import UnitOfWork
from idp.ids import RawToken
from idp.oidc.grants.base import Grant, Outcome


class AuthorizationCodeGrant(Grant):
    """A code that the authorize endpoint issued."""

    GRANT_TYPE = "authorization_code"
    HAS_USER = True
    attempt: CodeAttempt

    def read(self) -> None:
        """Read code, redirect URI and verifier; the last two are judged with the code."""
        self.attempt = CodeAttempt(
            code=RawToken(self.required("code")),
            redirect_uri=self.request.params.get("redirect_uri"),
            verifier=self.request.params.get("code_verifier"),
        )

    def prove(self, uow: UnitOfWork) -> Outcome:
        """Spend the code."""
        return redeem_code(uow, self.proof, self.attempt)
