"""What every grant shares: who asks, one transaction that proves, then the mint."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, assert_never

from authlib.oauth2.rfc6749 import BaseGrant, TokenEndpointMixin

from idp.core.client_proofs import ClientProof, ClientRefused
from idp.core.scopes import parse_scope
from idp.core.tokens import Authorization, ClientAuthorization, GrantRefused
from idp.core.work import UnitOfWork
from idp.oidc.client_auth import read_client_proof
from idp.oidc.errors import GrantRefusedError, InvalidClientError, InvalidRequestError
from idp.oidc.server import TokenRequest

Outcome = Authorization | ClientAuthorization | ClientRefused | GrantRefused


class Grant(BaseGrant, TokenEndpointMixin, ABC):
    """One grant type. `HAS_USER`: a person stands behind it, so the gate is asked."""

    GRANT_TYPE: str
    HAS_USER: ClassVar[bool]
    request: TokenRequest
    proof: ClientProof

    def validate_token_request(self) -> None:
        """Read what the client brings; what is missing is told before anything is looked up."""
        self.proof = read_client_proof(self.request.params, "token")
        self.read()

    @abstractmethod
    def read(self) -> None:
        """Read the parameters of this grant type."""

    @abstractmethod
    def prove(self, uow: UnitOfWork) -> Outcome:
        """Prove the grant in one transaction; a refusal is a value and is committed."""

    def create_token_response(self) -> Any:  # noqa: ANN401 - Authlib's triple
        """Prove, commit, mint: signing happens outside the transaction."""
        outcome = self.transact()
        match outcome:
            case Authorization() | ClientAuthorization():
                self.request.known_client = outcome.client
                token = self.generate_token(user=outcome)
                return 200, token, self.TOKEN_RESPONSE_HEADER
            case GrantRefused():
                self.request.known_client = outcome.client
                raise GrantRefusedError(outcome)
            case ClientRefused():
                raise InvalidClientError
            case _:
                assert_never(outcome)

    def transact(self) -> Outcome:
        """Prove the grant and commit what that leaves behind."""
        with self.request.visit.work() as uow:
            return self.prove(uow)

    def required(self, name: str) -> str:
        """Return a parameter that must be there.

        Raises:
            InvalidRequestError: it is missing.
        """
        value = self.request.params.get(name)
        if value is None:
            description = f"{name} is missing."
            raise InvalidRequestError(description)
        return value

    def asked_scopes(self) -> tuple[str, ...] | None:
        """Return the scopes asked for, or None when the request names none.

        Raises:
            InvalidRequestError: `scope` is malformed.
        """
        text = self.request.params.get("scope")
        scopes = None if text is None else parse_scope(text)
        if text is not None and scopes is None:
            raise InvalidRequestError("scope is malformed.", error="invalid_scope")
        return scopes or None
