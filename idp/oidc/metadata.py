"""What this server says of itself: exactly what it does, under the configured address.

Spec: OIDC Discovery 3; RFC 8414 2; RFC 9207 3; RP-Initiated Logout 2.1.
"""

from typing import Any

from idp.core.client_proofs import ASSERTION_ALGORITHMS
from idp.core.client_registration import AUTH_METHODS
from idp.core.key_ring import ALGORITHMS
from idp.core.scopes import USER_SCOPES
from idp.core.tokens import ACR
from idp.oidc.authorize_checks import PROMPTS, RESPONSE_MODES
from idp.oidc.claims import CLAIMS
from idp.oidc.grants import GRANTS

_PROTOCOL_CLAIMS = ("sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid")


def provider_metadata(issuer: str) -> dict[str, Any]:
    """Return the metadata of one issuer, for both discovery documents."""
    proving = [method for method in AUTH_METHODS if method != "none"]
    algorithms = list(ASSERTION_ALGORITHMS)
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "jwks_uri": f"{issuer}/jwks",
        "revocation_endpoint": f"{issuer}/revoke",
        "introspection_endpoint": f"{issuer}/introspect",
        "end_session_endpoint": f"{issuer}/logout",
        "scopes_supported": list(USER_SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": list(RESPONSE_MODES),
        "grant_types_supported": [grant.GRANT_TYPE for grant in GRANTS],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [
            "RS256",
            *(a for a in ALGORITHMS if a != "RS256"),
        ],
        "token_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_methods_supported": proving,
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "prompt_values_supported": sorted(PROMPTS),
        "acr_values_supported": [ACR],
        "claim_types_supported": ["normal"],
        "claims_supported": [*_PROTOCOL_CLAIMS, *(claim.name for claim in CLAIMS)],
        "claims_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "ui_locales_supported": ["en-NZ"],
    }
