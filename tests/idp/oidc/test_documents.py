"""Discovery, JWKS, keys in rotation, and which pages may read what."""

from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from werkzeug.test import Client

from idp.core.keys import list_keys, retire_key, rotate_keys
from idp.core.work import SYSTEM
from idp.errors import Conflict, NotFound
from idp.store.keys import SigningKeyRow
from tests.support.story import Story, open_story
from tests.support.world import PORTAL, STAFF

STAFF_ISSUER = "http://localhost:8080/realms/staff"
DISCOVERY = "/.well-known/openid-configuration"
INSERTED = "/.well-known/oauth-authorization-server/realms/staff"


def test_both_discovery_documents_say_the_same_at_every_address(story: Story) -> None:
    answers = [
        story.get(DISCOVERY),
        story.get("/.well-known/oauth-authorization-server"),
    ]
    inserted = story.browser.get(INSERTED, base_url="http://localhost:8080")

    assert inserted.status_code == 200
    assert {answer.text for answer in answers} == {inserted.get_data(as_text=True)}
    assert answers[0].json["issuer"] == STAFF_ISSUER


def test_discovery_says_what_is_done_and_nothing_else(story: Story) -> None:
    document = story.get(DISCOVERY).json

    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["response_types_supported"] == ["code"]
    assert document["response_modes_supported"] == ["query", "form_post"]
    assert document["grant_types_supported"] == [
        *("authorization_code", "refresh_token", "client_credentials"),
    ]
    assert document["id_token_signing_alg_values_supported"] == ["RS256", "ES256", "EdDSA"]
    assert document["authorization_response_iss_parameter_supported"] is True
    assert "none" not in document["token_endpoint_auth_signing_alg_values_supported"]
    assert not {"registration_endpoint", "device_authorization_endpoint"} & document.keys()
    for name, address in document.items():
        if name.endswith(("_endpoint", "jwks_uri")):
            assert address.startswith(f"{STAFF_ISSUER}/")
            assert story.get(address).status != 404, name


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"},
        {"Forwarded": "host=evil.example"},
        {"X-Forwarded-Prefix": "/evil"},
    ],
)
def test_no_header_changes_the_issuer(story: Story, headers: dict[str, str]) -> None:
    answer = story.get(DISCOVERY, headers=headers)

    assert answer.json["issuer"] == STAFF_ISSUER
    assert "evil" not in answer.text


def test_another_host_gets_nothing(story: Story) -> None:
    for path in (f"/realms/staff{DISCOVERY}", "/realms/staff/jwks", INSERTED):
        answer = story.browser.get(path, base_url="http://evil.example")
        assert answer.status_code in {404, 421}


def test_documents_may_be_kept_and_read_by_anybody(story: Story) -> None:
    for path in (DISCOVERY, "/jwks"):
        answer = story.get(path, headers={"Origin": "https://anybody.example"})
        assert answer.response.headers["Cache-Control"] == "public, max-age=300"
        assert answer.response.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in answer.response.headers
        assert "Set-Cookie" not in answer.response.headers
        assert story.send("HEAD", path).text == ""
        assert story.send("POST", path).status == 405


def test_the_front_and_flask_answer_alike(story: Story) -> None:
    site = story.application._application._site
    for path in (DISCOVERY, "/jwks"):
        slow = Client(site).get(f"/realms/staff{path}", base_url="http://localhost:8080")
        assert slow.get_data(as_text=True) == story.get(path).text
        assert slow.headers["Cache-Control"] == "public, max-age=300"


def test_an_unknown_realm_has_no_documents(story: Story) -> None:
    assert story.browser.get("/realms/nobody/jwks", base_url="http://localhost:8080").status == (
        "404 NOT FOUND"
    )


def test_everything_works_under_a_path_prefix(database_url: str) -> None:
    settings: dict[str, dict[str, Any]] = {"server": {"public_url": "http://localhost:8080/id"}}
    with open_story(database_url, settings=settings) as story:
        for base in ("/id/realms/staff", "/realms/staff"):
            found = story.browser.get(f"{base}{DISCOVERY}", base_url="http://localhost:8080")
            assert found.json["issuer"] == "http://localhost:8080/id/realms/staff"  # type: ignore[index]
        inserted = story.browser.get(
            "/.well-known/oauth-authorization-server/id/realms/staff",
            base_url="http://localhost:8080",
        )
        assert inserted.json["token_endpoint"].startswith("http://localhost:8080/id/realms/staff/")  # type: ignore[index]
        app = story.app()
        story.sign_in()
        answer = story.authorize(app)
        assert answer.returned["iss"] == "http://localhost:8080/id/realms/staff"
        assert story.redeem(app, answer.code).status == 200


