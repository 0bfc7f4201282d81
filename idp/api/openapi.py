"""This interface's own description: `/openapi.json`, for those who may use it."""

from typing import Any

from pydantic import ConfigDict

from idp.api.endpoints import Answer, Call, Endpoint
from idp.api.schema import View
from idp.core.scopes import ADMIN_SCOPES


class Description(View):
    """An OpenAPI 3.1 document."""

    model_config = ConfigDict(extra="allow")

    openapi: str
    info: dict[str, Any]
    paths: dict[str, Any]


def get_description(call: Call) -> Answer:
    """Read this document."""
    return Answer(call.document())


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/openapi.json",
        act=get_description,
        any_of=ADMIN_SCOPES,
        answer=Description,
    ),
)
