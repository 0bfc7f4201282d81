"""How a client proves itself, and every way to get it wrong."""

import base64
import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from idp.errors import InvalidInput
from idp.store.clients import ClientRow
from tests.support.story import App, Story

BASIC: dict[str, Any] = {"grant_type": "client_credentials"}
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ISSUER = "http://localhost:8080/realms/staff"
KEY = ECKey.generate_key("P-256", {"kid": "k1"}, private=True)
OTHER_KEY = ECKey.generate_key("P-256", {"kid": "k1"}, private=True)


def encoded(text: str | bytes) -> str:
    raw = text if isinstance(text, bytes) else text.encode()
    return base64.b64encode(raw).decode()


WRONG_HEADERS = [
    "Basic " + encoded("m2m:wrong"),
    "Basic " + encoded("m2m:gehé"),
    "Basic " + encoded(b"m2m:\xff\xfe"),
    "Basic " + encoded("nobody:secret"),
    "Basic " + encoded("m2m"),
    "Basic " + encoded(":secret"),
    "Basic " + encoded("m2m:"),
    "Basic " + encoded("m2m:%ff"),
    "Basic " + encoded("m2m:\0"),
    "Basic " + encoded("x" * 65536 + ":y"),
    "Basic !!!!",
    "Basic",
    "Basic ",
    "Bearer abc",
    "Digest username=m2m",
    "é",
]


def test_a_wrong_basic_header_is_a_401_and_never_an_error_of_ours(story: Story) -> None:
    story.app("m2m", application_type="service")

    for header in WRONG_HEADERS:
        answer = story.token(None, headers={"Authorization": header}, **BASIC)
        assert (answer.status, answer.error) == (401, "invalid_client"), header[:40]
        assert answer.response.headers["WWW-Authenticate"].startswith("Basic ")
        assert answer.response.headers["Cache-Control"] == "no-store"
        assert answer.response.mimetype == "application/json"


def test_two_authorization_headers_are_refused(story: Story) -> None:
    app = story.app("m2m", application_type="service")
    both = f"{app.basic['Authorization']}, {app.basic['Authorization']}"

    assert story.token(None, headers={"Authorization": both}, **BASIC).status == 401


def test_the_scheme_is_not_case_sensitive(story: Story) -> None:
    app = story.app("m2m", application_type="service")

    for scheme in ("basic", "BASIC", "Basic"):
        header = app.basic["Authorization"].replace("Basic", scheme)
        assert story.token(None, headers={"Authorization": header}, **BASIC).status == 200


def test_an_odd_secret_works_when_it_is_encoded_as_the_standard_says(story: Story) -> None:
    secret = "p%25+q:r s/é"
    story.app("m2m", application_type="service", secret=secret)
    right = encoded("m2m:p%2525%2Bq%3Ar+s%2F%C3%A9")

    assert story.token(None, headers={"Authorization": f"Basic {right}"}, **BASIC).status == 200
    raw = encoded(f"m2m:{secret}")
    assert story.token(None, headers={"Authorization": f"Basic {raw}"}, **BASIC).status == 401


def test_only_the_registered_method_counts(story: Story) -> None:
    basic = story.app("m2m", application_type="service")
    post = story.app(
        "post", application_type="service", token_endpoint_auth_method="client_secret_post"
    )
    posted: dict[str, Any] = {**BASIC, "client_id": "post", "client_secret": str(post.secret)}

    assert story.token(None, **posted).status == 200
    assert story.token(post, **BASIC).status == 401
    assert (
        story.token(None, client_id="m2m", client_secret=str(basic.secret), **BASIC).status == 401
    )
    assert story.token(None, client_id="m2m", **BASIC).status == 401


def test_two_methods_at_once_are_refused(story: Story) -> None:
    app = story.app("m2m", application_type="service")

    with_secret = story.token(app, client_secret=str(app.secret), **BASIC)
    with_assertion = story.token(app, client_assertion="x", **BASIC)
    other_name = story.token(app, client_id="other", **BASIC)

    assert (with_secret.status, with_secret.error) == (400, "invalid_request")
    assert (with_assertion.status, with_assertion.error) == (400, "invalid_request")
    assert (other_name.status, other_name.error) == (401, "invalid_client")


def test_a_refused_client_leaves_an_event(story: Story) -> None:
    story.app("m2m", application_type="service")

    story.token(App("m2m", "wrong", ""), **BASIC)
    story.token(App("nobody", "wrong", ""), **BASIC)

    events = [event for event in story.world.events() if event.code == "client.refused"]
    assert [(event.client_id, event.params["reason"]) for event in events] == [
        ("m2m", "secret"),
        ("nobody", "unknown"),
    ]


def signer(story: Story, **registration: Any) -> App:  # noqa: ANN401 - members of Registration
    """Return a service that signs its assertions."""
    jwks = {"keys": [KEY.as_dict(private=False)]}
    members: dict[str, Any] = {
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": jwks,
    } | registration
    return story.app("signer", application_type="service", **members)


def assertion(story: Story, key: Any = KEY, alg: str = "ES256", **changes: Any) -> str:  # noqa: ANN401 - claims
    now = story.world.clock.now()
    claims: dict[str, Any] = {
        "iss": "signer",
        "sub": "signer",
        "aud": ISSUER,
        "exp": int((now + timedelta(minutes=5)).timestamp()),
        "iat": int(now.timestamp()),
        "jti": "one",
    }
    claims |= changes
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": alg, "kid": "k1"}, kept, key, algorithms=[alg])