def kids(story: Story) -> set[str]:
    return {key["kid"] for key in story.get("/jwks").json["keys"]}


def header_kid(story: Story, token: str) -> str:
    return str(story.decoded(token).header["kid"])


def test_published_keys_are_public(story: Story) -> None:
    for key in story.get("/jwks").json["keys"]:
        assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & key.keys()
        assert {"kty", "kid", "use", "alg"} <= key.keys()


def test_a_planned_rotation_is_published_before_it_is_used(story: Story) -> None:
    app = story.app()
    story.sign_in()
    old = story.tokens(app)
    old_kids = kids(story)
    rotate_keys(story.world.runtime, STAFF, actor=SYSTEM)
    story.world.advance(seconds=1)

    new_kids = kids(story) - old_kids
    assert len(new_kids) == 3
    assert header_kid(story, story.tokens(app)["id_token"]) in old_kids
    story.world.advance(minutes=4)
    assert header_kid(story, story.tokens(app)["id_token"]) in old_kids
    assert story.userinfo(old["access_token"]).status == 200

    story.world.advance(minutes=2)
    fresh = story.tokens(app)
    assert header_kid(story, fresh["id_token"]) in new_kids
    assert story.userinfo(fresh["access_token"]).status == 200
    assert kids(story) == old_kids | new_kids

    story.world.advance(minutes=61)
    assert kids(story) == new_kids
    assert story.authorize(app, id_token_hint=old["id_token"]).code


def test_a_second_rotation_waits_for_the_first(story: Story) -> None:
    rotate_keys(story.world.runtime, STAFF, actor=SYSTEM)
    with pytest.raises(Conflict):
        rotate_keys(story.world.runtime, STAFF, actor=SYSTEM)
    story.world.advance(minutes=6)

    rotate_keys(story.world.runtime, STAFF, actor=SYSTEM)

    with story.world.begin() as uow:
        states = [key.state for key in list_keys(uow)]
    assert sorted(states) == ["active"] * 3 + ["next"] * 3 + ["retiring"] * 3


def test_an_emergency_kills_what_the_old_keys_signed(story: Story) -> None:
    app = story.app()
    story.sign_in()
    old = story.tokens(app)
    old_kids = kids(story)

    rotate_keys(story.world.runtime, STAFF, actor=SYSTEM, emergency=True)

    assert story.userinfo(old["access_token"]).status == 401
    fresh = story.refresh(app, old["refresh_token"])
    assert fresh.status == 200
    story.world.advance(seconds=1)
    assert not kids(story) & old_kids
    assert story.userinfo(fresh.json["access_token"]).status == 200
    with story.world.begin() as uow:
        retired = [row for row in uow.db.query(SigningKeyRow) if row.state == "retired"]
    assert len(retired) == 3
    assert {row.private_key for row in retired} == {b""}


def test_a_replaced_key_may_be_dropped_early_and_a_signing_one_not(story: Story) -> None:
    rotate_keys(story.world.runtime, STAFF, actor=SYSTEM)
    with story.world.begin() as uow:
        before = {key.state: key.kid for key in list_keys(uow)}
    story.world.advance(minutes=6)

    for kid in before.values():
        if kid == before["next"]:
            with pytest.raises(Conflict):
                retire_key(story.world.runtime, STAFF, kid, actor=SYSTEM)
    gone = retire_key(story.world.runtime, STAFF, before["active"], actor=SYSTEM)
    again = retire_key(story.world.runtime, STAFF, before["active"], actor=SYSTEM)

    assert gone.state == again.state == "retired"
    assert before["active"] not in kids(story)
    with pytest.raises(NotFound):
        retire_key(story.world.runtime, STAFF, "nope", actor=SYSTEM)
    assert story.event_codes().count("key.retired") == 1


def test_jwks_and_discovery_answer_while_the_database_is_down(database_url: str) -> None:
    with open_story(database_url) as story:
        known = kids(story)
        story.world.runtime.database.engine = _Broken(story.world.runtime.database.engine)  # type: ignore[assignment]
        story.world.advance(minutes=1)

        assert kids(story) == known
        assert story.get(DISCOVERY).status == 200
        page = {"Origin": ORIGIN}
        malformed = story.token(None, headers=page, client_id="x")
        assert (malformed.status, malformed.error) == (400, "invalid_request")
        answer = story.token(None, headers=page, grant_type="client_credentials", client_id="x")
        assert (answer.status, answer.error) == (503, "temporarily_unavailable")
        assert answer.response.headers["Retry-After"]


