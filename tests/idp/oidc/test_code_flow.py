"""An app signs a person in: code, tokens, what is in them, and what a code is bound to."""

import base64
import hashlib

import pytest

from idp.core.client_admin import remove_client
from idp.core.consents import grant_consent, revoke_consent
from idp.ids import ClientId
from idp.store.tokens import TokenFamilyRow
from tests.support.story import App, Story
from tests.support.world import PORTAL

ISSUER = "http://localhost:8080/realms/staff"


def test_an_app_gets_tokens_for_a_signed_in_person(story: Story) -> None:
    app = story.app()
    sid = story.sign_in("ada")

    answer = story.redeem(app, story.authorize(app, scope="openid offline_access").code)

    assert answer.status == 200
    assert answer.response.headers["Cache-Control"] == "no-store"
    assert answer.json["token_type"] == "Bearer"
    assert answer.json["expires_in"] == 300
    assert answer.json["scope"] == "openid offline_access"
    assert answer.json["refresh_token"]
    assert story.userinfo(answer.json["access_token"]).json["sub"]
    issued = story.world.events()[-1]
    assert issued.code == "token.issued"
    assert issued.params["session_id"] == sid
    assert (issued.actor_kind, issued.actor_id, issued.client_id) == ("client", "web", "web")


def test_an_access_token_says_what_rfc_9068_asks_for(story: Story) -> None:
    app = story.app()
    sid = story.sign_in("ada")
    story.world.advance(seconds=30)

    token = story.decoded(story.tokens(app, scope="openid email")["access_token"])

    now = int(story.world.clock.now().timestamp())
    assert token.header["typ"] == "at+jwt"
    assert token.header["alg"] == "ES256"
    assert token.header["kid"]
    assert token.claims["iss"] == token.claims["aud"] == ISSUER
    assert token.claims["client_id"] == "web"
    assert token.claims["scope"] == "openid email"
    assert token.claims["sid"] == sid
    assert token.claims["auth_time"] == now - 30
    assert token.claims["amr"] == ["pwd"]
    assert (token.claims["iat"], token.claims["exp"]) == (now, now + 300)
    assert token.claims["jti"]
    assert "email" not in token.claims


def test_a_token_for_administration_has_that_audience(story: Story) -> None:
    app = story.app("console", scopes=("openid", "admin:read"))
    story.sign_in()

    tokens = story.tokens(app, scope="openid admin:read")

    assert story.claims(tokens["access_token"])["aud"] == "http://localhost:8080/admin/api"
    assert story.userinfo(tokens["access_token"]).status == 401


