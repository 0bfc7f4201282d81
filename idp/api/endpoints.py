"""What an endpoint is: one operation on one resource, and what it takes to be let in.

A resource is a module with `ENDPOINTS`. An endpoint cannot be written without saying which scopes
it takes; reading or writing follows from its method.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel

from idp.api.access import Caller
from idp.api.etags import check_if_match, expected_version
from idp.api.schema import Body, Nothing, Query, View
from idp.core.runtime import Runtime
from idp.core.work import Trace, UnitOfWork
from idp.ids import RealmName

ROOT = "/admin/api/v1"
"""Where the interface is mounted below `public_url` (CONTRACT 5)."""
_KIB = 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operation answers; without a body it is 204 unless `status` says otherwise.

    `text` is a body that is no JSON, in pieces; of the endpoint's `media_type`.
    """

    body: BaseModel | Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    text: Iterable[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request that was let in."""

    runtime: Runtime
    realm: RealmName
    caller: Caller
    trace: Trace
    if_match: str | None
    document: Callable[[], Mapping[str, Any]]

    @contextmanager
    def work(self, *, write: bool = True) -> Iterator[UnitOfWork]:
        """Open a unit of work in the caller's name; an answer commits, an exception rolls back."""
        with self.runtime.begin(
            self.realm, write=write, actor=self.caller.actor, trace=self.trace
        ) as uow:
            yield uow

    def address(self, path: str) -> str:
        """Return the absolute address of something in this call's realm."""
        public_url = self.runtime.config.server.public_url
        return f"{public_url}{ROOT}/realms/{self.realm}/{path}"

    def expected_version(self) -> int | None:
        """Return the version that the change was made of; None when any will do.

        Raises:
            PreconditionRequired, PreconditionFailed: see `etags`.
        """
        return expected_version(self.if_match)

    def check_version(self, version: int) -> None:
        """Return when the caller named no version, or this one.

        Raises:
            PreconditionFailed: the caller named another one.
        """
        check_if_match(self.if_match, version)


IfMatch = Literal["ignored", "taken", "required"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One operation.

    Attributes:
        path: below the root, as a routing rule; with `<realm:realm>` it is about that realm.
        act: gets a `Call`, the path's other arguments, and `body` and `query` where there are.
        any_of: the scopes of which the caller needs one.
        is_repeatable: takes an `Idempotency-Key`: a repeat gets the first answer.
        find_realm: where the path names no realm: finds it by the path's arguments.
        media_type: of what it answers, where that is no JSON.
    """

    method: Literal["GET", "POST", "PATCH", "DELETE"]
    path: str
    act: Callable[..., Answer]
    any_of: tuple[str, ...]
    answer: type[View] | None = None
    status: int = 200
    body: type[Body] | None = None
    query: type[Query] | None = None
    if_match: IfMatch = "ignored"
    gives_etag: bool = False
    is_repeatable: bool = False
    most_bytes: int = 256 * _KIB
    find_realm: Callable[..., RealmName] | None = None
    name: str | None = None
    media_type: str | None = None

    @property
    def operation(self) -> str:
        """Return the operation's unique name."""
        return self.name or self.act.__name__

    @property
    def tag(self) -> str:
        """Return the name of the resource: its module."""
        return self.act.__module__.rpartition(".")[2]

    @property
    def is_writing(self) -> bool:
        """Tell whether the operation changes something."""
        return self.method != "GET"

    @property
    def taken_body(self) -> type[Body] | None:
        """Return the shape of the body; an operation that needs none takes an empty one."""
        return self.body or (Nothing if self.method in ("POST", "PATCH") else None)

    @property
    def taken_query(self) -> type[Query]:
        """Return the shape of the query."""
        return self.query or Query
