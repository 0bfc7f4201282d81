"""The operations that the committed document lists, ready to be asked for."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.openapi import DOCUMENT

NOBODY = "00000000-0000-7000-8000-000000000000"
"""The id of nothing."""
_PLACES: Mapping[str, str] = {
    "realm": "staff",
    "client_id": "nothing",
    "kid": "nothing",
    "number": "999",
}


@dataclass(frozen=True)
class Operation:
    """One operation of the document."""

    method: str
    path: str
    spec: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Its unique name."""
        name: str = self.spec["operationId"]
        return name

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes of which one is enough."""
        return frozenset(scope for way in self.spec["security"] for scope in way["bearer"])

    @property
    def roles(self) -> frozenset[str]:
        """The roles that a person may have to do it."""
        return frozenset(self.spec["x-roles"])

    def address(self, **places: str) -> str:
        """Return an address of it; what it is about does not exist unless `places` says so."""
        known = {**_PLACES, **places}
        return re.sub(r"\{(\w+)\}", lambda found: known.get(found[1], NOBODY), self.path)


def document() -> dict[str, Any]:
    """Return the committed document."""
    found: dict[str, Any] = json.loads(DOCUMENT.read_text())
    return found


def list_operations() -> list[Operation]:
    """Return every operation."""
    return list(_operations())


def _operations() -> Iterator[Operation]:
    for path, methods in document()["paths"].items():
        for method, spec in methods.items():
            yield Operation(method.upper(), path, spec)
