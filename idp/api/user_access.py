"""What a user has open: sessions, and what apps were allowed; `/realms/{realm}/users/{id}/…`."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from idp.api.access import READ, USERS
from idp.api.endpoints import Answer, Call, Endpoint
from idp.api.paging import cut_whole
from idp.api.schema import NextCursor, PageQuery, View
from idp.core import consents, sessions
from idp.core.users import get_user
from idp.ids import ClientId, SessionId, UserId


class Session(View):
    """A browser in which a user is signed in."""

    id: Annotated[str, Field(description="The `sid` of its tokens.")]
    auth_time: datetime
    amr: list[str]
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    address: str | None
    user_agent: str | None


class SessionPage(View):
    """One page of live sessions."""

    items: list[Session]
    next_cursor: NextCursor


class Consent(View):
    """What a user allowed one client."""

    client_id: str
    client_name: str
    scopes: list[str]
    granted_at: datetime


class ConsentPage(View):
    """One page of consents."""

    items: list[Consent]
    next_cursor: NextCursor


def list_sessions(call: Call, user_id: str, query: PageQuery) -> Answer:
    """List where a user is signed in."""
    with call.work(write=False) as uow:
        get_user(uow, user_id)
        found = sessions.list_sessions(uow, UserId(user_id))
        live = [Session.model_validate(row) for row in found]
    items, cursor = cut_whole(live, query.limit, query.cursor, lambda session: session.id)
    return Answer(SessionPage(items=items, next_cursor=cursor))


def end_session(call: Call, user_id: str, session_id: str) -> Answer:
    """End one session; codes and tokens of apps under it die with it."""
    with call.work() as uow:
        call.caller.require_power_over(uow, user_id)
        get_user(uow, user_id)
        sessions.end_session(uow, UserId(user_id), SessionId(session_id))
    return Answer()


def list_consents(call: Call, user_id: str, query: PageQuery) -> Answer:
    """List what a user allowed which client."""
    with call.work(write=False) as uow:
        get_user(uow, user_id)
        given = [
            Consent.model_validate(one) for one in consents.list_consents(uow, UserId(user_id))
        ]
    items, cursor = cut_whole(given, query.limit, query.cursor, lambda one: one.client_id)
    return Answer(ConsentPage(items=items, next_cursor=cursor))


def revoke_consent(call: Call, user_id: str, client_id: str) -> Answer:
    """Take back what a user allowed a client; what it was given dies with it."""
    with call.work() as uow:
        call.caller.require_power_over(uow, user_id)
        get_user(uow, user_id)
        consents.revoke_consent(uow, UserId(user_id), ClientId(client_id))
    return Answer()


_USER = "/realms/<name:realm>/users/<id:user_id>"

ENDPOINTS = (
    Endpoint(
        method="GET",
        path=f"{_USER}/sessions",
        act=list_sessions,
        any_of=(READ, USERS),
        query=PageQuery,
        answer=SessionPage,
    ),
    Endpoint(
        method="DELETE",
        path=f"{_USER}/sessions/<id:session_id>",
        act=end_session,
        any_of=(USERS,),
    ),
    Endpoint(
        method="GET",
        path=f"{_USER}/consents",
        act=list_consents,
        any_of=(READ, USERS),
        query=PageQuery,
        answer=ConsentPage,
    ),
    Endpoint(
        method="DELETE",
        path=f"{_USER}/consents/<name:client_id>",
        act=revoke_consent,
        any_of=(USERS,),
    ),
)
