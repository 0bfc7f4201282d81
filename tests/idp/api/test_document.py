"""The OpenAPI document: complete, the one that is committed, and true."""

import json
import re
from typing import Any

from idp.api import ENDPOINTS, RESOURCES
from idp.core.plan_kinds import PLAN_KINDS
from idp.core.scopes import ADMIN_SCOPES
from tests.idp.api.desk import Desk
from tests.idp.api.operations import document, list_operations
from tests.support.openapi import DOCUMENT, written_document


def test_the_committed_document_is_what_the_endpoints_say() -> None:
    assert DOCUMENT.read_text() == written_document(), "run: python -m tests.support.openapi"


def test_the_served_document_is_the_committed_one(desk: Desk) -> None:
    served = desk.get("/openapi.json", desk.owner())

    assert served.status == 200
    assert served.json == document()


def test_every_scope_lets_its_holder_read_the_document_and_nobody_else(desk: Desk) -> None:
    statuses = {desk.get("/openapi.json", desk.service(scope)).status for scope in ADMIN_SCOPES}

    assert statuses == {200}
    assert desk.get("/openapi.json").status == 401


def test_every_endpoint_is_in_the_document_once() -> None:
    names = [operation.name for operation in list_operations()]

    assert sorted(names) == sorted(endpoint.operation for endpoint in ENDPOINTS)
    assert len(set(names)) == len(names)
    assert sum(len(resource.ENDPOINTS) for resource in RESOURCES) == len(ENDPOINTS)


def test_every_reference_leads_somewhere() -> None:
    whole = document()
    references = set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(whole)))

    for reference in references:
        place: Any = whole
        for part in reference.split("/"):
            place = place[part]
    assert len(references) > 40


def test_every_operation_says_what_it_does_and_how_it_refuses() -> None:
    for operation in list_operations():
        assert len(operation.spec["summary"]) > 8, operation.name
        assert {"401", "403", "default"} <= operation.spec["responses"].keys()
        names = {place["name"] for place in operation.spec["parameters"] if place["in"] == "path"}
        assert names == set(re.findall(r"\{(\w+)\}", operation.path))


def test_every_list_is_paged() -> None:
    for operation in list_operations():
        if not operation.name.startswith("list_"):
            continue
        parameters = {place["name"]: place for place in operation.spec["parameters"]}
        assert parameters["limit"]["schema"]["maximum"] == 200
        assert "cursor" in parameters


def test_every_body_refuses_unknown_members() -> None:
    schemas = document()["components"]["schemas"]
    bodies = {
        operation.spec["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        for operation in list_operations()
        if "requestBody" in operation.spec
    }

    names = [reference.rpartition("/")[2] for reference in bodies]
    assert {schemas[name].get("additionalProperties") for name in names} == {False}


def test_every_plan_kind_can_be_planned_here(desk: Desk) -> None:
    owner = desk.owner()
    unknown = desk.post("/realms/staff/plans", owner, {"kind": "x", "params": {}})

    assert unknown.json["params"]["known"] == sorted(kind.name for kind in PLAN_KINDS)
