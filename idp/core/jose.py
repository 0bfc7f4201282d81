"""Compact JWS: signed with one named key, verified with one named key and algorithm.

The algorithms themselves are joserfc's. A header may say only which key, which algorithm and
which type; keys inside or beside a token (`jwk`, `jku`, `x5c`, …) and `crit` are refused.
"""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

Key = ECKey | RSAKey | OKPKey
Claims = Mapping[str, Any]

MAX_TOKEN = 16 * 1024
_FORM = re.compile(r"([A-Za-z0-9_-]{2,1024})\.([A-Za-z0-9_-]{2,})\.([A-Za-z0-9_-]{16,1024})")
_HEADER_NAMES = frozenset({"alg", "kid", "typ"})
_NAMED_KEYS = {"ES256": ("EC", "P-256"), "EdDSA": ("OKP", "Ed25519")}
MIN_RSA_BITS = 2048


@dataclass(frozen=True, slots=True)
class KeyChoice:
    """What a token's header says about its key."""

    kid: str | None
    alg: str


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key that signs one algorithm under one `kid`; reads its key material once."""

    kid: str
    alg: str
    key: Key = field(repr=False)
    _heads: dict[str, bytes] = field(default_factory=dict, repr=False, compare=False)

    def sign(self, claims: Claims, *, typ: str) -> str:
        """Return `claims` as a compact JWS of type `typ`.

        Spec: RFC 7515 3.1, 4.1.4, 4.1.9.
        """
        head = self._heads.get(typ)
        if head is None:
            head = self._heads[typ] = _encoded({"alg": self.alg, "kid": self.kid, "typ": typ})
        message = head + b"." + _encoded(claims)
        signature = JWSRegistry.algorithms[self.alg].sign(message, self.key)
        return (message + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def verify(
    token: str,
    find_key: Callable[[KeyChoice], Key | None],
    *,
    typ: str | None,
    algorithms: Collection[str],
    extra_headers: frozenset[str] = frozenset(),
) -> Claims | None:
    """Return the claims of a JWS whose signature is right, or None.

    Times, issuer and audience are the caller's to check.

    Args:
        find_key: gives the key for what the header names; None refuses.
        typ: the media type that the header must have, in any case; None takes any or none.

    Spec: RFC 7515 5.2; RFC 8725 3.1, 3.11.
    """
    parts = _FORM.fullmatch(token) if len(token) <= MAX_TOKEN else None
    header = _decoded(parts[1]) if parts else None
    if parts is None or header is None or not _HEADER_NAMES | extra_headers >= header.keys():
        return None
    alg, kid = header.get("alg"), header.get("kid")
    if not isinstance(alg, str) or alg not in algorithms:
        return None
    if not (kid is None or isinstance(kid, str)):
        return None
    if typ is not None and str(header.get("typ", "")).lower() != typ.lower():
        return None
    key = find_key(KeyChoice(kid, alg))
    is_cut = len(parts[3]) % 4 == 1  # no bytes are written like that
    if key is None or is_cut or not fits(key, alg):
        return None
    message = f"{parts[1]}.{parts[2]}".encode()
    good = JWSRegistry.algorithms[alg].verify(message, _bytes_of(parts[3]), key)
    return _decoded(parts[2]) if good else None


def peek(token: str) -> Claims | None:
    """Return what a JWS claims, unverified: only to find out where its key is."""
    parts = _FORM.fullmatch(token) if len(token) <= MAX_TOKEN else None
    return _decoded(parts[2]) if parts else None


def fits(key: Key, alg: str) -> bool:
    """Tell whether `key` may verify with `alg`: kind, curve, size and what it says of its use.

    Spec: RFC 7517 4.2, 4.3, 4.4; RFC 7518 3.3, 3.4, 3.5; RFC 8037 3.1.
    """
    document = key.as_dict(private=False)
    if document.get("alg", alg) != alg or document.get("use", "sig") != "sig":
        return False
    if "verify" not in document.get("key_ops", ("verify",)):
        return False
    if alg in _NAMED_KEYS:
        return (document["kty"], document.get("crv")) == _NAMED_KEYS[alg]
    return isinstance(key, RSAKey) and key.raw_value.key_size >= MIN_RSA_BITS


def at_hash(access_token: str, alg: str) -> str:
    """Return what binds an ID token signed with `alg` to an access token.

    Spec: OIDC Core 3.1.3.6 (Ed25519 hashes with SHA-512).
    """
    name = "sha512" if alg == "EdDSA" else "sha256"
    digest = hashlib.new(name, access_token.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


def _encoded(document: Claims) -> bytes:
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=")


def _bytes_of(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _decoded(text: str) -> Claims | None:
    try:
        found = json.loads(_bytes_of(text), object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        msg = "a name stands twice"
        raise ValueError(msg)
    return found
