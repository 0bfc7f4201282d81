"""Directories, their runs and what those would change: `/realms/{realm}/connectors`, read only.

A directory is configuration: its settings are told by nothing here but their kind, their realm and
the addresses of servers. A run is begun with a plan of the kind `directory.sync`. A directory can
also be named without its realm: `/connectors/{name}`.
"""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from idp.api.access import DIRECTORY, READ
from idp.api.endpoints import Answer, Call, Endpoint
from idp.api.paging import (
    cut,
    cut_whole,
    read_id_cursor,
    read_number_cursor,
    write_cursor,
)
from idp.api.schema import NextCursor, PageQuery, View
from idp.core import sync_review
from idp.core.runtime import Runtime
from idp.core.sync import runs
from idp.errors import NotFound
from idp.ids import RealmName

Op = Literal[
    "gone",
    "disable",
    "enable",
    "update",
    "create",
    "group_gone",
    "group_create",
    "group_update",
    "conflict",
    "rejected",
]


class Run(View):
    """One run over a directory."""

    id: str
    connector: str
    mode: Annotated[str, Field(description="`full`, `incremental` or `sweep`.")]
    state: Annotated[
        str,
        Field(
            description="`reading`, `planned`, `held`, `applying`, `applied`, `failed` or"
            " `discarded`."
        ),
    ]
    counts: dict[str, int]
    held_because: Annotated[
        list[str], Field(description="Why it waits for an administrator, who may apply its plan.")
    ]
    error: str | None
    plan_id: str | None
    started_at: datetime
    finished_at: datetime | None


class Accounts(View):
    """How many accounts a directory owns here."""

    active: int
    disabled: int
    gone: Annotated[int, Field(description="Left the directory; their data is not erased yet.")]


class Connector(View):
    """A directory and how it stands."""

    name: str
    realm: str
    kind: str
    servers: Annotated[list[str], Field(description="Where it is asked.")]
    enforce_policy: bool
    write_back: bool
    needs_first_plan: Annotated[
        bool, Field(description="Nothing is read by itself before a first plan was applied.")
    ]
    is_scope_changed: Annotated[
        bool, Field(description="The settings mean other accounts than the last applied plan did.")
    ]
    has_cursor: Annotated[bool, Field(description="It can be asked for what changed.")]
    full_at: datetime | None
    swept_at: datetime | None
    changes_at: datetime | None
    last_success_at: datetime | None
    held: Run | None
    is_being_read: bool
    last_run: Run | None
    accounts: Accounts


class ConnectorPage(View):
    """One page of directories, by name."""

    items: list[Connector]
    next_cursor: NextCursor


class RunPage(View):
    """One page of runs, newest first."""

    items: list[Run]
    next_cursor: NextCursor


class Change(View):
    """One thing that a run would do, or did."""

    op: str
    stable_id: Annotated[str, Field(description="What never changes of it in the directory.")]
    name: Annotated[str, Field(description="The login, or the group's name.")]
    user_id: Annotated[str | None, Field(description="The account, or the group, if it is there.")]
    before: dict[str, Any]
    after: dict[str, Any]
    reason: Annotated[
        str | None,
        Field(description="Why it is no account; of a group: `moved`, if it lies elsewhere."),
    ]
    outcome: Annotated[str | None, Field(description="What became of it, once it was applied.")]


class ChangePage(View):
    """One page of changes, in the order in which they are applied."""

    items: list[Change]
    next_cursor: NextCursor


class ChangeQuery(PageQuery):
    """Which changes to list."""

    op: Annotated[Op | None, Field(description="Only changes of this kind.")] = None


def list_connectors(call: Call, query: PageQuery) -> Answer:
    """List the directories that own accounts of a realm."""
    with call.work(write=False) as uow:
        found = sync_review.list_standings(uow)
    page, cursor = cut_whole(found, query.limit, query.cursor, lambda one: one.name)
    items = [Connector.model_validate(one) for one in page]
    return Answer(ConnectorPage(items=items, next_cursor=cursor))


def get_connector(call: Call, name: str) -> Answer:
    """Read how a directory stands."""
    with call.work(write=False) as uow:
        return Answer(Connector.model_validate(sync_review.get_standing(uow, name)))


def list_runs(call: Call, name: str, query: PageQuery) -> Answer:
    """List the runs over a directory, newest first."""
    before = read_id_cursor(query.cursor)
    with call.work(write=False) as uow:
        found = runs.list_runs(uow, name, limit=query.limit + 1, before=before)
    page, cursor = cut(found, query.limit, lambda run: write_cursor(run.id))
    return Answer(RunPage(items=[Run.model_validate(run) for run in page], next_cursor=cursor))


def list_changes(call: Call, name: str, run_id: str, query: ChangeQuery) -> Answer:
    """List what a run would change; `conflict` and `rejected` change nothing and only tell."""
    after = read_number_cursor(query.cursor)
    with call.work(write=False) as uow:
        run = sync_review.get_run_of(uow, name, run_id)
        found = sync_review.list_changes(
            uow,
            run.id,
            op=query.op,
            limit=query.limit + 1,
            after=-1 if after is None else after,
        )
    page, cursor = cut(found, query.limit, lambda change: write_cursor(change.position))
    items = [Change.model_validate(change) for change in page]
    return Answer(ChangePage(items=items, next_cursor=cursor))


def find_realm(runtime: Runtime, name: str, run_id: str | None = None) -> RealmName:
    """Return the realm of a directory, whatever run over it is named.

    Raises:
        NotFound: `directory.not_found`.
    """
    del run_id
    connector = runtime.config.connectors.get(name)
    if connector is None:
        raise NotFound("directory.not_found", name=name)
    return RealmName(connector.realm)


_ONE = "/connectors/<name:name>"
_READING = (READ, DIRECTORY)

_ABOUT_ONE = (
    Endpoint(method="GET", path=_ONE, act=get_connector, any_of=_READING, answer=Connector),
    Endpoint(
        method="GET",
        path=f"{_ONE}/runs",
        act=list_runs,
        any_of=_READING,
        query=PageQuery,
        answer=RunPage,
        name="list_connector_runs",
    ),
    Endpoint(
        method="GET",
        path=f"{_ONE}/runs/<id:run_id>/changes",
        act=list_changes,
        any_of=_READING,
        query=ChangeQuery,
        answer=ChangePage,
        name="list_run_changes",
    ),
)

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/realms/<name:realm>/connectors",
        act=list_connectors,
        any_of=_READING,
        query=PageQuery,
        answer=ConnectorPage,
    ),
    *(replace(one, find_realm=find_realm) for one in _ABOUT_ONE),
    *(
        replace(one, path=f"/realms/<name:realm>{one.path}", name=f"{one.operation}_in_realm")
        for one in _ABOUT_ONE
    ),
)
