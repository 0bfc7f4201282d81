"""Which rows are over, per table, and one bounded delete of them; each binds the realm itself."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

import sqlalchemy as sa
from sqlalchemy.engine import Connection, CursorResult

from idp.store.base import table_of
from idp.store.decisions import DecisionRow, PolicySnapshotRow
from idp.store.directory_servers import DirectoryServerRow
from idp.store.flow import AuthorizationRequestRow
from idp.store.idempotency import IdempotencyRow
from idp.store.jobs import OutboxRow
from idp.store.plans import PlanRow, PlanTargetRow
from idp.store.recovery import OneTimeLinkRow, RecoveryRequestRow
from idp.store.resets import ResetCampaignRow
from idp.store.sessions import SessionRow
from idp.store.throttle import ThrottleRow
from idp.store.tokens import AuthorizationCodeRow, RevokedAccessTokenRow, TokenFamilyRow
from idp.store.users import KnownDeviceRow

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_OUTBOX_KEPT = timedelta(days=14)
_PLAN_KEPT = timedelta(days=30)
_DECISION_KEPT = timedelta(days=400)

_decision = table_of(DecisionRow)
_snapshot = table_of(PolicySnapshotRow)
_server = table_of(DirectoryServerRow)
_request = table_of(AuthorizationRequestRow)
_code = table_of(AuthorizationCodeRow)
_recovery = table_of(RecoveryRequestRow)
_link = table_of(OneTimeLinkRow)
_family = table_of(TokenFamilyRow)
_revoked = table_of(RevokedAccessTokenRow)
_throttle = table_of(ThrottleRow)
_answer = table_of(IdempotencyRow)
_session = table_of(SessionRow)
_device = table_of(KnownDeviceRow)
_outbox = table_of(OutboxRow)
_plan = table_of(PlanRow)
_target = table_of(PlanTargetRow)
_campaign = table_of(ResetCampaignRow)

Condition = Callable[[datetime], sa.ColumnElement[bool]]


class Sweep(NamedTuple):
    """A table and which of its rows are over at a moment."""

    table: sa.Table
    is_over: Condition


def _past(column: sa.Column[datetime], kept: timedelta) -> Condition:
    return lambda now: column < now - kept


def _is_request_over(now: datetime) -> sa.ColumnElement[bool]:
    """A request that somebody attended to stays for a late reader; no other takes up room."""
    expires_at = _request.c.expires_at
    is_unread = sa.or_(sa.not_(_request.c.is_attended), expires_at < now - _HOUR)
    return sa.and_(expires_at <= now, is_unread)


def _is_session_over(now: datetime) -> sa.ColumnElement[bool]:
    """A session is over with the last family under it: a family of an ended one stays refused."""
    has_family = sa.exists().where(
        _family.c.realm == _session.c.realm, _family.c.session_id == _session.c.id
    )
    has_ended = sa.or_(_session.c.expires_at < now - _DAY, _session.c.ended_at < now - _DAY)
    return sa.and_(has_ended, sa.not_(has_family))


def _is_target_over(now: datetime) -> sa.ColumnElement[bool]:
    """The targets of a plan that was never applied are over some weeks after it expired."""
    return sa.exists().where(
        _plan.c.realm == _target.c.realm,
        _plan.c.id == _target.c.plan_id,
        _plan.c.state == "planned",
        _plan.c.expires_at < now - _PLAN_KEPT,
    )


SWEEPS: Mapping[str, Sweep] = {
    "authorization_requests": Sweep(_request, _is_request_over),
    "authorization_codes": Sweep(_code, _past(_code.c.expires_at, _DAY)),
    "token_families": Sweep(_family, _past(_family.c.expires_at, _DAY)),
    "revoked_access_tokens": Sweep(_revoked, _past(_revoked.c.expires_at, _HOUR)),
    "sso_sessions": Sweep(_session, _is_session_over),
    "recovery_requests": Sweep(_recovery, _past(_recovery.c.expires_at, _DAY)),
    "one_time_links": Sweep(_link, _past(_link.c.expires_at, _DAY)),
    "known_devices": Sweep(_device, _past(_device.c.expires_at, _HOUR)),
    "throttle": Sweep(_throttle, _past(_throttle.c.window_ends_at, _DAY)),
    "idempotency_keys": Sweep(_answer, _past(_answer.c.expires_at, _HOUR)),
    "outbox": Sweep(_outbox, _past(_outbox.c.done_at, _OUTBOX_KEPT)),
    "plan_targets": Sweep(_target, _is_target_over),
    "decisions": Sweep(_decision, _past(_decision.c.last_at, _DECISION_KEPT)),
    "policy_snapshots": Sweep(_snapshot, _past(_snapshot.c.at, _DECISION_KEPT)),
    "directory_servers": Sweep(_server, _past(_server.c.failed_at, _DAY)),
}
"""Sessions come after the families that hold them back."""


def delete_over(connection: Connection, realm: str, name: str, *, now: datetime, limit: int) -> int:
    """Delete up to `limit` rows of one sweep that are over; return how many."""
    sweep = SWEEPS[name]
    key = [column for column in sweep.table.primary_key.columns if column.name != "realm"]
    chosen = sa.select(*key).where(sweep.table.c.realm == realm, sweep.is_over(now)).limit(limit)
    found = key[0].in_(chosen) if len(key) == 1 else sa.tuple_(*key).in_(chosen)
    deleted = connection.execute(sa.delete(sweep.table).where(sweep.table.c.realm == realm, found))
    return cast("CursorResult[Any]", deleted).rowcount


def forget_plan_secrets(connection: Connection, realm: str, *, now: datetime) -> None:
    """Erase what plans kept for an apply that can no longer happen.

    A cancelled one may go on as long as it may be undone.
    """
    may_be_undone = sa.exists().where(
        _campaign.c.realm == _plan.c.realm,
        _campaign.c.plan_id == _plan.c.id,
        _campaign.c.undo_until > now,
    )
    connection.execute(
        sa.update(_plan)
        .where(
            _plan.c.realm == realm,
            _plan.c.state.in_(("planned", "cancelled", "undoing", "undone")),
            _plan.c.expires_at < now,
            sa.not_(may_be_undone),
            _plan.c.secret.is_not(None),
        )
        .values(secret=None)
    )
