"""The protocol: OAuth 2.0 and OpenID Connect over HTTP, for every realm alike.

Owns the endpoints under `{issuer}`, what they read and what they answer, and the mint (`issuer`,
used by `server` alone). Facts, checks, the gate and every write are `idp.core`'s; screens are
`idp.web`'s: the dispatcher (`authorize`) sends a browser there by 303 and gets it back by 303.
"""

from idp.oidc.documents import quick
from idp.oidc.routes import blueprint

__all__ = ["blueprint", "quick"]