@pytest.mark.parametrize(
    ("alg", "digest"), [("RS256", "sha256"), ("ES256", "sha256"), ("EdDSA", "sha512")]
)
def test_an_id_token_is_right(story: Story, alg: str, digest: str) -> None:
    app = story.app(id_token_signed_response_alg=alg)
    sid = story.sign_in("ada")

    tokens = story.tokens(app, scope="openid profile email", nonce="n-1")
    token = story.decoded(tokens["id_token"])

    half = hashlib.new(digest, tokens["access_token"].encode()).digest()
    half = half[: len(half) // 2]
    now = int(story.world.clock.now().timestamp())
    assert token.header["alg"] == alg
    assert token.header["kid"]
    assert token.claims["at_hash"] == base64.urlsafe_b64encode(half).decode().rstrip("=")
    assert (token.claims["iss"], token.claims["aud"]) == (ISSUER, "web")
    assert (token.claims["nonce"], token.claims["sid"]) == ("n-1", sid)
    assert (token.claims["iat"], token.claims["exp"]) == (now, now + 3600)
    assert set(token.claims) == {
        *("iss", "sub", "aud", "iat", "exp", "jti", "auth_time", "acr", "amr", "sid"),
        *("at_hash", "nonce"),
    }


def test_no_nonce_means_none_in_the_id_token(story: Story) -> None:
    app = story.app()
    story.sign_in()

    assert "nonce" not in story.claims(story.tokens(app, nonce=None)["id_token"])


def test_the_subject_is_stable_for_a_person(story: Story) -> None:
    app, other = story.app(), story.app("web2")
    story.sign_in()

    subjects = {story.claims(story.tokens(which)["id_token"])["sub"] for which in (app, other, app)}

    assert len(subjects) == 1
    assert subjects != {story.people["ada"]}


def test_claims_asked_for_one_by_one_come_where_they_were_asked(story: Story) -> None:
    app = story.app()
    story.person("ada", user={"given_name": "Ada", "phone_number": "+64 21 1"})
    story.sign_in("ada")
    claims = (
        '{"id_token": {"given_name": {"essential": true}, "email": null, "unheard_of": null},'
        ' "userinfo": {"phone_number": null, "groups": null}}'
    )

    tokens = story.tokens(app, claims=claims)
    id_token = story.claims(tokens["id_token"])
    userinfo = story.userinfo(tokens["access_token"]).json

    assert (id_token["given_name"], id_token["email"]) == ("Ada", "ada@example.com")
    assert userinfo == {"sub": id_token["sub"], "phone_number": "+64 21 1", "groups": []}
    refreshed = story.refresh(app, tokens["refresh_token"]).json
    assert story.claims(refreshed["id_token"])["given_name"] == "Ada"


def test_claims_beyond_the_clients_scopes_are_not_told(story: Story) -> None:
    app = story.app(scopes=("openid",))
    story.sign_in()

    tokens = story.tokens(app, claims='{"id_token": {"email": null}}')

    assert "email" not in story.claims(tokens["id_token"])


def test_a_client_that_may_not_refresh_gets_no_refresh_token(story: Story) -> None:
    app = story.app(grant_types=("authorization_code",))
    story.sign_in()

    tokens = story.tokens(app)

    assert "refresh_token" not in tokens
    assert story.userinfo(tokens["access_token"]).status == 200


@pytest.mark.parametrize(
    "verifier",
    [None, "", "w" * 43, "v" * 42, "v" * 129, "v" * 43 + "\n", "challenge"],
)
def test_a_wrong_verifier_gets_nothing_and_burns_nothing(
    story: Story, verifier: str | None
) -> None:
    app = story.app("spa", application_type="spa")
    story.sign_in()
    question = story.question(app)
    code = story.authorize(app).code

    sent = question["code_challenge"] if verifier == "challenge" else verifier
    answer = story.redeem(app, code, code_verifier=sent)

    assert (answer.status, answer.error) == (400, "invalid_grant")
    assert story.event_codes()[-1] == "code.refused"
    assert story.redeem(app, code).status == 200


def test_a_code_is_bound_to_client_and_redirect_uri(story: Story) -> None:
    other_uri = "https://web.example/other"
    app = story.app(redirect_uris=("https://web.example/cb", other_uri))
    web2 = story.app("web2")
    spa = story.app("spa", application_type="spa")
    story.app("pweb", realm=PORTAL)
    story.sign_in()
    code = story.authorize(app).code

    refused = [
        story.redeem(web2, code),
        story.redeem(spa, code),
        story.redeem(web2, code, client_id="web"),
        story.redeem(app, code, redirect_uri=None),
        story.redeem(app, code, redirect_uri="https://evil.example/"),
        story.redeem(app, code, redirect_uri=other_uri),
        story.redeem(App("pweb", story.apps["pweb"].secret, app.redirect_uri, "portal"), code),  # type: ignore[arg-type]
    ]

    assert [answer.error for answer in refused] == [
        *("invalid_grant", "invalid_grant", "invalid_client", "invalid_grant"),
        *("invalid_grant", "invalid_grant", "invalid_grant"),
    ]
    assert all("access_token" not in answer.json for answer in refused)
    assert story.redeem(app, code).status == 200


def test_a_code_lives_sixty_seconds(story: Story) -> None:
    app = story.app()
    story.sign_in()
    first, second = story.authorize(app).code, story.authorize(app).code

    story.world.advance(seconds=59)
    in_time = story.redeem(app, first)
    story.world.advance(seconds=2)
    late = story.redeem(app, second)

    assert in_time.status == 200
    assert (late.status, late.error) == (400, "invalid_grant")


def test_a_replayed_code_kills_what_it_gave(story: Story) -> None:
    app = story.app()
    rs = story.app("rs", application_type="service", may_introspect=True)
    story.sign_in()
    code = story.authorize(app).code
    tokens = story.redeem(app, code).json
    assert story.userinfo(tokens["access_token"]).status == 200

    story.world.advance(minutes=2)
    replay = story.redeem(app, code)

    assert (replay.status, replay.error) == (400, "invalid_grant")
    assert story.userinfo(tokens["access_token"]).status == 401
    assert story.introspect(rs, tokens["access_token"]).json == {"active": False}
    assert story.refresh(app, tokens["refresh_token"]).error == "invalid_grant"
    assert story.event_codes().count("code.replayed") == 1


def test_a_replay_by_another_client_or_without_the_verifier_kills_nothing(story: Story) -> None:
    app = story.app("spa", application_type="spa")
    web2 = story.app("web2")
    story.sign_in()
    code = story.authorize(app).code
    tokens = story.redeem(app, code).json

    story.redeem(web2, code)
    story.redeem(app, code, code_verifier="w" * 43)
    story.redeem(app, code, redirect_uri="https://evil.example/")

    assert story.userinfo(tokens["access_token"]).status == 200


def test_an_unknown_code_is_refused(story: Story) -> None:
    app = story.app()

    for code in ("nothing", "x" * 5000, "é😀"):
        assert story.redeem(app, code).error == "invalid_grant"


def test_a_code_dies_with_its_session_and_epoch(story: Story) -> None:
    app = story.app()
    story.sign_in("ada")
    code = story.authorize(app).code
    story.world.change_user(story.people["ada"], epoch=2, credential_epoch=2)

    answer = story.redeem(app, code)

    assert (answer.error, answer.json["idp_reason"]) == ("invalid_grant", "credential_changed")
    assert story.world.count(TokenFamilyRow) == 0
    assert story.event_codes()[-1] == "token.refused"


def test_nothing_secret_is_stored_in_clear(story: Story) -> None:
    app = story.app()
    story.sign_in()
    code = story.authorize(app).code
    tokens = story.redeem(app, code).json
    secrets = [code, tokens["refresh_token"], tokens["access_token"], app.secret]

    with story.world.runtime.database.connection(write=False) as connection:
        rows = [
            str(tuple(row))
            for table in connection.exec_driver_sql(_TABLES[connection.dialect.name])
            for row in connection.exec_driver_sql(f'SELECT * FROM "{table[0]}"')  # noqa: S608
        ]

    assert rows
    assert not [secret for secret in secrets for row in rows if str(secret) in row]


_TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
}


def test_a_code_ends_with_the_consent_behind_it(story: Story) -> None:
    app = story.app(consent_required=True)
    story.sign_in("ada")
    ada = story.people["ada"]
    with story.world.begin() as uow:
        grant_consent(uow, ada, ClientId("web"), ("openid",))
    code = story.authorize(app).code

    with story.world.begin() as uow:
        revoke_consent(uow, ada, ClientId("web"))

    assert story.redeem(app, code).error == "invalid_grant"


def test_a_code_ends_with_its_client_even_if_another_one_takes_the_id(story: Story) -> None:
    app = story.app()
    story.sign_in()
    code = story.authorize(app).code

    with story.world.begin() as uow:
        remove_client(uow, "web")
    again = story.app()

    assert story.redeem(again, code).error == "invalid_grant"
