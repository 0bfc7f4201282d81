"""Discovery and JWKS as ready bytes, answered before Flask and without a database.

The metadata never changes while a process runs. The JWKS is read anew when the keys' version moved
(looked at once a second) or a key came to its end; when the database is down the last one stays.

Spec: OIDC Discovery 4; RFC 8414 3, 3.1, 5; OIDC Core 10.1.1; DECISIONS 21.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from idp.core.key_ring import KeyRing, key_ring, keys_version
from idp.core.keys import JWKS_MAX_AGE
from idp.core.runtime import Runtime
from idp.errors import Unavailable
from idp.http.front import Environ, Quick
from idp.http.headers import transport_headers
from idp.ids import RealmName
from idp.oidc.metadata import provider_metadata

_LOOK_AGAIN = timedelta(seconds=1)
_HEADERS = (
    ("Access-Control-Allow-Origin", "*"),
    ("Cache-Control", f"public, max-age={int(JWKS_MAX_AGE.total_seconds())}"),
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
)


@dataclass(frozen=True, slots=True)
class Document:
    """A ready answer."""

    body: bytes
    headers: tuple[tuple[str, str], ...]


class _Jwks:
    """The JWKS of one realm."""

    def __init__(self, runtime: Runtime, realm: RealmName) -> None:
        self._runtime = runtime
        self._realm = realm
        self._ring: KeyRing | None = None
        self._seen_at: datetime | None = None
        self._ready: tuple[tuple[str, ...], Document] | None = None

    def document(self) -> Document:
        """Return the keys that are known at this moment."""
        now = self._runtime.clock.now()
        ring = self._current(now)
        kids = tuple(key.signer.kid for key in ring.keys if key.is_known(now))
        if self._ready is None or self._ready[0] != kids:
            self._ready = (kids, _document(ring.jwks(now), "application/jwk-set+json"))
        return self._ready[1]

    def _current(self, now: datetime) -> KeyRing:
        seen_at = self._seen_at
        if self._ring is not None and seen_at is not None and now - seen_at < _LOOK_AGAIN:
            return self._ring
        try:
            with self._runtime.begin(self._realm, write=False) as uow:
                self._ring = key_ring(uow, keys_version(uow))
        except Unavailable:
            if self._ring is None:
                raise
        self._seen_at = now
        return self._ring


class Documents:
    """The public documents of every realm, by path under the host."""

    def __init__(self, runtime: Runtime) -> None:
        self._host = runtime.config.server.host
        self._transport = tuple(transport_headers(runtime).items())
        self._jwks: dict[str, _Jwks] = {}
        self._fixed: dict[str, Document] = {}
        prefix = runtime.config.server.path_prefix
        for name in map(RealmName, runtime.config.realms):
            here = f"/realms/{name}"
            metadata = _document(provider_metadata(runtime.config.issuer(name)), "application/json")
            self._fixed[f"{here}/.well-known/openid-configuration"] = metadata
            self._fixed[f"{here}/.well-known/oauth-authorization-server"] = metadata
            self._fixed[f"/.well-known/oauth-authorization-server{prefix}{here}"] = metadata
            self._jwks[f"{here}/jwks"] = _Jwks(runtime, name)

    def find(self, path: str) -> Document | None:
        """Return the document at a path (the prefix of `public_url` taken off), or None."""
        keys = self._jwks.get(path)
        return self._fixed.get(path) if keys is None else keys.document()

    def answer(self, environ: Environ) -> tuple[str, list[tuple[str, str]], bytes] | None:
        """Return status, headers and body for a GET of a document; None leaves it to Flask."""
        if environ.get("REQUEST_METHOD") not in {"GET", "HEAD"}:
            return None
        if str(environ.get("HTTP_HOST", "")).lower() != self._host:
            return None
        try:
            found = self.find(str(environ.get("PATH_INFO", "")))
        except Unavailable:
            return None
        if found is None:
            return None
        return "200 OK", [*found.headers, *self._transport], found.body


def quick(runtime: Runtime) -> Quick:
    """Return what answers for the public documents before Flask."""
    return Documents(runtime).answer


def _document(content: Mapping[str, Any], media_type: str) -> Document:
    body = json.dumps(content, separators=(",", ":")).encode()
    headers = (
        ("Content-Type", media_type),
        ("Content-Length", str(len(body))),
        *_HEADERS,
    )
    return Document(body, headers)
