"""Userinfo, introspection, revocation: what tokens are believed, and for how long."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from idp.core.client_admin import remove_client
from idp.core.key_ring import current_ring
from tests.support.story import Answer, App, Story

ISSUER = "http://localhost:8080/realms/staff"


def signed_in(story: Story, scope: str = "openid profile email") -> tuple[App, dict[str, Any]]:
    app = story.app()
    story.sign_in("ada")
    return app, story.tokens(app, scope=scope)


def resource_server(story: Story) -> App:
    return story.app("rs", application_type="service", may_introspect=True)


def test_userinfo_tells_what_the_scopes_cover(story: Story) -> None:
    further = {"nickname": "A", "address": {"locality": "Nelson"}}
    story.person("ada", user={"given_name": "Ada", "family_name": "Byron", "claims": further})
    app = story.app()
    story.sign_in("ada")

    tokens = story.tokens(app, scope="openid profile email address groups phone")
    known = story.userinfo(tokens["access_token"]).json
    little = story.userinfo(story.tokens(app)["access_token"]).json

    assert known["name"] == "Ada Byron"
    assert (known["preferred_username"], known["nickname"]) == ("ada", "A")
    assert (known["email"], known["email_verified"]) == ("ada@example.com", True)
    assert known["address"] == {"locality": "Nelson"}
    assert known["groups"] == []
    assert isinstance(known["updated_at"], int)
    assert "phone_number" not in known
    assert set(little) == {"sub"}


def test_userinfo_takes_the_token_from_the_header_or_a_posted_form(story: Story) -> None:
    _, tokens = signed_in(story)
    raw = tokens["access_token"]
    header = {"Authorization": f"Bearer {raw}"}

    by_post = story.send("POST", "/userinfo", data={"access_token": raw})
    by_header = story.send("POST", "/userinfo", headers=header)
    both = story.send("POST", "/userinfo", data={"access_token": raw}, headers=header)
    by_address = story.get(f"/userinfo?access_token={raw}")
    body = f"access_token={raw}&access_token={raw}"
    form = "application/x-www-form-urlencoded"
    twice = story.send("POST", "/userinfo", data=body, content_type=form)
    unreadable = story.send("POST", "/userinfo", data=b"access_token=%ff", content_type=form)

    assert by_post.json["sub"] == by_header.json["sub"]
    assert (both.status, both.error) == (400, "invalid_request")
    assert by_address.status == 401
    assert (twice.status, unreadable.status) == (400, 400)


def refused(answer: Answer) -> tuple[int, str | None]:
    assert answer.response.headers["WWW-Authenticate"].startswith("Bearer ")
    assert answer.response.headers["Cache-Control"] == "no-store"
    assert "sub" not in answer.json
    return answer.status, answer.error


def test_userinfo_takes_nothing_but_a_persons_access_token(story: Story) -> None:
    app, tokens = signed_in(story)
    service = story.app("m2m", application_type="service")
    own = story.token(service, grant_type="client_credentials").json["access_token"]
    plain = story.tokens(app, scope="profile")["access_token"]

    assert refused(story.userinfo(tokens["id_token"])) == (401, "invalid_token")
    assert refused(story.userinfo(tokens["refresh_token"])) == (401, "invalid_token")
    assert refused(story.userinfo(own)) == (403, "insufficient_scope")
    assert refused(story.userinfo(plain)) == (403, "insufficient_scope")
    assert refused(story.get("/userinfo"))[0] == 401
    two = {"Authorization": f"Bearer {own}, Bearer {own}"}
    assert refused(story.get("/userinfo", headers=two))[0] == 401
    assert refused(story.get("/userinfo", headers=app.basic))[0] == 401


def test_an_access_token_ends_after_five_minutes(story: Story) -> None:
    _, tokens = signed_in(story)
    story.world.advance(seconds=299)
    assert story.userinfo(tokens["access_token"]).status == 200
    story.world.advance(seconds=1)

    assert refused(story.userinfo(tokens["access_token"])) == (401, "invalid_token")


AT_ONCE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "disabled": ({"status": "inactive"}, {}),
    "locked": ({"locked_at": "now"}, {}),
    "password changed": ({"epoch": 2, "credential_epoch": 2}, {}),
    "sessions ended": ({"epoch": 2}, {}),
    "must change": ({}, {"must_change": True}),
    "temporary password over": ({}, {"temporary_until": "now"}),
}


@pytest.mark.parametrize("case", AT_ONCE)
def test_a_token_dies_at_once_with_its_cause(story: Story, case: str) -> None:
    user, credential = AT_ONCE[case]
    _, tokens = signed_in(story)
    rs = resource_server(story)
    now = story.world.clock.now()

    def moved(columns: dict[str, Any]) -> dict[str, Any]:
        return {name: now if value == "now" else value for name, value in columns.items()}

    if user:
        story.world.change_user(story.people["ada"], **moved(user))
    if credential:
        story.world.change_credential(story.people["ada"], **moved(credential))
    story.world.advance(seconds=1)

    assert refused(story.userinfo(tokens["access_token"])) == (401, "invalid_token")
    assert story.introspect(rs, tokens["access_token"]).json == {"active": False}


def test_a_token_that_is_only_stale_by_policy_lives_to_its_end(story: Story) -> None:
    _, tokens = signed_in(story)
    rs = resource_server(story)
    story.world.publish_policy(
        {"enforcement": "everyone", "rules": {"length": {"min": 30, "max": 256}}}
    )

    assert story.userinfo(tokens["access_token"]).status == 200
    assert story.introspect(rs, tokens["access_token"]).json["active"] is True
    assert story.introspect(rs, tokens["refresh_token"]).json == {"active": False}


def b64(document: Any) -> str:  # noqa: ANN401 - any JSON
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def forgeries(story: Story, token: str) -> dict[str, str]:
    """Return the tokens that somebody without our key can make out of a good one."""
    head, body, _ = token.split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "=="))
    with story.world.begin(write=False) as uow:
        key = current_ring(uow).find_key(header["kid"], "ES256", uow.now)
    assert isinstance(key, ECKey)
    public = key.public_key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    mine = ECKey.generate_key("P-256", private=True)
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    found = {
        f"alg {alg}": f"{b64({**header, 'alg': alg})}.{body}."
        for alg in ("none", "None", "NONE", "")
    }
    for name, secret in {
        "pem": public,
        "trimmed pem": public.strip(),
        "newline pem": b"\n" + public,
        "der": key.public_key.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        ),
        "jwk": json.dumps(key.as_dict(private=False)).encode(),
    }.items():
        signed = jwt.encode(
            {**header, "alg": "HS256"},
            claims,
            OctKey.import_key(base64.b64encode(secret) if name == "der" else secret.hex()),
            algorithms=["HS256"],
        )
        found[f"hmac {name}"] = signed
    extras: dict[str, dict[str, Any]] = {
        "jwk": {"jwk": mine.as_dict(private=False)},
        "jku": {"jku": "http://127.0.0.1:9/"},
        "x5u": {"x5u": "http://127.0.0.1:9/"},
        "x5c": {"x5c": ["AAAA"]},
        "unknown kid": {"kid": "nope"},
        "path kid": {"kid": "../../etc/passwd"},
        "sql kid": {"kid": "' OR 1=1 --"},
    }
    for name, extra in extras.items():
        found[f"header {name}"] = jwt.encode({**header, **extra}, claims, mine)
    found["no kid"] = jwt.encode({"alg": "ES256", "typ": "at+jwt"}, claims, mine)
    return found | spoilt(header, claims, token)


def spoilt(header: dict[str, Any], claims: dict[str, Any], token: str) -> dict[str, str]:
    """Return the good token with one part or member changed, its signature kept."""
    head, body, signature = token.split(".")
    twice = json.dumps(header)[:-1].encode() + b', "alg": "ES256"}'
    return {
        "crit": f"{b64({**header, 'crit': ['x'], 'x': 1})}.{body}.{signature}",
        "b64": f"{b64({**header, 'b64': False})}.{body}.{signature}",
        "twice": f"{b64(twice)}.{body}.{signature}",
        "zero": f"{head}.{body}.{b64(bytes(64))}",
        "cut": f"{head}.{body}.{signature[:-8]}",
        "cut by one": f"{head}.{body}.{signature[:-1]}",
        "empty signature": f"{head}.{body}.",
        "json": json.dumps({"payload": body, "signatures": []}),
        "other body": f"{head}.{b64({**claims, 'scope': 'openid admin:users'})}.{signature}",
        "swapped alg": f"{b64({**header, 'alg': 'RS256'})}.{body}.{signature}",
        "deep": f"{b64(b'[' * 3000)}.{body}.{signature}",
        "deep body": f"{head}.{b64(b'[' * 3000)}.{signature}",
        "odd claims": f"{head}.{b64({**claims, 'client_id': 5, 'jti': ['x']})}.{signature}",
        "odd family": f"{head}.{b64({**claims, 'idp_family': 5})}.{signature}",
        "odd expiry": f"{head}.{b64({**claims, 'exp': 1e30})}.{signature}",
        "huge": f"{head}.{'A' * 100_000}.{signature}",
    }


def test_no_forged_token_is_believed_anywhere(story: Story) -> None:
    app, tokens = signed_in(story)
    rs = resource_server(story)

    for name, forged in forgeries(story, tokens["access_token"]).items():
        answer = story.send(
            "GET",
            "/userinfo",
            headers={"Authorization": f"Bearer {forged}".encode("ascii", "replace").decode()},
        )
        assert answer.status == 401, name
        if len(forged) < 60_000:
            assert story.introspect(rs, forged).json == {"active": False}, name
            assert story.revoke(app, forged).status == 200, name
    assert story.userinfo(tokens["access_token"]).status == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1},
        {"exp": None},
        {"exp": "9999999999"},
        {"exp": 1e12},
        {"iss": "http://localhost:8080/realms/portal"},
        {"aud": "https://other.example"},
        {"aud": [ISSUER]},
        {"idp_epoch": 99},
    ],
)
def test_a_signature_alone_is_not_enough(story: Story, changes: dict[str, Any]) -> None:
    _, tokens = signed_in(story)
    claims = story.claims(tokens["access_token"]) | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    with story.world.begin(write=False) as uow:
        signer = current_ring(uow).signer("ES256", uow.now)

    assert story.userinfo(signer.sign(claims, typ="at+jwt")).status == 401
    assert (
        story.userinfo(signer.sign(story.claims(tokens["access_token"]), typ="JWT")).status == 401
    )


def test_introspection_is_for_those_registered_to_ask(story: Story) -> None:
    app, tokens = signed_in(story)
    rs = resource_server(story)
    spa = story.app("spa", application_type="spa")
    raw = tokens["access_token"]

    described = story.introspect(rs, raw).json

    assert described["active"] is True
    assert described["client_id"] == "web"
    assert described["scope"] == "openid profile email"
    assert described["token_type"] == "Bearer"
    assert described["iss"] == ISSUER
    assert not [name for name in described if name.startswith("idp_")]
    assert story.introspect(app, raw).json == {"active": False}
    assert story.introspect(spa, raw).status == 401
    assert story.post_form("/introspect", {"token": raw, "client_id": "spa"}).status == 401
    assert story.introspect(App("rs", "wrong", ""), raw).status == 401
    assert story.introspect(rs, "nonsense").json == {"active": False}
    assert story.post_form("/introspect", {"x": "1"}, rs.basic).error == "invalid_request"


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "pizza"])
def test_the_hint_does_not_matter(story: Story, hint: str) -> None:
    app, tokens = signed_in(story)
    rs = resource_server(story)

    for kind in ("access_token", "refresh_token"):
        assert story.introspect(rs, tokens[kind], token_type_hint=hint).json["active"] is True
        assert story.revoke(app, tokens[kind], token_type_hint=hint).status == 200
        assert story.introspect(rs, tokens[kind]).json == {"active": False}


def test_revoking_an_access_token_leaves_the_rest(story: Story) -> None:
    app, tokens = signed_in(story)

    assert story.revoke(app, tokens["access_token"]).status == 200
    assert story.revoke(app, tokens["access_token"]).status == 200

    assert story.userinfo(tokens["access_token"]).status == 401
    assert story.refresh(app, tokens["refresh_token"]).status == 200
    assert story.event_codes().count("token.revoked") == 1


def test_revoking_a_refresh_token_ends_everything_of_its_code(story: Story) -> None:
    app, tokens = signed_in(story)

    assert story.revoke(app, tokens["refresh_token"]).status == 200

    assert story.userinfo(tokens["access_token"]).status == 401
    answer = story.refresh(app, tokens["refresh_token"])
    assert answer.error == "invalid_grant"
    assert "idp_reason" not in answer.json
    assert story.event_codes().count("token.revoked") == 1


def test_nobody_revokes_what_is_anothers(story: Story) -> None:
    app, tokens = signed_in(story)
    web2 = story.app("web2")

    assert story.revoke(web2, tokens["refresh_token"]).status == 200
    assert story.revoke(web2, tokens["access_token"]).status == 200
    assert story.revoke(App("web", None, ""), tokens["refresh_token"]).status == 401
    assert story.revoke(app, "unknown").status == 200
    assert story.post_form("/revoke", {"x": "1"}, app.basic).error == "invalid_request"

    assert story.userinfo(tokens["access_token"]).status == 200
    assert story.refresh(app, tokens["refresh_token"]).status == 200


def test_a_public_client_may_give_up_its_own_token(story: Story) -> None:
    spa = story.app("spa", application_type="spa")
    story.sign_in()
    tokens = story.tokens(spa)

    assert story.revoke(spa, tokens["refresh_token"]).status == 200
    assert story.userinfo(tokens["access_token"]).status == 401


def test_a_removed_client_takes_its_tokens_along(story: Story) -> None:
    app, tokens = signed_in(story)
    service = story.app("m2m", application_type="service")
    own = story.token(service, grant_type="client_credentials").json["access_token"]
    rs = resource_server(story)
    with story.world.begin() as uow:
        remove_client(uow, "web")
        remove_client(uow, "m2m")

    assert story.userinfo(tokens["access_token"]).status == 401
    assert story.introspect(rs, own).json == {"active": False}
    assert story.refresh(app, tokens["refresh_token"]).error == "invalid_client"

    story.world.advance(seconds=10)
    again = story.app("m2m", application_type="service")
    assert story.introspect(rs, own).json == {"active": False}
    new = story.token(again, grant_type="client_credentials").json["access_token"]
    assert story.introspect(rs, new).json["active"] is True
