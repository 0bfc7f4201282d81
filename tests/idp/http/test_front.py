"""What stands before the pages: prefix, mounts, probes, static files, plain http."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from io import BytesIO
from pathlib import Path

import pytest
from gunicorn.http.body import Body, ChunkedReader  # type: ignore[import-untyped]
from gunicorn.http.unreader import IterUnreader  # type: ignore[import-untyped]
from werkzeug.test import Client, TestResponse

from idp.app import create_app
from idp.core.keys import create_first_keys
from idp.core.work import SYSTEM
from idp.http.front import MAX_BODY, Environ, Front, StartResponse
from tests.support.story import Story, open_story
from tests.support.world import PORTAL, STAFF, open_world

Open = Callable[..., AbstractContextManager[Client]]


@pytest.fixture
def open_at(database_url: str) -> Open:
    """Give a way to open the product under a public address."""

    @contextmanager
    def opened(public_url: str, **server: object) -> Iterator[Client]:
        settings = {"server": {"public_url": public_url, **server}}
        with open_world(database_url, settings=settings) as world:
            for realm in (STAFF, PORTAL):
                create_first_keys(world.runtime, realm, actor=SYSTEM)
            yield Client(create_app(world.runtime))

    return opened


def _get(client: Client, path: str, host: str = "localhost:8080", **more: object) -> TestResponse:
    return client.get(path, base_url=f"http://{host}", buffered=True, **more)


@pytest.mark.parametrize("stripped", [False, True], ids=["prefix kept", "prefix stripped"])
def test_everything_lives_under_a_prefix(open_at: Open, *, stripped: bool) -> None:
    before = "" if stripped else "/id"
    with open_at("http://localhost:8080/id") as client:
        found = _get(client, f"{before}/realms/staff/.well-known/openid-configuration")
        assert found.json is not None
        assert found.json["issuer"] == "http://localhost:8080/id/realms/staff"
        page = _get(client, f"{before}/realms/staff/sign-in")
        assert page.status_code == 200
        assert 'href="/id/static/idp.css?v=' in page.text
        assert _get(client, f"{before}/readyz").json["status"] == "ready"  # type: ignore[index]
        assert _get(client, f"{before}/admin/api/v1/realms/staff/users").status_code == 401
        changed = _get(client, f"{before}/.well-known/change-password")
        assert changed.headers["Location"].startswith("http://localhost:8080/id/realms/staff/acc")
        front_door = _get(client, f"{before}/")
        assert front_door.headers["Location"] == "http://localhost:8080/id/realms/staff/account"


@pytest.mark.parametrize(
    "path",
    [
        "/.well-known/oauth-authorization-server/id/realms/portal",
        "/id/realms/portal/.well-known/oauth-authorization-server",
    ],
)
def test_metadata_is_found_inserted_and_appended(open_at: Open, path: str) -> None:
    with open_at("http://localhost:8080/id") as client:
        found = _get(client, path)

    assert found.json is not None
    assert found.json["issuer"] == "http://localhost:8080/id/realms/portal"


def test_a_similar_path_is_not_under_the_prefix(open_at: Open) -> None:
    with open_at("http://localhost:8080/id") as client:
        assert _get(client, "/idea/realms/staff/sign-in").status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/console", "/__debug__", "/debug?debug", "/.git/config", "/metrics", "/static/../app.py"],
)
def test_nothing_else_is_there(open_at: Open, path: str) -> None:
    with open_at("http://localhost:8080") as client:
        found = _get(client, path, headers={"Accept": "text/html"})

    assert found.status_code == 404
    assert 'data-page="error"' in found.text
    assert found.headers["X-Request-Id"] in found.text
    assert "Traceback" not in found.text


def test_probes_answer_whoever_asks(open_at: Open) -> None:
    with open_at("https://id.example.co.nz") as client:
        alive = _get(client, "/healthz", host="10.0.0.7:8080")
        ready = _get(client, "/readyz", host="10.0.0.7:8080")
        page = _get(client, "/realms/staff/sign-in", host="10.0.0.7:8080")

    assert alive.json == {"status": "alive"}
    assert ready.json == {
        "status": "ready",
        "checks": dict.fromkeys(("database", "migrations", "policy", "keys"), "ok"),
    }
    assert page.status_code == 421


def test_a_directory_that_is_away_makes_the_server_no_less_ready(
    database_url: str, tmp_path: Path
) -> None:
    crm = {"kind": "csv", "path": str(tmp_path / "nothing.csv")}
    with open_story(database_url, settings={"connectors": {"crm": crm}}) as story:
        ready = _get(Client(story.application), "/readyz")

    assert ready.status_code == 200
    assert ready.json is not None
    assert ready.json["directories"] == {"crm": None}


def test_not_ready_is_503_and_says_what(database_url: str) -> None:
    with open_world(database_url) as world:  # no keys were made
        client = Client(create_app(world.runtime))
        ready = _get(client, "/readyz")
        alive = _get(client, "/healthz")

    assert (ready.status_code, alive.status_code) == (503, 200)
    assert ready.headers["Retry-After"] == "2"
    assert ready.json is not None
    assert ready.json["status"] == "not ready"
    assert "has no key for" in ready.json["checks"]["keys"]
    assert ready.json["checks"]["database"] == "ok"


def test_static_files_are_kept_long_under_their_digest_only(open_at: Open) -> None:
    with open_at("http://localhost:8080") as client:
        page = _get(client, "/realms/staff/sign-in").text
        address = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
        exact, plain = _get(client, address), _get(client, "/static/idp.css")
        other = _get(client, "/static/idp.css?v=0")

    assert exact.headers["Cache-Control"] == "public, max-age=31536000"
    assert plain.headers["Cache-Control"] == "public, max-age=300"
    assert other.headers["Cache-Control"] == "public, max-age=300"
    css = Path(__file__).parents[3] / "idp" / "web" / "static" / "idp.css"
    assert exact.data == css.read_bytes()
    assert "Set-Cookie" not in exact.headers


def test_plain_http_before_an_https_address(open_at: Open) -> None:
    forwarded = {"X-Forwarded-Proto": "http"}
    proxy = {"REMOTE_ADDR": "127.0.0.1"}
    stranger = {"REMOTE_ADDR": "192.0.2.7"}
    host = "id.example.co.nz"
    with open_at("https://id.example.co.nz/id", trusted_proxies=["127.0.0.1/32"]) as client:

        def get(environ: dict[str, str], headers: dict[str, str]) -> TestResponse:
            path = "/id/realms/staff/sign-in?a=b"
            return _get(client, path, host=host, headers=headers, environ_overrides=environ)

        page = get(proxy, forwarded)
        believed = get(stranger, forwarded)
        secure = get(proxy, {"X-Forwarded-Proto": "https"})
        form = client.post(
            "/id/realms/staff/sign-in",
            base_url=f"http://{host}",
            headers=forwarded,
            environ_overrides=proxy,
            data={"username": "ada", "password": "secret"},
        )

    assert page.status_code == 308
    assert page.headers["Location"] == "https://id.example.co.nz/id/realms/staff/sign-in?a=b"
    assert (believed.status_code, secure.status_code) == (200, 200)
    assert form.status_code == 403
    assert "Set-Cookie" not in form.headers


BAD_CHUNKS = (b"zz\r\ngrant\r\n", b"-5\r\n", b"5\r\ngrantX\r\n", b"5\r\ngr")


@pytest.mark.parametrize("path", ["token", "sign-in"])
def test_a_body_in_bad_chunks_is_refused(story: Story, path: str) -> None:
    for chunks in BAD_CHUNKS:
        body = Body(ChunkedReader(None, IterUnreader([chunks])))
        answer = Client(story.application).post(
            f"/realms/staff/{path}",
            base_url="http://localhost:8080",
            content_type="application/x-www-form-urlencoded",
            environ_overrides={"wsgi.input": body, "wsgi.input_terminated": True},
        )
        assert answer.status_code == 400, chunks


def test_a_body_in_too_many_chunks_is_refused(story: Story) -> None:
    def answer(length: int) -> TestResponse:
        form = b"grant_type=client_credentials&x=".ljust(length, b"x")
        return Client(story.application).post(
            "/realms/staff/token",
            base_url="http://localhost:8080",
            content_type="application/x-www-form-urlencoded",
            environ_overrides={"wsgi.input": BytesIO(form), "wsgi.input_terminated": True},
        )

    assert answer(MAX_BODY).status_code == 401
    assert answer(MAX_BODY + 1).status_code == 413
    assert answer(MAX_BODY + 1).mimetype == "application/json"


def test_a_mounted_application_sees_its_own_root() -> None:
    seen: list[tuple[str, str]] = []

    def inner(environ: Environ, start_response: StartResponse) -> list[bytes]:
        seen.append((environ["SCRIPT_NAME"], environ["PATH_INFO"]))
        start_response("200 OK", [])
        return [b"inner"]

    def site(_environ: Environ, start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [])
        return [b"site"]

    client = Client(Front(site, mounts={"/admin/api/v1": inner}))

    assert client.get("/admin/api/v1").text == "inner"
    assert client.get("/admin/api/v1/users").text == "inner"
    assert client.get("/admin/api/v10").text == "site"
    assert seen == [("/admin/api/v1", ""), ("/admin/api/v1", "/users")]


def test_a_quick_answer_needs_no_site() -> None:
    def site(_environ: Environ, _start_response: StartResponse) -> list[bytes]:
        raise AssertionError("not asked")

    client = Client(
        Front(site, mounts={}, quick=lambda _: ("200 OK", [("Content-Length", "2")], b"ok"))
    )

    assert client.get("/").data == b"ok"
    assert client.head("/").data == b""
