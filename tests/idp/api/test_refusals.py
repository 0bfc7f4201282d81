"""The shape of every refusal, and what a request must look like to be read at all."""

import json

import pytest
from sqlalchemy.exc import OperationalError
from werkzeug.test import Client as HttpClient

from tests.idp.api.desk import ROOT, USERS, Desk, Reply
from tests.support.story import open_story

LOCAL = "http://localhost:8080"


def _is_problem(answer: Reply) -> bool:
    document = answer.json
    expected = {"type", "title", "status", "code", "detail", "params", "request_id"}
    return (
        answer.response.mimetype == "application/problem+json"
        and set(document) == expected
        and document["status"] == answer.status
        and document["request_id"] == answer.response.headers["X-Request-Id"]
        and answer.response.headers["Cache-Control"] == "no-store"
    )


def _send(desk: Desk, token: str, body: bytes, kind: str = "application/json") -> Reply:
    return desk.call("POST", USERS, token, data=body, content_type=kind)


def test_every_refusal_is_a_problem_document(desk: Desk) -> None:
    owner, ada = desk.owner(), desk.person("ada")
    refusals = {
        400: _send(desk, owner, b"{"),
        401: desk.get(USERS),
        403: desk.get(USERS, desk.service("admin:audit")),
        404: desk.get("/nowhere", owner),
        405: desk.call("DELETE", USERS, owner),
        409: desk.post(USERS, owner, {"username": "ada"}),
        412: desk.patch(ada, owner, {}, if_match='"v99"'),
        413: _send(desk, owner, b'{"name": "' + b"x" * 300_000 + b'"}'),
        415: _send(desk, owner, b"username=ada", "application/x-www-form-urlencoded"),
        422: desk.post(USERS, owner, {"username": 7}),
        428: desk.patch(ada, owner, {}),
    }

    assert {status: answer.status for status, answer in refusals.items()} == {
        status: status for status in refusals
    }
    assert all(map(_is_problem, refusals.values()))
    assert set(refusals[405].response.allow) == {"GET", "HEAD", "POST"}
    assert refusals[415].code == "http.unsupported_media_type"
    assert refusals[413].code == "http.content_too_large"


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"null null",
        b"\xff\xfe{}",
        b'{"username": "ada", "username": "eve"}',
        b'{"email_verified": NaN}',
        b'{"username": "\\u0000"}',
        b'{"\\u0000": 1}',
        b'{"claims": {"nickname": ["\\ud800"]}}',
        b'{"username": "\xed\xa0\x80"}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"1" * 10_000,
        "{}".encode("utf-16"),
    ],
)
def test_a_body_that_is_not_good_json_is_refused(desk: Desk, body: bytes) -> None:
    refused = _send(desk, desk.owner(), body)

    assert (refused.status, refused.code) == (400, "body.malformed")


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"7", b"null", b"true"])
def test_a_body_is_an_object(desk: Desk, body: bytes) -> None:
    assert _send(desk, desk.owner(), body).status == 422


def test_text_with_good_escapes_is_taken(desk: Desk) -> None:
    made = _send(desk, desk.owner(), b'{"username": "ada", "name": "Z\\u00fc \\ud83d\\ude00"}')

    assert made.status == 201, made.text
    assert made.json["name"] == "Zü 😀"


def test_unknown_members_and_parameters_are_refused_by_name(desk: Desk) -> None:
    owner = desk.owner()

    member = desk.post(USERS, owner, {"username": "ada", "is_admin": True})
    parameter = desk.get(f"{USERS}?admin=1", owner)
    doubled = desk.get(f"{USERS}?limit=1&limit=2", owner)
    nul = desk.get(f"{USERS}?search=%00", owner)

    for answer, where, field in (
        (member, "json", "is_admin"),
        (parameter, "query", "admin"),
        (doubled, "query", "limit"),
        (nul, "query", "search"),
    ):
        assert (answer.status, answer.code) == (422, "request.invalid")
        [problem] = answer.json["params"]["problems"]
        assert (problem["in"], problem["field"]) == (where, field)
        assert problem["reason"]


def test_a_type_is_not_guessed(desk: Desk) -> None:
    body = {"username": 1, "email_verified": "true", "groups": "x", "status": "gone", "name": []}

    refused = desk.post(USERS, desk.owner(), body)

    fields = {problem["field"] for problem in refused.json["params"]["problems"]}
    assert refused.status == 422
    assert fields == set(body)


