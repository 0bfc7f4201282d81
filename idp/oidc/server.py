"""Authlib's authorization server, with the mint behind `generate_token`: the only way to tokens.

Authlib picks the grant and carries errors; proving a grant is one transaction of `idp.core`, and
what it proves can be minted only with the gate's `Cleared` in it (docs/adr).
"""

from collections.abc import Mapping
from typing import Any, assert_never, cast

from authlib.oauth2 import AuthorizationServer, OAuth2Request
from authlib.oauth2.rfc6749.requests import OAuth2Payload
from flask import Response

from idp.core.clients import Client
from idp.core.runtime import Runtime
from idp.core.tokens import Authorization, ClientAuthorization
from idp.http.visit import Visit
from idp.ids import RealmName
from idp.oidc.errors import error_answer, json_answer
from idp.oidc.issuer import Issuer
from idp.oidc.params import Parameters


class TokenPayload(OAuth2Payload):
    """The parameters of a token request, as Authlib reads them."""

    def __init__(self, params: Parameters) -> None:
        self._data = dict(params.values)

    @property
    def data(self) -> dict[str, str]:
        """Return the parameters by name."""
        return self._data

    @property
    def datalist(self) -> dict[str, list[Any]]:
        """Return the parameters as lists; repeated ones were refused before."""
        return {name: [value] for name, value in self._data.items()}


class TokenRequest(OAuth2Request):
    """One request at the token endpoint.

    It does not ask Authlib whether http is allowed: `serve` refused a wrong `public_url` before.
    `known_client` is set once the client has proved itself.
    """

    def __init__(self, visit: Visit, params: Parameters) -> None:
        self.visit = visit
        self.params = params
        self.method = "POST"
        self.uri = visit.url("/token")
        self.headers = {}
        self.payload = TokenPayload(params)
        self.client = None
        self.known_client: Client | None = None


class OAuthServer(AuthorizationServer):
    """The authorization server of one realm."""

    def __init__(self, runtime: Runtime, realm: RealmName, grants: tuple[Any, ...]) -> None:
        super().__init__()
        self._issuer = Issuer(runtime, realm)
        for grant in grants:
            self.register_grant(grant)

    def create_oauth2_request(self, request: object) -> OAuth2Request:
        """Return the request that the view made."""
        return cast("TokenRequest", request)

    def handle_response(
        self, status: int, body: Mapping[str, object], _headers: object
    ) -> Response:
        """Return Authlib's answer as one of ours."""
        return json_answer(body, status)

    def handle_error_response(self, _request: OAuth2Request, error: Any) -> Response:  # noqa: ANN401 - Authlib's own type is looser
        """Return an error of Authlib's or ours as an answer."""
        return error_answer(error)

    def generate_token(  # type: ignore[override]
        self,
        *,
        user: Authorization | ClientAuthorization,
        **_unused: object,
    ) -> dict[str, Any]:
        """Mint: the choke point that every grant passes.

        Args:
            user: what the grant proved; a user's authorization holds the gate's `Cleared`.
        """
        match user:
            case Authorization():
                return self._issuer.mint_for_user(user.cleared, user)
            case ClientAuthorization():
                return self._issuer.mint_for_client(user)
            case _:
                assert_never(user)
