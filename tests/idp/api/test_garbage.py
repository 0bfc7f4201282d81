"""Whatever is sent, nothing breaks: every answer is a good one or a problem document (A-13)."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.idp.api.desk import Desk, Reply
from tests.idp.api.garbage import ANYTHING, HEADERS, TEXTS, bodies_with
from tests.idp.api.operations import Operation, document, list_operations
from tests.support.sizes import campaign_size
from tests.support.world import PASSWORD

SCHEMAS = document()["components"]["schemas"]
OPERATIONS = list_operations()
WITH_BODY = [operation for operation in OPERATIONS if "requestBody" in operation.spec]
GOOD: Mapping[str, Mapping[str, Any]] = {
    "NewUserBody": {"email": "ada@example.com"},
    "NewPassword": {"password": PASSWORD},
    "NewPlan": {"kind": "password.reset", "params": {"mode": "link", "select": {"all": True}}},
    "NewClient": {"client_id": "x", "redirect_uris": ["https://shop.example/cb"]},
}
RESET_PARAMS = (
    "mode",
    "select",
    "password",
    "require_change",
    "expires_in",
    "end_sessions",
    "include_self",
    "exclude_administrators",
    "accept_repeat",
    "reason",
)


def _schema_of(operation: Operation) -> tuple[str, dict[str, Any]]:
    content = operation.spec["requestBody"]["content"]["application/json"]
    name = content["schema"]["$ref"].rpartition("/")[2]
    return name, SCHEMAS[name]


class Crowd:
    """A product in which everything exists once, and an owner who sends garbage about it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.token = desk.owner()
        ada = desk.person("ada")
        client = {"client_id": "shop", "redirect_uris": ["https://shop.example/cb"]}
        group = desk.post("/realms/staff/groups", self.token, {"name": "Field"}).json
        desk.post("/realms/staff/clients", self.token, client)
        body = {"kind": "password.reset", "params": {"mode": "link", "select": {"all": True}}}
        plan = desk.post("/realms/staff/plans", self.token, body).json
        started = desk.post(
            f"/plans/{plan['id']}/apply", self.token, {"fingerprint": plan["fingerprint"]}
        ).json
        self.places = {
            "user_id": ada.rpartition("/")[2],
            "group_id": group["id"],
            "client_id": "shop",
            "plan_id": plan["id"],
            "job_id": started["job_id"],
            "number": "1",
        }

    def send(self, operation: Operation, query: str = "", **options: Any) -> Reply:  # noqa: ANN401 - of the HTTP client
        """Send a request, and check that its answer is one that the document knows."""
        headers = {"If-Match": "*", **options.pop("headers", {})}
        address = operation.address(**self.places) + query
        answer = self.desk.call(operation.method, address, self.token, headers=headers, **options)
        _check(operation, answer)
        return answer

    def send_body(self, operation: Operation, body: bytes) -> Reply:
        """Send a body."""
        return self.send(operation, data=body, content_type="application/json")


def _check(operation: Operation, answer: Reply) -> None:
    known = operation.spec["responses"]
    told = f"{operation.name}: {answer.status} {answer.text[:300]}"
    assert answer.status < 500, told
    if answer.status >= 400:
        assert answer.response.mimetype == "application/problem+json", told
        assert answer.json["status"] == answer.status, told
        return
    success = known.get(str(answer.status))
    assert success is not None, told
    if "application/json" in success.get("content", {}):
        shape = success["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        assert set(SCHEMAS[shape].get("required", [])) <= answer.json.keys(), told


@pytest.mark.campaign
@pytest.mark.parametrize("operation", WITH_BODY, ids=lambda operation: operation.name)
def test_a_garbage_body_breaks_nothing(desk: Desk, operation: Operation) -> None:
    crowd = Crowd(desk)
    name, schema = _schema_of(operation)

    for body in bodies_with(list(schema.get("properties", {})), GOOD.get(name, {})):
        crowd.send_body(operation, body)


@pytest.mark.campaign
def test_garbage_parameters_of_plans_break_nothing(desk: Desk) -> None:
    crowd = Crowd(desk)
    [operation] = [operation for operation in OPERATIONS if operation.name == "create_plan"]
    reset = {"mode": "shared", "select": {"all": True}, "password": "one phrase for all of us"}
    publication: dict[str, object] = {"policy": {"rules": {}}}

    for body in bodies_with(RESET_PARAMS, reset):
        crowd.send_body(operation, b'{"kind": "password.reset", "params": %b}' % body)
    for body in bodies_with(["policy", "base_version", "accept_conflicts", "comment"], publication):
        crowd.send_body(operation, b'{"kind": "policy.publish", "params": %b}' % body)


@pytest.mark.campaign
def test_garbage_in_queries_and_paths_and_headers_breaks_nothing(desk: Desk) -> None:
    crowd = Crowd(desk)

    for operation in OPERATIONS:
        for place in operation.spec["parameters"]:
            for text in TEXTS if place["in"] == "query" else ():
                crowd.send(operation, f"?{place['name']}={text}")
            for text in TEXTS if place["in"] == "path" else ():
                address = operation.address(**{**crowd.places, place["name"]: text})
                answer = desk.call(operation.method, address, crowd.token)
                assert answer.status < 500, (operation.name, text)
        for value in HEADERS:
            for header in ("If-Match", "Idempotency-Key", "Content-Type", "X-Forwarded-For"):
                crowd.send(operation, headers={header: value}, data=b"{}")
    for value in HEADERS:
        headers = {"Authorization": value}
        assert desk.call("GET", "/audit", headers=headers).status == 401


@pytest.mark.campaign
def test_any_json_breaks_nothing(desk: Desk) -> None:
    crowd = Crowd(desk)

    @settings(
        max_examples=campaign_size(20_000),
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def send_anything(data: st.DataObject) -> None:
        operation = data.draw(st.sampled_from(WITH_BODY))
        name, schema = _schema_of(operation)
        names = list(schema.get("properties", {})) or ["x"]
        members = data.draw(st.dictionaries(st.sampled_from(names), ANYTHING, max_size=4))
        body = {**GOOD.get(name, {}), **members}
        crowd.send_body(operation, json.dumps(body).encode())

    send_anything()
