"""The audit trail, to be read: `/audit` for every realm, `/realms/{realm}/audit` for one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from idp.api.access import AUDIT
from idp.api.endpoints import Answer, Call, Endpoint
from idp.api.paging import cut, read_moment_cursor, write_cursor
from idp.api.schema import Moment, NextCursor, PageQuery, View
from idp.core.audit import AuditEvent, AuditQuery, Place, list_events_of
from idp.errors import NotFound
from idp.ids import RealmName

_LONGEST = 256


class Event(View):
    """One thing that happened."""

    id: str
    realm: str
    code: str
    at: datetime
    actor_kind: Annotated[
        str, Field(description="`user`, `client`, `host`, `system` or `anonymous`.")
    ]
    actor_id: str | None
    subject_id: str | None
    client_id: str | None
    address: str | None
    request_id: str | None
    params: dict[str, Any]


class EventPage(View):
    """One page of events, newest first."""

    items: list[Event]
    next_cursor: NextCursor


class EventFilter(PageQuery):
    """Which events to list; every parameter that is given must fit."""

    code: Annotated[str | None, Field(max_length=64)] = None
    actor_id: Annotated[str | None, Field(max_length=_LONGEST)] = None
    subject_id: Annotated[str | None, Field(max_length=_LONGEST)] = None
    client_id: Annotated[str | None, Field(max_length=_LONGEST)] = None
    request_id: Annotated[str | None, Field(max_length=64)] = None
    since: Annotated[Moment | None, Field(description="This moment or later, with its zone.")] = (
        None
    )
    until: Annotated[Moment | None, Field(description="Before this moment.")] = None


class AnyRealmFilter(EventFilter):
    """Which events of which realm to list."""

    realm: Annotated[str | None, Field(max_length=128)] = None


def list_all_events(call: Call, query: AnyRealmFilter) -> Answer:
    """List the events of all realms, newest first."""
    known = list(map(RealmName, call.runtime.config.realms))
    if query.realm is None:
        return _list(call, known, query)
    if query.realm not in known:
        raise NotFound("realm.not_found")
    return _list(call, [RealmName(query.realm)], query)


def list_events(call: Call, query: EventFilter) -> Answer:
    """List the events of one realm, newest first."""
    return _list(call, [call.realm], query)


def _list(call: Call, realms: Sequence[RealmName], query: EventFilter) -> Answer:
    wanted = AuditQuery(
        code=query.code,
        actor_id=query.actor_id,
        subject_id=query.subject_id,
        client_id=query.client_id,
        request_id=query.request_id,
        since=query.since,
        until=query.until,
        before=None if query.cursor is None else Place(*read_moment_cursor(query.cursor)),
        limit=query.limit + 1,
    )
    page, cursor = cut(list_events_of(call.runtime, realms, wanted), query.limit, _place)
    items = [Event.model_validate(event) for event in page]
    return Answer(EventPage(items=items, next_cursor=cursor))


def _place(event: AuditEvent) -> str:
    return write_cursor(event.at.isoformat(), event.id)


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/audit",
        act=list_all_events,
        any_of=(AUDIT,),
        query=AnyRealmFilter,
        answer=EventPage,
    ),
    Endpoint(
        method="GET",
        path="/realms/<name:realm>/audit",
        act=list_events,
        any_of=(AUDIT,),
        query=EventFilter,
        answer=EventPage,
    ),
)