def test_no_value_that_was_sent_comes_back(desk: Desk) -> None:
    owner, ada = desk.owner(), desk.person("ada")
    secret = "Zq7-planted"
    plan = {"mode": "shared", "select": {"all": True}, "password": [secret]}
    refusals = [
        desk.post(USERS, owner, {"username": "x", "password": [secret]}),
        desk.post(USERS, owner, {"username": "x", "password": {"a": secret}}),
        desk.post(USERS, owner, {"username": "x", "password": secret, "status": secret}),
        desk.post(f"{ada}/set-password", owner, {"password": secret, "require_change": secret}),
        desk.post("/realms/staff/plans", owner, {"kind": "password.reset", "params": plan}),
        desk.post("/realms/staff/plans", owner, {"kind": secret, "params": {}}),
        desk.post("/realms/staff/clients", owner, {"client_id": "x", "client_secret": [secret]}),
    ]

    assert [answer.status for answer in refusals] == [422] * len(refusals)
    assert not [answer.text for answer in refusals if secret in answer.text]


def test_a_very_long_name_of_a_member_is_cut(desk: Desk) -> None:
    refused = desk.post(USERS, desk.owner(), {"x" * 100_000: 1})

    assert refused.status == 422
    assert len(refused.text) < 1000


def test_nothing_of_a_body_is_read_before_the_caller_is_let_in(desk: Desk) -> None:
    huge = b"x" * 20_000_000

    assert _send(desk, "", huge).status == 401
    assert _send(desk, desk.service("admin:audit"), huge).status == 403


def test_an_action_without_parameters_takes_no_body_an_empty_one_and_nothing_else(
    desk: Desk,
) -> None:
    owner, ada = desk.owner(), desk.person("ada")

    assert desk.call("POST", f"{ada}/lock", owner).status == 200
    assert desk.call("POST", f"{ada}/lock", owner, json={}).status == 200
    assert desk.call("POST", f"{ada}/lock", owner, json={"why": "x"}).status == 422


def test_answers_carry_the_security_headers(desk: Desk) -> None:
    answer = desk.get(USERS, desk.owner())

    headers = answer.response.headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in headers
    assert "Access-Control-Allow-Origin" not in headers


def test_a_request_for_another_host_is_misdirected(desk: Desk) -> None:
    assert desk.get(USERS, desk.owner(), Host="evil.example").status == 421


def test_head_reads_and_changes_nothing(desk: Desk) -> None:
    owner = desk.owner()

    answer = desk.call("HEAD", USERS, owner)

    assert (answer.status, answer.text) == (200, "")
    assert desk.call("HEAD", f"{USERS}/{desk.story.people['olga']}/lock", owner).status == 405


def test_a_bug_is_a_problem_without_its_cause(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = desk.owner()

    def fail(*_: object) -> None:
        raise RuntimeError("Zq7-inside")

    monkeypatch.setattr(type(desk.story.world.clock), "now", fail)
    broken = desk.get(USERS, owner)

    assert (broken.status, broken.code) == (500, "internal")
    assert "Zq7" not in broken.text
    assert _is_problem(broken)


def test_a_database_that_does_not_answer_is_told_with_a_time_to_wait(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = desk.owner()

    def fail(*_: object) -> None:
        raise OperationalError("gone", None, Exception("gone"))

    monkeypatch.setattr(desk.story.world.runtime.database.engine, "connect", fail)
    refused = desk.get(USERS, owner)

    assert (refused.status, refused.code) == (503, "database.unavailable")
    assert refused.response.headers["Retry-After"] == "2"


def test_what_came_over_plain_http_is_refused(database_url: str) -> None:
    server = {"public_url": "https://id.example.co.nz/id", "trusted_proxies": ["127.0.0.1/32"]}
    with open_story(database_url, settings={"server": server}) as story:
        desk = Desk(story)
        answers = [
            json.loads(
                desk.call(
                    "GET", USERS, headers={"X-Forwarded-Proto": scheme, "Host": "id.example.co.nz"}
                ).text
            )
            for scheme in ("http", "https")
        ]

    assert [answer["code"] for answer in answers] == ["https.required", "token.missing"]


def test_the_interface_lives_under_the_prefix_of_the_public_address(database_url: str) -> None:
    address = f"{LOCAL}/id"
    with open_story(database_url, settings={"server": {"public_url": address}}) as story:
        token = Desk(story).service("admin:users")
        made = HttpClient(story.application).post(
            f"/id{ROOT}{USERS}",
            base_url=LOCAL,
            headers={"Authorization": f"Bearer {token}"},
            json={"username": "ada"},
        )

    assert made.status_code == 201
    assert made.headers["Location"].startswith(f"{address}{ROOT}{USERS}/")
