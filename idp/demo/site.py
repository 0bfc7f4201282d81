"""What the demo's own web pages have in common: one host, strict headers, no foreign form."""

from flask import Flask, Response, abort, request
from jinja2 import StrictUndefined

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
}


def new_site(url: str, *, leads_to: str = "") -> Flask:
    """Return a Flask application that answers at `url` only.

    A page elsewhere can neither read it through a host name of its own (DNS rebinding) nor post
    to it.

    Args:
        leads_to: an origin that the answer to a form may redirect to.
    """
    site = Flask(__name__)
    site.jinja_env.undefined = StrictUndefined
    host = url.partition("://")[2]
    policy = (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action 'self' {leads_to}"
    ).strip()

    @site.before_request
    def refuse_strangers() -> None:
        if request.host != host:
            abort(421)
        if request.method == "POST" and request.headers.get("Origin") != url:
            abort(403)

    @site.after_request
    def add_headers(response: Response) -> Response:
        response.headers.update(_HEADERS)
        response.headers["Content-Security-Policy"] = policy
        if request.endpoint != "static":
            response.headers["Cache-Control"] = "no-store"
        return response

    return site
