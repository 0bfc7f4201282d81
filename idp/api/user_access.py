"""What a user has open and was asked; `/realms/{realm}/users/{id}/…`."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from idp.api.access import READ, USERS
from idp.api.endpoints import Answer, Call, Endpoint
from idp.api.paging import cut, cut_whole, read_id_cursor, write_cursor
from idp.api.schema import NextCursor, PageQuery, View
from idp.core import consents, sessions
from idp.core.decision_telling import ToldDecision, tell_decisions
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


class DecisionFinding(View):
    """One thing that the policy held against the password."""

    code: str
    params: dict[str, Any]
    text: Annotated[str, Field(description="As the user reads it.")]


class Replay(View):
    """What became of asking the gate anew with the facts that were kept."""

    agrees: bool


class Decision(View):
    """One decision about a user that was no plain pass; repeats on the same day are counted."""

    id: str
    code: Annotated[str, Field(description="Of the first finding, or else the reason.")]
    outcome: Annotated[str, Field(description="`refused`, or `withheld`: not asked yet.")]
    reason: Annotated[str | None, Field(description="Of a refusal: the machine reason.")]
    action: Annotated[str | None, Field(description="What is asked, or would be.")]
    withheld_by: Annotated[str | None, Field(description="`observe`, `grace` or `wave`.")]
    findings: list[DecisionFinding]
    text: Annotated[str, Field(description="The whole, as the user reads it.")]
    policy_version: int
    judged_under: Annotated[
        int | None,
        Field(description="The version that had accepted the password; 0 if none had."),
    ]
    client_id: str | None
    client_name: str
    at: Annotated[datetime, Field(description="Of the first time.")]
    last_at: datetime
    count: int
    replay: Replay


class DecisionPage(View):
    """One page of decisions, newest first."""

    items: list[Decision]
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


def list_decisions(call: Call, user_id: str, query: PageQuery) -> Answer:
    """List what the gate decided about a user that was no plain pass, newest first.

    Every decision is asked anew with the facts that were kept of it; `replay` says what came out.
    """
    before = read_id_cursor(query.cursor)
    with call.work(write=False) as uow:
        get_user(uow, user_id)
        found = tell_decisions(uow, UserId(user_id), limit=query.limit + 1, before=before)
    page, cursor = cut(found, query.limit, lambda told: write_cursor(told.decision.id))
    return Answer(DecisionPage(items=[_shown(told) for told in page], next_cursor=cursor))


def _shown(told: ToldDecision) -> Decision:
    decision, answer = told.decision, told.decision.answer
    return Decision(
        id=decision.id,
        code=told.code,
        outcome=answer.outcome,
        reason=answer.reason,
        action=answer.action,
        withheld_by=answer.withheld_by,
        findings=[DecisionFinding.model_validate(finding) for finding in told.findings],
        text=told.text,
        policy_version=decision.policy_version,
        judged_under=decision.judged_under,
        client_id=decision.client_id,
        client_name=told.client_name,
        at=decision.at,
        last_at=decision.last_at,
        count=decision.count,
        replay=Replay(agrees=told.replay.agrees),
    )


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
    Endpoint(
        method="GET",
        path=f"{_USER}/decisions",
        act=list_decisions,
        any_of=(READ, USERS),
        query=PageQuery,
        answer=DecisionPage,
    ),
)
