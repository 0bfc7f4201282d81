"""The administration interface: REST over the use cases, one module per resource.

It owns who may call what, the JSON shapes, paging, versions and repeats. What is done, and every
rule about it, belongs to `idp.core`; tokens are verified there too (`core.access_tokens`).
A new resource is a module with `ENDPOINTS` and its place in `RESOURCES`.
"""

from apiflask import APIFlask

from idp.api import (
    audit,
    clients,
    directories,
    groups,
    jobs,
    keys,
    openapi,
    plans,
    policy,
    policy_reports,
    user_access,
    users,
)
from idp.api.application import build, document_of
from idp.api.document import Document
from idp.api.endpoints import ROOT
from idp.core.runtime import Runtime

__all__ = ["ENDPOINTS", "RESOURCES", "ROOT", "create_api", "describe_api"]

RESOURCES = (
    users,
    user_access,
    groups,
    clients,
    keys,
    policy,
    policy_reports,
    plans,
    jobs,
    directories,
    audit,
    openapi,
)
ENDPOINTS = tuple(endpoint for resource in RESOURCES for endpoint in resource.ENDPOINTS)


def create_api(runtime: Runtime) -> APIFlask:
    """Return the WSGI application to mount at `/admin/api/v1`."""
    return build(runtime, ENDPOINTS)


def describe_api(runtime: Runtime) -> Document:
    """Return the OpenAPI document (`docs/openapi.json`)."""
    return document_of(create_api(runtime), ENDPOINTS)
