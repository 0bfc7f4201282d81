"""A throwaway loopback site that serves the page samples as strictly as the product does."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from tests.idp.web.look_pages import SAMPLES, Context, Sample
from tests.support import ROOT

WEB: Final = ROOT / "idp" / "web"
CSP: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_REALMS: Final = {
    "staff": {"name": "staff", "display_name": "TimeTrak Staff"},
    "portal": {"name": "portal", "display_name": "TimeTrak Client Portal"},
    "long": {
        "name": "long",
        "display_name": "Waikato & Bay of Plenty Refrigeration Services Limited, Hamilton",
    },
}
_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

templates = Environment(
    loader=FileSystemLoader(WEB / "templates"),
    autoescape=select_autoescape(["html"], default=False),
    undefined=StrictUndefined,
)


def render(sample: Sample) -> str:
    """Return the page as the product would send it; an undocumented context name is an error."""
    realm = _REALMS[sample.realm] if sample.realm else None
    return templates.get_template(sample.template).render(
        realm=realm,
        url=lambda path: f"/id/realms/{sample.realm}{path}",
        static=lambda name: f"/static/{name}",
        csrf_field=lambda: Markup('<input type="hidden" name="csrf" value="c">'),
        support=sample.support,
        **sample.context,
    )


def render_mail(name: str, context: Context) -> tuple[str, str]:
    """Return subject and body of a mail."""
    module = templates.get_template(f"mail/{name}.txt").make_module(
        {"realm": _REALMS["staff"], **context}
    )
    return str(vars(module)["subject"]), str(module)


@dataclass(slots=True)
class Site:
    """Where the samples are, and what was posted to it."""

    origin: str = ""
    posts: list[list[tuple[str, str]]] = field(default_factory=list)


def _answer(path: str) -> tuple[int, str, bytes]:
    if path.startswith("/static/"):
        file = WEB / "static" / path.removeprefix("/static/")
        return 200, _TYPES[file.suffix], file.read_bytes()
    for sample in SAMPLES:
        if path == f"/{sample.name}":
            return 200, "text/html; charset=utf-8", render(sample).encode()
    return 404, "text/plain", b"nothing here"


def _door(site: Site) -> type[BaseHTTPRequestHandler]:
    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(*_answer(urlsplit(self.path).path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            site.posts.append(parse_qsl(body, keep_blank_values=True))
            self._send(200, "text/html", b"<!doctype html><title>posted</title>")

        def _send(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Security-Policy", CSP)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(ConnectionError):  # the browser has gone on to another page
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing: the tests look at the pages."""

    return Door


@contextmanager
def running_site() -> Iterator[Site]:
    """Serve the samples on a free loopback port."""
    site = Site()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _door(site))
    site.origin = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
