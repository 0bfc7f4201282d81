"""The token endpoint's form: methods, bodies, grant types, and a client's own tokens."""

from io import BytesIO
from typing import Any

import pytest

from idp.core.client_admin import update_client
from idp.errors import InvalidInput
from tests.support.story import Story


def test_only_post_is_taken(story: Story) -> None:
    for path in ("/token", "/revoke", "/introspect"):
        for method in ("GET", "PUT", "DELETE", "HEAD", "PATCH"):
            answer = story.send(method, path)
            assert answer.status == 405, (method, path)
            assert "POST" in answer.response.headers["Allow"]


def test_a_repeated_parameter_is_refused(story: Story) -> None:
    app = story.app("m2m", application_type="service")

    for name in ("grant_type", "scope", "client_id", "odd"):
        answer = story.send(
            "POST",
            "/token",
            data=f"grant_type=client_credentials&{name}=a&{name}=a",
            content_type="application/x-www-form-urlencoded",
            headers=app.basic,
        )
        assert (answer.status, answer.error) == (400, "invalid_request"), name


def test_parameters_in_the_address_are_refused(story: Story) -> None:
    app = story.app("m2m", application_type="service")
    query = f"grant_type=client_credentials&client_id=m2m&client_secret={app.secret}"

    for data, headers in (({"grant_type": "client_credentials"}, app.basic), ({}, {})):
        answer = story.send("POST", f"/token?{query}", data=data, headers=headers)
        assert (answer.status, answer.error) == (400, "invalid_request")


FORM = {"content_type": "application/x-www-form-urlencoded"}
BODIES: list[dict[str, Any]] = [
    {"json": {"grant_type": "client_credentials"}},
    {"data": "grant_type=client_credentials", "content_type": "text/plain"},
    {"data": b"grant_type=\xff", **FORM},
    {"data": "grant_type=%ff", **FORM},
    {"data": "a=%00", **FORM},
    {"data": "a=1&" * 10_000, **FORM},
    {"data": "scope=" + "+" * 60_000, **FORM},
    {"data": "", **FORM},
]


def test_a_body_that_is_no_good_form_is_refused(story: Story) -> None:
    app = story.app("m2m", application_type="service")

    upload = {"data": {"file": (BytesIO(b"x"), "x.txt")}}
    for options in (*BODIES, upload):
        answer = story.send("POST", "/token", headers=app.basic, **options)
        assert (answer.status, answer.error) == (400, "invalid_request"), options
        assert answer.response.headers["Cache-Control"] == "no-store"


def test_an_oversized_body_is_refused(story: Story) -> None:
    answer = story.post_form("/token", {"grant_type": "x" * 1_000_000})

    assert answer.status == 413
    assert answer.error == "invalid_request"


OTHER_GRANTS = [
    "password",
    "implicit",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:openid:params:grant-type:ciba",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "urn:ietf:params:oauth:grant-type:token-exchange",
    "refresh_token ",
    "REFRESH_TOKEN",
    "unheard_of",
    'a"b',
]


def test_other_grant_types_are_not_offered(story: Story) -> None:
    app = story.app()

    for grant_type in OTHER_GRANTS:
        answer = story.token(app, grant_type=grant_type, username="ada", password="x")
        assert (answer.status, answer.error) == (400, "unsupported_grant_type"), grant_type


INCOMPLETE: list[dict[str, Any]] = [
    {},
    {"grant_type": ""},
    {"grant_type": "authorization_code"},
    {"grant_type": "refresh_token"},
    {"grant_type": "refresh_token", "refresh_token": ""},
]


def test_what_is_missing_is_an_invalid_request(story: Story) -> None:
    app = story.app()

    for form in INCOMPLETE:
        answer = story.token(app, **form)
        assert (answer.status, answer.error) == (400, "invalid_request"), form


def test_a_service_gets_a_token_of_its_own(story: Story) -> None:
    app = story.app("m2m", application_type="service", scopes=("reports", "jobs"))

    whole = story.token(app, grant_type="client_credentials")
    part = story.token(app, grant_type="client_credentials", scope="jobs")

    claims = story.claims(whole.json["access_token"])
    assert claims["sub"] == claims["client_id"] == "m2m"
    assert claims["aud"] == "http://localhost:8080/realms/staff"
    assert "sid" not in claims
    assert whole.json["scope"] == "jobs reports"
    assert part.json["scope"] == "jobs"
    assert "refresh_token" not in whole.json
    assert "id_token" not in whole.json


def test_a_service_cannot_pass_for_a_person(story: Story) -> None:
    app = story.app()
    story.sign_in()
    subject = story.claims(story.tokens(app)["id_token"])["sub"]

    with pytest.raises(InvalidInput):
        story.app(subject, application_type="service")


def test_an_administration_token_is_for_that_api(story: Story) -> None:
    app = story.app("ops", application_type="service", scopes=("admin:read", "admin:users"))

    answer = story.token(app, grant_type="client_credentials", scope="admin:read")

    assert story.claims(answer.json["access_token"])["aud"] == "http://localhost:8080/admin/api"


def test_a_service_never_gets_more_than_it_is_registered_for(story: Story) -> None:
    app = story.app("m2m", application_type="service", scopes=("jobs", "email"))

    for scope in ("openid", "profile", "admin:users", "jobs openid", "email", 'a"b'):
        answer = story.token(app, grant_type="client_credentials", scope=scope)
        assert (answer.status, answer.error) == (400, "invalid_scope"), scope
    own = story.token(app, grant_type="client_credentials")
    assert own.json["scope"] == "jobs"


def test_a_grant_must_be_registered(story: Story) -> None:
    web = story.app(grant_types=("authorization_code",))
    service = story.app("m2m", application_type="service")
    story.sign_in()
    refreshing = story.app("web2")
    token = story.tokens(refreshing)["refresh_token"]

    answers = [
        story.token(web, grant_type="client_credentials"),
        story.token(service, grant_type="authorization_code", code="x", redirect_uri="x"),
    ]
    with story.world.begin() as uow:
        update_client(uow, "web2", {"grant_types": ("authorization_code",)})
    answers.append(story.refresh(refreshing, token))

    assert [answer.error for answer in answers] == ["unauthorized_client"] * 3


def test_a_hundred_times_the_same_scope_is_one_scope(story: Story) -> None:
    app = story.app("m2m", application_type="service", scopes=("jobs",))

    answer = story.token(app, grant_type="client_credentials", scope=" ".join(["jobs"] * 100))

    assert answer.json["scope"] == "jobs"
