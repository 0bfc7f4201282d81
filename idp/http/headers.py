"""The security headers of every answer.

Spec: OWASP ASVS 3.4; RFC 9700 4.16.
"""

from flask import Flask, Response, request

from idp.core.runtime import Runtime
from idp.http.visit import Visit, find_visit, request_id

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


def transport_headers(runtime: Runtime) -> dict[str, str]:
    """Return what every answer says about how to come back: over https, where that is used.

    Spec: RFC 6797 7.1, 7.2.
    """
    is_https = runtime.config.server.public_url.startswith("https:")
    return {"Strict-Transport-Security": _HSTS} if is_https else {}


def install(app: Flask, runtime: Runtime) -> None:
    """Put headers and the visit's cookies on every answer of `app`."""
    always = _ALWAYS | transport_headers(runtime)

    @app.after_request
    def add_headers(response: Response) -> Response:
        visit = find_visit()
        wanted = always | _own_headers(visit)
        if request.endpoint != "static":
            wanted["Cache-Control"] = "no-store"
        given = {name.lower() for name, _ in response.headers}  # a view's own ones stay
        response.headers.extend(
            [(name, value) for name, value in wanted.items() if name.lower() not in given]
        )
        if visit is not None:
            visit.write_cookies(response)
        return response


def _own_headers(visit: Visit | None) -> dict[str, str]:
    """Return what differs from answer to answer."""
    is_secret = visit is not None and visit.is_address_secret
    return {
        "Referrer-Policy": "no-referrer" if is_secret else "same-origin",
        "X-Request-Id": (visit and visit.trace.request_id) or request_id(),
        "Content-Security-Policy": content_security_policy(visit.form_action if visit else []),
    }
