"""Cookies: `__Host-`, Secure, HttpOnly, SameSite=Lax, opaque, one name per realm and purpose.

Spec: RFC 6265bis 4.1.3.2; NIST SP 800-63B-4 5.1.1.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from flask import Response

from idp.ids import RawToken, RealmName

_OPAQUE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_DEVICE_SECONDS = 180 * 24 * 3600
_LINK_SECONDS = 1800


def is_opaque(text: str) -> bool:
    """Tell whether `text` has the form of a secret that this product makes."""
    return _OPAQUE.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class _Change:
    name: str
    value: str
    max_age: int | None


class Cookies:
    """The cookies of one realm on one request, and the changes for its answer."""

    def __init__(self, realm: RealmName, received: Mapping[str, str]) -> None:
        self._realm = realm
        self._received = received
        self._changes: list[_Change] = []

    def _name(self, purpose: str) -> str:
        return f"__Host-idp-{self._realm}-{purpose}"

    def _read(self, purpose: str) -> RawToken | None:
        value = self._received.get(self._name(purpose), "")
        return RawToken(value) if is_opaque(value) else None

    @property
    def session(self) -> RawToken | None:
        """The SSO session's secret."""
        return self._read("session")

    @property
    def browser(self) -> RawToken | None:
        """The secret that binds forms and flows to this browser."""
        return self._read("browser")

    @property
    def device(self) -> RawToken | None:
        """The secret of a browser in which somebody signed in before."""
        return self._read("device")

    @property
    def link(self) -> RawToken | None:
        """The one-time token that was moved out of the address of a page."""
        return self._read("link")

    def set_session(self, secret: RawToken) -> None:
        """Keep the session's secret until the browser closes."""
        self._set("session", secret, None)

    def set_browser(self, secret: RawToken) -> None:
        """Keep the binding secret until the browser closes."""
        self._set("browser", secret, None)

    def set_device(self, secret: RawToken) -> None:
        """Remember this browser for 180 days."""
        self._set("device", secret, _DEVICE_SECONDS)

    def set_link(self, token: RawToken) -> None:
        """Keep a one-time token for half an hour, out of the address and of every log."""
        self._set("link", token, _LINK_SECONDS)

    def clear_link(self) -> None:
        """Forget the one-time token."""
        self._set("link", RawToken(""), 0)

    def clear_device(self) -> None:
        """Forget that somebody signed in here before."""
        self._set("device", RawToken(""), 0)

    def clear_session(self) -> None:
        """Forget the session's secret."""
        self._set("session", RawToken(""), 0)

    def _set(self, purpose: str, secret: RawToken, max_age: int | None) -> None:
        name = self._name(purpose)
        self._changes = [change for change in self._changes if change.name != name]
        self._changes.append(_Change(name, secret, max_age))

    def write(self, response: Response) -> None:
        """Put the changes on the answer."""
        for change in self._changes:
            response.set_cookie(
                change.name,
                change.value,
                max_age=change.max_age,
                path="/",
                secure=True,
                httponly=True,
                samesite="Lax",
            )
        if self._changes:
            response.vary.add("Cookie")
