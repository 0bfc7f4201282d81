"""Signing keys: `/realms/{realm}/keys`. Only their public side is ever shown."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from idp.api.access import READ, SYSTEM
from idp.api.endpoints import Answer, Call, Endpoint
from idp.api.paging import cut_whole
from idp.api.schema import Body, NextCursor, PageQuery, View
from idp.core import keys


class Key(View):
    """A key and its place at this moment."""

    kid: str
    alg: str
    state: Literal["next", "active", "retiring", "retired"]
    created_at: datetime
    active_at: datetime | None
    ends_at: datetime | None


class KeyPage(View):
    """One page of keys."""

    items: list[Key]
    next_cursor: NextCursor


class Rotation(Body):
    """How to replace the keys."""

    emergency: Annotated[
        bool, Field(description="Drop every old key at once: what it signed is refused.")
    ] = False


def list_keys(call: Call, query: PageQuery) -> Answer:
    """List signing keys."""
    with call.work(write=False) as uow:
        return _page(keys.list_keys(uow), query)


def rotate_keys(call: Call, body: Rotation) -> Answer:
    """Publish a new set of keys, which sign once everybody can know them."""
    found = keys.rotate_keys(
        call.runtime, call.realm, actor=call.caller.actor, emergency=body.emergency
    )
    return _page(found, PageQuery(limit=200))


def retire_key(call: Call, kid: str) -> Answer:
    """Drop one key that was replaced; what it signed is refused from now on."""
    key = keys.retire_key(call.runtime, call.realm, kid, actor=call.caller.actor)
    return Answer(Key.model_validate(key))


def _page(found: list[keys.KeyView], query: PageQuery) -> Answer:
    shown = [Key.model_validate(key) for key in found]
    items, cursor = cut_whole(shown, query.limit, query.cursor, lambda key: key.kid)
    return Answer(KeyPage(items=items, next_cursor=cursor))


_ALL = "/realms/<name:realm>/keys"

ENDPOINTS = (
    Endpoint(
        method="GET",
        path=_ALL,
        act=list_keys,
        any_of=(READ, SYSTEM),
        query=PageQuery,
        answer=KeyPage,
    ),
    Endpoint(
        method="POST",
        path=f"{_ALL}/rotate",
        act=rotate_keys,
        any_of=(SYSTEM,),
        body=Rotation,
        answer=KeyPage,
        is_repeatable=True,
    ),
    Endpoint(
        method="POST",
        path=f"{_ALL}/<name:kid>/retire",
        act=retire_key,
        any_of=(SYSTEM,),
        answer=Key,
    ),
)
