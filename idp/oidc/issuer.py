"""The mint: signs what the gate cleared. Only `idp.oidc.server` uses it.

Claims of ours in access tokens: `idp_epoch` (the account's epoch the token was born under) and
`idp_family` (everything that one code gave); both are for this server alone.

Spec: RFC 9068 2; OIDC Core 2, 3.1.3.6, 12.2.
"""

import secrets
from typing import Any

from idp.clock import epoch_seconds
from idp.core.access_tokens import ALGORITHM, EPOCH_CLAIM, FAMILY_CLAIM, TYPE
from idp.core.gate import Cleared
from idp.core.jose import at_hash
from idp.core.key_ring import ID_TOKEN_LIFE
from idp.core.runtime import Runtime
from idp.core.scopes import OPENID, is_for_administration
from idp.core.tokens import Authorization, ClientAuthorization
from idp.ids import RealmName
from idp.oidc.claims import claims_of, names_within

_JTI_BYTES = 16


class Issuer:
    """Makes the tokens of one realm."""

    def __init__(self, runtime: Runtime, realm: RealmName) -> None:
        self._issuer = runtime.config.issuer(realm)
        self._administration = f"{runtime.config.server.public_url}/admin/api"
        self._access_seconds = int(
            runtime.config.realm(realm).lifetimes.access_token.total_seconds()
        )

    def mint_for_user(self, cleared: Cleared, proved: Authorization) -> dict[str, Any]:
        """Return the token response for a user whom the gate cleared."""
        if not isinstance(cleared, Cleared):
            msg = "the mint takes only what the gate cleared"  # type: ignore[unreachable]
            raise TypeError(msg)
        access_token = self._access_token(
            proved,
            {
                "sub": cleared.account.sub,
                "auth_time": epoch_seconds(proved.auth_time),
                "acr": proved.acr,
                "amr": list(proved.amr),
                "sid": proved.session_id,
                EPOCH_CLAIM: cleared.birth_epoch,
                FAMILY_CLAIM: proved.family_id,
            },
        )
        answer = self._answer(access_token, proved.scopes)
        if proved.refresh_token is not None:
            answer["refresh_token"] = proved.refresh_token
        if OPENID in proved.scopes:
            answer["id_token"] = self._id_token(cleared, proved, access_token)
        return answer

    def mint_for_client(self, proved: ClientAuthorization) -> dict[str, Any]:
        """Return the token response for a client that acts for itself."""
        access_token = self._access_token(proved, {"sub": proved.client.id})
        return self._answer(access_token, proved.scopes)

    def _answer(self, access_token: str, scopes: tuple[str, ...]) -> dict[str, Any]:
        return {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": self._access_seconds,
            "scope": " ".join(scopes),
        }

    def _access_token(
        self, proved: Authorization | ClientAuthorization, about: dict[str, Any]
    ) -> str:
        now = epoch_seconds(proved.now)
        is_administration = is_for_administration(proved.scopes)
        claims = {
            "iss": self._issuer,
            "aud": self._administration if is_administration else self._issuer,
            "client_id": proved.client.id,
            "scope": " ".join(proved.scopes),
            "iat": now,
            "exp": now + self._access_seconds,
            "jti": secrets.token_urlsafe(_JTI_BYTES),
            **about,
        }
        return proved.ring.signer(ALGORITHM, proved.now).sign(claims, typ=TYPE)

    def _id_token(self, cleared: Cleared, proved: Authorization, access_token: str) -> str:
        signer = proved.ring.signer(proved.client.id_token_alg, proved.now)
        now = epoch_seconds(proved.now)
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "sub": cleared.account.sub,
            "aud": proved.client.id,
            "iat": now,
            "exp": now + int(ID_TOKEN_LIFE.total_seconds()),
            "jti": secrets.token_urlsafe(_JTI_BYTES),
            "auth_time": epoch_seconds(proved.auth_time),
            "acr": proved.acr,
            "amr": list(proved.amr),
            "sid": proved.session_id,
            "at_hash": at_hash(access_token, signer.alg),
        }
        if proved.nonce is not None:
            claims["nonce"] = proved.nonce
        if proved.facts is not None:
            names = names_within(proved.id_claims, proved.client.scopes)
            claims |= claims_of(proved.facts, scopes=(), names=names)
        return signer.sign(claims, typ="JWT")
