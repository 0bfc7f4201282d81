"""The product on a loopback port of this process, for a real browser, and an app beside it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import Any
from urllib.parse import urlencode

from werkzeug.serving import WSGIRequestHandler, make_server

from tests.support.ports import LOOPBACK, free_port
from tests.support.story import App, Story, open_story


class _Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - Werkzeug's name
        """Say nothing: the tests look at the pages."""


@contextmanager
def serving(application: Any, port: int) -> Iterator[None]:  # noqa: ANN401 - any WSGI application
    """Answer at a loopback port while the block runs."""
    server = make_server(LOOPBACK, port, application, threaded=True, request_handler=_Silent)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class LiveSite:
    """The product where a browser finds it, and where the browser comes back to."""

    story: Story
    url: str
    app_url: str

    def address(self, path: str = "", *, realm: str = "staff") -> str:
        """Return the address of a path of a realm."""
        return f"{self.url}/realms/{realm}{path}"

    def app(self, client_id: str = "web", **registration: Any) -> App:  # noqa: ANN401 - as `Story.app`
        """Register an app that waits beside the product."""
        members = {"redirect_uris": (f"{self.app_url}/cb",), "client_name": "TimeTrak Professional"}
        return self.story.app(client_id, **{**members, **registration})

    def authorize(self, app: App, **params: str | None) -> str:
        """Return the address to which an app sends the browser for a sign-in."""
        return self.address(f"/authorize?{urlencode(self.story.question(app, **params))}")


@contextmanager
def live_site(database_url: str, **options: Any) -> Iterator[LiveSite]:  # noqa: ANN401 - as `open_world`
    """Give the product and an app on ports of their own."""
    port, app_port = free_port(), free_port()
    url, app_url = f"http://localhost:{port}", f"http://localhost:{app_port}"
    settings = {"server": {"public_url": url}}
    with (
        open_story(database_url, settings=settings, **options) as story,
        serving(story.application, port),
        serving(_app, app_port),
    ):
        yield LiveSite(story, url, app_url)


def _app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:  # noqa: ANN401 - PEP 3333
    """Be an app that the browser came back to."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    posted = environ["wsgi.input"].read(length)
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
    return [
        b"<!doctype html><title>The app</title><h1>Back in the app</h1><pre>",
        posted,
        b"</pre>",
    ]
