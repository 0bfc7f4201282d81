"""Forms are answered only when this site's own page, in this browser, sent them.

Two checks: what the browser says of the sender (`Sec-Fetch-Site`, `Origin`) and a token that is
an HMAC of the browser's binding secret.

Spec: OWASP ASVS 3.5.1; DECISIONS 20.
"""

import hmac

import flask
from markupsafe import Markup

from idp.errors import Forbidden
from idp.http.visit import Visit

FIELD = "csrf_token"


def csrf_token(visit: Visit) -> str:
    """Return the form token of this browser."""
    visit.keep_browser()
    return visit.runtime.box.mac(visit.browser.encode(), purpose=f"csrf:{visit.realm}").hex()


def csrf_field(visit: Visit) -> Markup:
    """Return the hidden input that carries the token."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, csrf_token(visit))


def check_csrf(visit: Visit, retry_url: str | None = None) -> None:
    """Refuse a form that was not sent by this site's own page in this browser.

    Args:
        retry_url: where the person gets a fresh form.

    Raises:
        Forbidden: `csrf.refused`.
    """
    sent = flask.request.form.get(FIELD, "").encode("utf-8", "replace")
    is_ours = _is_same_site(visit) and not visit.is_browser_new
    if not is_ours or not hmac.compare_digest(sent, csrf_token(visit).encode()):
        raise Forbidden("csrf.refused", retry_url=retry_url)


def _is_same_site(visit: Visit) -> bool:
    headers = flask.request.headers
    fetch_site = headers.get("Sec-Fetch-Site")
    if fetch_site is not None and fetch_site != "same-origin":
        return False
    origin = headers.get("Origin")
    if origin is None:
        return True
    if origin == "null":
        return fetch_site == "same-origin"
    return origin == visit.runtime.config.server.origin
