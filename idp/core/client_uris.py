"""Addresses that a client may register: where answers go, where people return to, where it runs.

Spec: RFC 9700 2.1, 2.6; RFC 8252 7.1, 8.4.
"""

import re
from urllib.parse import SplitResult, urlsplit

from idp.core.clients import is_loopback_host

MAX_URI = 2000
_CHARACTERS = re.compile(r"[A-Za-z0-9._~:/?\[\]@!$&'()+,;=%-]+", re.ASCII)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*", re.ASCII)
_BROWSERS_OWN = frozenset(
    {
        *("about", "blob", "chrome", "chrome-extension", "data", "file", "filesystem", "ftp"),
        *("http", "https", "intent", "jar", "javascript", "mailto", "moz-extension", "ms-appx"),
        *("resource", "sms", "tel", "vbscript", "view-source", "ws", "wss"),
    }
)


def find_bad_redirect_uri(uri: str, application_type: str) -> str | None:
    """Return what is wrong with a redirect URI, in words, or None.

    Native clients may also use a scheme of their own; http is for this machine only.
    """
    problem = _find_bad_form(uri)
    if problem is not None:
        return problem
    parts = urlsplit(uri)
    if parts.scheme in {"http", "https"}:
        return _find_bad_web(parts)
    if application_type != "native":
        return "must begin with https:// (http only for this machine itself)"
    if parts.scheme in _BROWSERS_OWN or not _SCHEME.fullmatch(uri.partition(":")[0]):
        return "this scheme is not an app's own"
    return None if parts.path.startswith("/") or parts.netloc else "needs a / after its scheme"


def find_bad_web_uri(uri: str) -> str | None:
    """Return what is wrong with an address that browsers or this server open, or None."""
    problem = _find_bad_form(uri)
    if problem is not None:
        return problem
    parts = urlsplit(uri)
    if parts.scheme not in {"http", "https"}:
        return "must begin with https:// (http only for this machine itself)"
    return _find_bad_web(parts)


def find_bad_origin(origin: str) -> str | None:
    """Return what is wrong with the origin of a page's script, or None.

    Spec: RFC 6454 6.2.
    """
    problem = find_bad_web_uri(origin)
    if problem is not None:
        return problem
    parts = urlsplit(origin)
    if parts.path or parts.query:
        return "must be an origin such as https://app.example.co.nz, with nothing after it"
    return None if origin == origin.lower() else "must be in lower case"


def _find_bad_form(uri: str) -> str | None:
    if len(uri) > MAX_URI:
        return f"must not be longer than {MAX_URI} characters"
    if "#" in uri:
        return "must not have a fragment"
    if "*" in uri:
        return "must not have a wildcard"
    if not _CHARACTERS.fullmatch(uri):
        return "has a character that no address may have"
    try:
        _ = urlsplit(uri).port
    except ValueError:
        return "is not an address"
    return None if ":" in uri else "must be an absolute address"


def _find_bad_web(parts: SplitResult) -> str | None:
    if not parts.hostname or not parts.netloc:
        return "needs a host"
    if "@" in parts.netloc:
        return "must not carry a user name"
    if parts.scheme == "http" and not is_loopback_host(parts.hostname):
        return "must begin with https:// (http only for this machine itself)"
    if any(part in {".", ".."} for part in parts.path.split("/")):
        return "must not have . or .. in its path"
    return None
