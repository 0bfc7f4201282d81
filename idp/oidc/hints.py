"""ID tokens that come back as hints: ours, however old, and never another kind of token.

Spec: OIDC Core 3.1.2.1 (`id_token_hint`); RP-Initiated Logout 2.
"""

from dataclasses import dataclass

from idp.core.jose import verify
from idp.core.key_ring import ALGORITHMS, current_ring
from idp.core.work import UnitOfWork


@dataclass(frozen=True, slots=True)
class IdTokenHint:
    """What an ID token of this realm says; it may have expired."""

    sub: str
    client_id: str
    sid: str | None


def find_hint(uow: UnitOfWork, raw: str) -> IdTokenHint | None:
    """Return what a hint says if this realm signed it as an ID token, else None."""
    ring = current_ring(uow)
    claims = verify(
        raw,
        lambda choice: ring.find_key(choice.kid, choice.alg, uow.now),
        typ="JWT",
        algorithms=ALGORITHMS,
    )
    if claims is None or claims.get("iss") != uow.runtime.config.issuer(uow.realm):
        return None
    return IdTokenHint(sub=claims["sub"], client_id=claims["aud"], sid=claims.get("sid"))
