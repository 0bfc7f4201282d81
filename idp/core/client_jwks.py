"""The public keys of a client that signs its assertions.

Spec: RFC 7517; RFC 7591 2 (`jwks`).
"""

import base64
from collections.abc import Mapping
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key

from idp.core.client_proofs import ASSERTION_ALGORITHMS
from idp.core.jose import MIN_RSA_BITS, fits

_MAX_KEYS = 10
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_EXAMPLE = "public RSA (2048 bits or more), EC P-256 or Ed25519 keys"


def find_bad_jwks(jwks: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a JWK set of public keys, in words, or None."""
    keys = jwks.get("keys")
    if not isinstance(keys, list) or not 1 <= len(keys) <= _MAX_KEYS:
        return f'must be {{"keys": [...]}} with 1 to {_MAX_KEYS} keys'
    if any(not isinstance(item, dict) or _PRIVATE & item.keys() for item in keys):
        return "must hold public keys only; whoever has these private ones should replace them"
    return next((reason for item in keys if (reason := _find_bad_key(item))), None)


def _find_bad_key(item: dict[str, Any]) -> str | None:
    try:
        if _is_short(item):
            return f"may hold {_EXAMPLE}"
        key = import_key(item)
        is_usable = isinstance(key, RSAKey | ECKey | OKPKey) and any(
            fits(key, alg) for alg in ASSERTION_ALGORITHMS
        )
    except (JoseError, ValueError, TypeError, KeyError):
        return f"holds something that is not a key; there may be {_EXAMPLE}"
    return None if is_usable else f"may hold {_EXAMPLE}"


def _is_short(item: Mapping[str, Any]) -> bool:
    """Tell whether an RSA key is too small to be looked at any further."""
    modulus = str(item.get("n", ""))
    bits = len(base64.urlsafe_b64decode(modulus + "=" * (-len(modulus) % 4))) * 8
    return item.get("kty") == "RSA" and bits < MIN_RSA_BITS
