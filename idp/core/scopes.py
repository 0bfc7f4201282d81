"""The scopes there are, and who may ask for them."""

import re
from collections.abc import Iterable

OPENID = "openid"
OFFLINE_ACCESS = "offline_access"
USER_SCOPES = (OPENID, "profile", "email", "phone", "address", "groups", OFFLINE_ACCESS)
"""Scopes that speak of a person; a client can never have them for itself."""

ADMIN_SCOPES = (
    "admin:read",
    "admin:users",
    "admin:clients",
    "admin:policy",
    "admin:reset",
    "admin:directory",
    "admin:audit",
    "admin:system",
)
"""Scopes of the administration API; staff realm only (CONTRACT 5)."""

ADMIN_PREFIX = "admin:"
_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,128}")


def is_scope_token(text: str) -> bool:
    """Tell whether `text` may be one scope.

    Spec: RFC 6749 3.3.
    """
    return _TOKEN.fullmatch(text) is not None


def parse_scope(text: str) -> tuple[str, ...] | None:
    """Return the scopes of a request once each and in order, or None when one is malformed."""
    found = tuple(dict.fromkeys(part for part in text.split(" ") if part))
    return found if all(map(is_scope_token, found)) else None


def is_for_administration(scopes: Iterable[str]) -> bool:
    """Tell whether a token with `scopes` is meant for the administration API (DECISIONS 24)."""
    return any(scope.startswith(ADMIN_PREFIX) for scope in scopes)