def signed(story: Story, token: str, client_id: str | None = None) -> tuple[int, str | None]:
    answer = story.token(
        None, client_assertion=token, client_assertion_type=ASSERTION, **BASIC, client_id=client_id
    )
    return answer.status, answer.error


def test_a_signed_assertion_proves_a_client_once(story: Story) -> None:
    signer(story)

    for audience in (ISSUER, f"{ISSUER}/token", [f"{ISSUER}/token"]):
        token = assertion(story, aud=audience, jti=str(audience))
        assert signed(story, token, client_id="signer") == (200, None)
        assert signed(story, token) == (401, "invalid_client")


WRONG_CLAIMS: dict[str, dict[str, Any]] = {
    "issuer": {"iss": "web"},
    "subject": {"sub": "web"},
    "audience": {"aud": "http://localhost:8080/realms/portal"},
    "audience is an object": {"aud": {"x": 1}},
    "audience is a list of objects": {"aud": [{}]},
    "audience is a number": {"aud": 5},
    "two audiences": {"aud": [ISSUER, "https://evil.example"]},
    "no audience": {"aud": None},
    "no expiry": {"exp": None},
    "expiry as text": {"exp": "tomorrow"},
    "expiry far away": {"exp": 10**15},
    "expiry after the last year": {"exp": 10**12},
    "expiry true": {"exp": True},
    "expired": {"exp": 1},
    "not yet": {"nbf": 10**11},
    "no jti": {"jti": None},
    "jti is a number": {"jti": 5},
}


def test_an_assertion_with_wrong_claims_proves_nothing(story: Story) -> None:
    signer(story)

    for case, claims in WRONG_CLAIMS.items():
        assert signed(story, assertion(story, **claims)) == (401, "invalid_client"), case


def test_an_assertion_of_another_key_proves_nothing(story: Story) -> None:
    signer(story)
    public = json.dumps(KEY.as_dict(private=False)).encode()
    forged = [
        assertion(story, key=OTHER_KEY),
        assertion(story, key=OctKey.import_key(public), alg="HS256"),
        assertion(story, key=RSAKey.generate_key(2048), alg="RS256"),
        "e30.e30.e30",
        assertion(story)[:-4],
        assertion(story)[:-1],
        assertion(story).rpartition(".")[0] + ".",
        "not a token",
    ]

    assert {signed(story, token) for token in forged} == {(401, "invalid_client")}
    wrong_type = story.token(
        None, client_assertion=assertion(story), client_assertion_type="x", **BASIC
    )
    assert wrong_type.status == 401


def test_a_secret_does_not_stand_in_for_an_assertion(story: Story) -> None:
    signer(story)

    story.app("web")

    assert story.token(App("signer", "secretsecret", ""), **BASIC).status == 401
    for_web = assertion(story, iss="web", sub="web")
    assert signed(story, for_web) == (401, "invalid_client")
    not_a_key: dict[str, Any] = {"client_assertion": "x.y.z", "client_assertion_type": ASSERTION}
    assert story.token(None, **not_a_key, **BASIC).status == 401


def test_no_key_address_in_an_assertion_is_opened(story: Story) -> None:
    signer(story)
    now = story.world.clock.now()
    claims = {"iss": "signer", "sub": "signer", "aud": ISSUER, "jti": "a"}
    header = {"alg": "ES256", "jku": "http://127.0.0.1:9/keys"}
    token = jwt.encode(
        header, {**claims, "exp": int(now.timestamp()) + 60}, KEY, algorithms=["ES256"]
    )

    assert signed(story, token) == (401, "invalid_client")


def test_an_rsa_key_may_sign_with_pss(story: Story) -> None:
    key = RSAKey.generate_key(2048, {"kid": "k1"}, private=True)
    signer(story, jwks={"keys": [key.as_dict(private=False)]})

    assert signed(story, assertion(story, key=key, alg="PS256")) == (200, None)
    assert signed(story, assertion(story, key=key, alg="RS256", jti="b")) == (200, None)
    assert signed(story, assertion(story, key=key, alg="RS384", jti="c"))[0] == 401


@pytest.mark.parametrize("uses", [["sign"], []])
def test_a_key_that_may_not_verify_proves_nothing(story: Story, uses: list[str]) -> None:
    useless = {"keys": [{**KEY.as_dict(private=False), "key_ops": uses}]}
    with pytest.raises(InvalidInput):
        signer(story, jwks=useless)
    signer(story)
    with story.world.begin() as uow:  # as an earlier version let it in
        row = uow.db.get_one(ClientRow, (uow.realm, "signer"))
        row.jwks, row.version = useless, row.version + 1

    assert signed(story, assertion(story)) == (401, "invalid_client")


def test_of_parallel_uses_of_one_assertion_one_counts(story: Story) -> None:
    signer(story)
    token = assertion(story)
    barrier = threading.Barrier(8)
    statuses: list[int] = []

    def use() -> None:
        barrier.wait()
        statuses.append(signed(story, token)[0])

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [200] + [401] * 7
