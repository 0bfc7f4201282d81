"""H-01 and H-02: the headers of every answer, the wrong ones included."""

import pytest

from idp.http.headers import content_security_policy
from idp.store.session import Database
from tests.support.pages import Visitor, visitor
from tests.support.ports import free_port
from tests.support.story import Story, open_story
from tests.support.world import PASSWORD, PUBLIC_URL

SECRET = "s" * 43
PAGES = (
    *("/sign-in", "/forgot-password", "/reset-password", "/account", "/account/password"),
    *("/account/sessions", "/account/security", "/logout", "/nowhere", "/authorize"),
    *(f"/interaction/{SECRET}", f"/interaction/{SECRET}/sign-in"),
    *(f"/{kind}/{SECRET}" for kind in ("reset-password", "action", "not-me", "setup")),
)

_REALM = "/realms/staff"
_QUICK = (
    f"{_REALM}/jwks",
    f"{_REALM}/.well-known/openid-configuration",
    f"/.well-known/oauth-authorization-server/sso{_REALM}",
)


def check(headers: object) -> None:
    """Fail unless an answer carries every header that each must have."""
    found = dict(headers)  # type: ignore[call-overload]
    policy = {
        part.split()[0]: part.split()[1:] for part in found["Content-Security-Policy"].split(";")
    }
    assert policy["default-src"] == policy["object-src"] == policy["base-uri"] == ["'none'"]
    assert policy["frame-ancestors"] == ["'none'"]
    assert policy["script-src"] == policy["style-src"] == policy["img-src"] == ["'self'"]
    assert policy["form-action"][0] == "'self'"
    assert found["X-Content-Type-Options"] == "nosniff"
    assert found["X-Frame-Options"] == "DENY"
    assert found["Cross-Origin-Opener-Policy"] == "same-origin"
    assert found["Referrer-Policy"] in {"no-referrer", "same-origin"}
    assert found["Cache-Control"] == "no-store"
    assert found["X-Request-Id"]
    assert "X-Powered-By" not in found
    assert "Access-Control-Allow-Origin" not in found


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "OPTIONS"])
def test_every_answer_has_every_header(person: Visitor, method: str) -> None:
    for path in PAGES:
        seen = person.send(method, path)

        assert seen.status < 500, path
        check(seen.answer.response.headers)


def test_a_signed_in_persons_pages_have_them_too(story: Story, person: Visitor) -> None:
    story.person("ada")
    person.sign_in("ada", PASSWORD)
    for path in ("/account", "/account/password", "/account/sessions", "/account/security"):
        seen = person.open(path)
        assert seen.status == 200
        check(seen.answer.response.headers)


def test_errors_outside_a_realm_have_them(person: Visitor) -> None:
    for path, status in (("/nowhere", 404), ("/realms/none/sign-in", 404), ("/admin", 404)):
        answer = person.browser.get(path, base_url=PUBLIC_URL)
        assert answer.status_code == status
        assert 'data-page="error"' in answer.text
        check(answer.headers)
    elsewhere = person.browser.get("/", base_url="http://evil.example")
    assert elsewhere.status_code == 421
    check(elsewhere.headers)


def test_a_database_that_is_away_is_a_page_that_says_to_try_again(
    story: Story, person: Visitor
) -> None:
    page = person.open("/sign-in")
    real = story.world.runtime.database
    url = f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/nothing"
    story.world.runtime.database = Database(url)
    try:
        person.seen = page
        posted = person.submit(username="ada", password=PASSWORD)
        opened = person.open("/account")
        as_json = person.send("GET", "/account", headers={"Accept": "application/json"})
    finally:
        story.world.runtime.database.close()
        story.world.runtime.database = real

    assert [posted.status, opened.status, as_json.status] == [503, 503, 503]
    assert posted.page == "error"
    assert int(posted.answer.response.headers["Retry-After"]) > 0
    assert as_json.answer.json["error"] == "database.unavailable"
    assert "nobody" not in posted.answer.text + as_json.answer.text
    check(posted.answer.response.headers)


def test_https_is_insisted_on_where_it_is_used(database_url: str) -> None:
    settings = {"server": {"public_url": "https://id.example.co.nz/sso"}}
    with open_story(database_url, settings=settings) as story:
        pages = [
            story.browser.get(f"/sso{path}", base_url="https://id.example.co.nz")
            for path in (*_QUICK, "/admin/api/v1/realms/staff/users", "/healthz", "/nowhere")
        ]
        answer = story.browser.get("/sso/realms/staff/sign-in", base_url="https://id.example.co.nz")
        stripped = story.browser.get("/realms/staff/sign-in", base_url="https://id.example.co.nz")

    for page in (answer, *pages):
        told = page.headers.getlist("Strict-Transport-Security")
        assert told == ["max-age=63072000; includeSubDomains"], page.request.path
    for one in (answer, stripped):
        assert one.status_code == 200
        assert 'action="https://id.example.co.nz/sso/realms/staff/sign-in"' in one.text
        assert 'href="/sso/static/idp.css?v=' in one.text


def test_plain_http_gets_no_insistence(person: Visitor) -> None:
    for path in ("/sign-in", "/jwks", "/.well-known/openid-configuration"):
        headers = person.open(path).answer.response.headers

        assert "Strict-Transport-Security" not in headers


def test_static_files_are_kept_for_long_only_under_their_digest(person: Visitor) -> None:
    page = person.open("/sign-in").answer.text
    address = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    exact = person.browser.get(address, base_url=PUBLIC_URL, buffered=True)
    old = person.browser.get(address[:-3] + "000", base_url=PUBLIC_URL, buffered=True)

    assert "max-age=31536000" in exact.headers["Cache-Control"]
    assert "max-age=300" in old.headers["Cache-Control"]
    assert "Set-Cookie" not in exact.headers


@pytest.mark.parametrize(
    ("redirect_uri", "source"),
    [
        ("https://web.example/cb?a=1", "https://web.example"),
        ("https://web.example:8443/cb", "https://web.example:8443"),
        ("http://127.0.0.1/cb", "http://127.0.0.1"),
        ("http://[::1]/cb", "http:"),
        ("nz.timetrak.mobile:/cb", "nz.timetrak.mobile:"),
    ],
)
def test_a_form_may_lead_to_the_app_of_its_own_request_only(
    story: Story, redirect_uri: str, source: str
) -> None:
    app = story.app(application_type="native", redirect_uris=(redirect_uri,))
    person = visitor(story)
    asked = story.authorize(app, browser=person.browser)
    page = person.open(asked.location)
    policy = page.answer.response.headers["Content-Security-Policy"]

    assert policy.endswith(f"form-action 'self' {source}")
    assert (
        person.open("/sign-in")
        .answer.response.headers["Content-Security-Policy"]
        .endswith("form-action 'self'")
    )


def test_the_policy_of_a_page_names_every_target() -> None:
    assert content_security_policy(["https://a.example", "app:"]).endswith(
        "form-action 'self' https://a.example app:"
    )
