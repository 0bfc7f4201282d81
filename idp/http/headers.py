"""The security headers of every answer.

Spec: OWASP ASVS 3.4; RFC 9700 4.16.
"""

from flask import Flask, Response, request

from idp.core.runtime import Runtime
from idp.http.visit import find_visit, request_id

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_HSTS = "max-age=63072000; includeSubDomains"


def content_security_policy(form_action: list[str]) -> str:
    """Return the policy of a page: only this site's files, no inline script or style.

    `form_action` lists the origins that a form's answer may redirect to (DECISIONS 20).

    Spec: CSP Level 3.
    """
    targets = " ".join(["'self'", *map(_source_of, form_action)])
    return (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action {targets}"
    )


def _source_of(origin: str) -> str:
    """Return an origin as a source; its grammar has no IPv6 address, so then the scheme."""
    return f"{origin.partition(':')[0]}:" if "[" in origin else origin


def install(app: Flask, runtime: Runtime) -> None:
    """Put headers and the visit's cookies on every answer of `app`."""
    is_https = runtime.config.server.public_url.startswith("https:")

    @app.after_request
    def add_headers(response: Response) -> Response:
        visit = find_visit()
        for name, value in _ALWAYS.items():
            response.headers.setdefault(name, value)
        is_secret = visit is not None and visit.is_address_secret
        response.headers.setdefault(
            "Referrer-Policy", "no-referrer" if is_secret else "same-origin"
        )
        response.headers.setdefault("X-Request-Id", request_id())
        if is_https:
            response.headers.setdefault("Strict-Transport-Security", _HSTS)
        response.headers.setdefault(
            "Content-Security-Policy",
            content_security_policy(visit.form_action if visit else []),
        )
        if request.endpoint != "static":
            response.headers.setdefault("Cache-Control", "no-store")
        if visit is not None:
            visit.cookies.write(response)
        return response