class _Broken:
    """A database far away that went down."""

    def __init__(self, engine: Any) -> None:  # noqa: ANN401 - any engine
        self._engine = engine

    def connect(self) -> None:
        raise OperationalError("connect", {}, OSError("refused"))

    def dispose(self) -> None:
        self._engine.dispose()


ORIGIN = "https://app.example"


def test_a_page_reads_its_own_clients_answers_only(story: Story) -> None:
    spa = story.app("spa", application_type="spa", spa_origins=(ORIGIN,))
    other = story.app("other", application_type="spa", spa_origins=("https://other.example",))
    web = story.app()
    story.sign_in()
    code = story.authorize(spa).code

    def allowed(app: Any, origin: str) -> str | None:  # noqa: ANN401 - an App
        answer = story.token(
            app, grant_type="refresh_token", refresh_token="x", headers={"Origin": origin}
        )
        assert "Origin" in answer.response.headers["Vary"]
        assert "Access-Control-Allow-Credentials" not in answer.response.headers
        return answer.response.headers.get("Access-Control-Allow-Origin")

    assert allowed(spa, ORIGIN) == ORIGIN
    for origin in ("null", "https://evil.example", f"{ORIGIN}.evil", "https://other.example"):
        assert allowed(spa, origin) is None
    assert allowed(other, ORIGIN) is None
    assert allowed(web, ORIGIN) is None
    token = story.redeem(spa, code, headers={"Origin": ORIGIN}).json["access_token"]
    for origin, expected in ((ORIGIN, ORIGIN), ("https://other.example", None)):
        headers = {"Authorization": f"Bearer {token}", "Origin": origin}
        answer = story.get("/userinfo", headers=headers)
        assert answer.response.headers.get("Access-Control-Allow-Origin") == expected


def test_a_page_reads_why_it_is_refused_before_its_client_is_known(story: Story) -> None:
    story.app("spa", application_type="spa", spa_origins=(ORIGIN,))
    wrong = {"Authorization": "Bearer a.b.c"}
    questions: tuple[tuple[str, dict[str, str], dict[str, str]], ...] = (
        ("/userinfo", {}, wrong),
        ("/token", {"grant_type": "refresh_token", "client_id": "nobody"}, {}),
        ("/token", {}, {}),
        ("/token", {"client_id": "spa"}, {}),
        ("/revoke", {"client_id": "spa"}, {}),
    )

    for path, form, headers in questions:
        for origin, expected in ((ORIGIN, ORIGIN), ("https://evil.example", None), ("null", None)):
            answer = story.post_form(path, form, {**headers, "Origin": origin})
            assert answer.status in {400, 401}
            assert answer.response.headers.get("Access-Control-Allow-Origin") == expected
    at_introspection = story.post_form("/introspect", {}, {"Origin": ORIGIN})
    assert "Access-Control-Allow-Origin" not in at_introspection.response.headers


def test_a_browser_asks_first(story: Story) -> None:
    story.app("spa", application_type="spa", spa_origins=(ORIGIN,))
    asks = {"Access-Control-Request-Method": "POST"}

    for path in ("/token", "/userinfo", "/revoke"):
        good = story.send("OPTIONS", path, headers={**asks, "Origin": ORIGIN})
        bad = story.send("OPTIONS", path, headers={**asks, "Origin": "https://evil.example"})
        plain = story.send("OPTIONS", path)
        assert good.response.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert "Authorization" in good.response.headers["Access-Control-Allow-Headers"]
        assert "Access-Control-Allow-Origin" not in bad.response.headers
        assert "Access-Control-Allow-Origin" not in plain.response.headers
    at_introspection = story.send("OPTIONS", "/introspect", headers={**asks, "Origin": ORIGIN})
    assert "Access-Control-Allow-Origin" not in at_introspection.response.headers


def test_staff_and_portal_share_no_key(story: Story) -> None:
    staff = story.get("/jwks").json["keys"]
    portal = story.get("/jwks", realm=PORTAL).json["keys"]

    assert not {key["kid"] for key in staff} & {key["kid"] for key in portal}
    assert len(staff) == len(portal) == 3
