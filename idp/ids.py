"""Identifiers and random secrets: how they are made, and the types that keep them apart."""

import hashlib
import secrets
import uuid
from typing import NewType

RealmName = NewType("RealmName", str)
UserId = NewType("UserId", str)
ClientId = NewType("ClientId", str)
SessionId = NewType("SessionId", str)
FamilyId = NewType("FamilyId", str)
RawToken = NewType("RawToken", str)
"""A secret as it crosses the wire: seen once, hashed at the door, never logged or stored."""
TokenHash = NewType("TokenHash", str)

_SECRET_BYTES = 32


def new_id(unix_ms: int) -> str:
    """Return a UUIDv7 for a row made at `unix_ms` milliseconds since 1970.

    Spec: RFC 9562 5.7.
    """
    value = (unix_ms & (2**48 - 1)) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))


def new_subject() -> str:
    """Return a random `sub` that says nothing about its user (OIDC Core 8)."""
    return str(uuid.uuid4())


def new_raw_token() -> RawToken:
    """Return 256 random bits, URL-safe."""
    return RawToken(secrets.token_urlsafe(_SECRET_BYTES))


def hash_token(raw: str) -> TokenHash:
    """Return the SHA-256 (hex) under which a high-entropy secret is stored and looked up."""
    return TokenHash(hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest())
