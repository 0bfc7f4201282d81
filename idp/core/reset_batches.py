"""The work of a bulk reset and of its undo, one batch at a time.

A batch is one transaction: users, credentials, what they were before, audit events, mails and the
job's cursor. So a killed worker leaves each user either untouched or done, exactly once.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, assert_never

from idp.core.bulk_secrets import keep_bulk_secret
from idp.core.epochs import EpochCause
from idp.core.events import Event, EventCode
from idp.core.job_leases import JobKind, Step
from idp.core.jobs import Job
from idp.core.passwords import SetBy
from idp.core.planning import PlanState
from idp.core.policies import Stamp, stamp_of, strictest_policy
from idp.core.policy_snapshots import take_snapshot_soon
from idp.core.reset_links import campaign_messages
from idp.core.reset_orders import ResetMode, ResetOrder, read_stored_order
from idp.core.reset_targets import plan_of
from idp.core.resets import APPLY_JOB, UNDO_JOB, UNDO_WINDOW, open_secret
from idp.core.work import UnitOfWork
from idp.errors import Conflict
from idp.store import bulk, bulk_undo
from idp.store.bulk import Batch, UserEvents
from idp.store.campaigns import list_batch, user
from idp.store.plans import PlanRow
from idp.store.resets import ResetCampaignRow
from idp.store.users import UNUSABLE

BATCH = 250
"""Users a transaction: short enough for sign-ins that wait for SQLite's one writer."""


def apply_batch(uow: UnitOfWork, job: Job) -> Step:
    """Reset the next users of a plan.

    Raises:
        Conflict: the campaign was undone meanwhile, or its password was erased.
    """
    plan, order = _plan_of(uow, job)
    campaign = _begin_campaign(uow, plan, order)
    targeting = plan_of(uow.realm, plan.id, order, plan.params["acting_id"])
    connection = uow.db.connection()
    rows = list_batch(connection, targeting, after=job.cursor or "", limit=BATCH)
    if rows:
        batch = _batch(uow, plan.id, job.cursor, rows[-1].user_id)
        skipped = {row.user_id: row.reason for row in rows if row.reason is not None}
        bulk.mark_batch(connection, batch, skipped)
        _reset(uow, batch, plan, order, campaign)
        if order.mode is ResetMode.LINK:
            hit = {row.user_id: row.generation + 1 for row in rows if row.reason is None}
            bulk.add_messages(connection, campaign_messages(uow, plan.id, hit, order.reason))
    is_last = len(rows) < BATCH
    if is_last:
        _close(uow, plan, PlanState.APPLIED)
        _record_end(uow, EventCode.RESET_APPLIED, plan, job.done + len(rows))
    return Step(done=len(rows), cursor=rows[-1].user_id if rows else job.cursor, is_last=is_last)


def note_cancelled(uow: UnitOfWork, job: Job) -> None:
    """Mark how far a cancelled reset got; who comes after that was not touched."""
    plan, _ = _plan_of(uow, job)
    _close(uow, plan, PlanState.CANCELLED)
    _record_end(uow, EventCode.RESET_CANCELLED, plan, job.done)


def undo_batch(uow: UnitOfWork, job: Job) -> Step:
    """Give the next users of a campaign back what they had, where that is still possible.

    Raises:
        Conflict: another job applied or undid the plan meanwhile.
    """
    plan, order = _plan_of(uow, job)
    if plan.state not in (PlanState.UNDOING, PlanState.CANCELLED):
        raise Conflict("plan.not_undoable", plan_id=plan.id, state=plan.state)
    plan.state = PlanState.UNDOING.value
    campaign = uow.db.get_one(ResetCampaignRow, (uow.realm, plan.id))
    connection = uow.db.connection()
    ids = bulk_undo.list_members(
        connection, uow.realm, plan.id, after=job.cursor or "", limit=BATCH
    )
    if ids:
        batch = _batch(uow, plan.id, job.cursor, ids[-1])
        bulk_undo.mark_restorable(connection, batch, began_at=campaign.started_at)
        _restore(uow, batch, order)
    is_last = len(ids) < BATCH
    if is_last:
        take_snapshot_soon(uow)
        plan.state = PlanState.UNDONE.value
        told = {"plan_id": plan.id, "mode": order.mode.value, "looked_at": job.done + len(ids)}
        restored = bulk_undo.count_restored(connection, uow.realm, plan.id)
        uow.record(Event(code=EventCode.RESET_UNDONE, params={**told, "restored": restored}))
    return Step(done=len(ids), cursor=ids[-1] if ids else job.cursor, is_last=is_last)


def note_undo_cancelled(uow: UnitOfWork, job: Job) -> None:
    """Leave the plan to be undone again: who was given back what they had keeps it."""
    plan, _ = _plan_of(uow, job)
    plan.state = PlanState.CANCELLED.value


def _plan_of(uow: UnitOfWork, job: Job) -> tuple[PlanRow, ResetOrder]:
    plan = uow.db.get_one(PlanRow, (uow.realm, str(job.params["plan_id"])), with_for_update=True)
    return plan, read_stored_order(plan.params)


def _batch(uow: UnitOfWork, plan_id: str, after: str | None, upto: str) -> Batch:
    return Batch(realm=uow.realm, plan_id=plan_id, after=after or "", upto=upto, at=uow.now)


def _begin_campaign(uow: UnitOfWork, plan: PlanRow, order: ResetOrder) -> ResetCampaignRow:
    """Return the campaign of a plan (they share their id), begun by its first batch."""
    is_undone = plan.state in (PlanState.UNDOING, PlanState.UNDONE)
    if is_undone or (order.mode is ResetMode.SHARED and plan.secret is None):
        raise Conflict("plan.not_applicable", plan_id=plan.id, state=plan.state)
    plan.state = PlanState.APPLYING.value
    campaign = uow.db.get(ResetCampaignRow, (uow.realm, plan.id))
    if campaign is not None:
        return campaign
    campaign = ResetCampaignRow(
        id=plan.id,
        plan_id=plan.id,
        mode=order.mode.value,
        reason=order.reason,
        author_id=uow.actor.id if uow.actor.kind == "user" else None,
        started_at=uow.now,
        undo_until=uow.now + UNDO_WINDOW,
    )
    uow.db.add(campaign)
    uow.db.flush()
    secret = open_secret(uow, plan)
    if secret is not None:
        keep_bulk_secret(uow, secret.mac, campaign.id)
    return campaign


def _reset(
    uow: UnitOfWork, batch: Batch, plan: PlanRow, order: ResetOrder, campaign: ResetCampaignRow
) -> None:
    connection = uow.db.connection()
    replaces = order.mode is not ResetMode.REQUIRE_CHANGE
    bulk.keep_previous(connection, batch, step=int(replaces), with_hash=replaces)
    if replaces:
        bulk.add_history(connection, batch)
        bulk.kill_recovery_links(connection, batch)
    told = {"campaign_id": plan.id, "mode": order.mode.value}
    bulk.add_user_events(connection, batch, _events(uow, EventCode.RESET_USER, told))
    bulk.move_counters(connection, batch, _counters(uow.now, order))
    columns = _credential_columns(uow, plan, order, campaign)
    bulk.set_credentials(connection, batch, columns)
    if replaces:
        bulk.add_credentials(connection, batch, columns)


def _credential_columns(
    uow: UnitOfWork, plan: PlanRow, order: ResetOrder, campaign: ResetCampaignRow
) -> dict[str, Any]:
    match order.mode:
        case ResetMode.REQUIRE_CHANGE:
            return {"must_change": True}
        case ResetMode.LINK:
            return _new_password(uow.now, UNUSABLE, stamp_of(strictest_policy(uow)))
        case ResetMode.SHARED:
            secret = open_secret(uow, plan)
            assert secret is not None  # noqa: S101 - a shared plan is stored with its secret
            expiry = order.expires_in
            return _new_password(uow.now, secret.hash, secret.stamp) | {
                "must_change": order.require_change,
                "temporary_until": None if expiry is None else campaign.started_at + expiry,
                "campaign_id": campaign.id,
            }
        case _:
            assert_never(order.mode)


def _new_password(now: datetime, stored: str, stamp: Stamp) -> dict[str, Any]:
    return {
        "hash": stored,
        "set_at": now,
        "set_by": SetBy.BULK.value,
        "judged_under": stamp.version,
        "judged_groups": stamp.groups,
        "refused_under": None,
        "noted_under": None,
        "placed_under": None,
        "must_change": False,
        "temporary_until": None,
        "campaign_id": None,
        "used_at": None,
        "failures": 0,
        "failed_at": None,
        "throttled_until": None,
        "blocked_at": None,
    }


def _counters(now: datetime, order: ResetOrder) -> dict[str, Any]:
    """Return how the two counters of a user move (DECISIONS 4)."""
    replaces = order.mode is not ResetMode.REQUIRE_CHANGE
    cause = EpochCause.BULK_RESET if replaces else EpochCause.MUST_CHANGE
    columns: dict[str, Any] = {}
    if replaces:
        columns["credential_generation"] = user.c.credential_generation + 1
    if order.end_sessions:
        columns |= {"epoch": user.c.epoch + 1, "epoch_cause": cause.value, "epoch_at": now}
        if replaces:
            columns["credential_epoch"] = user.c.epoch + 1
    return columns


def _restore(uow: UnitOfWork, batch: Batch, order: ResetOrder) -> None:
    connection = uow.db.connection()
    if order.mode is ResetMode.REQUIRE_CHANGE:
        bulk_undo.restore_must_change(connection, batch)
        columns = _epoch_after_undo(uow.now)
    else:
        bulk_undo.forget_history(connection, batch)
        bulk_undo.restore_credentials(connection, batch)
        bulk.kill_recovery_links(connection, batch, outcome=bulk.UNDONE)
        columns = _epoch_after_undo(uow.now) | {
            "credential_generation": user.c.credential_generation + 1,
            "credential_epoch": user.c.epoch + 1,
        }
    bulk.move_counters(connection, batch, columns, outcome=bulk.UNDONE)
    told = {"campaign_id": batch.plan_id, "mode": order.mode.value}
    event = _events(uow, EventCode.RESET_USER_UNDONE, told)
    bulk.add_user_events(connection, batch, event, outcome=bulk.UNDONE)


def _epoch_after_undo(now: datetime) -> dict[str, Any]:
    cause = EpochCause.BULK_RESET_UNDONE.value
    return {"epoch": user.c.epoch + 1, "epoch_cause": cause, "epoch_at": now}


def _events(uow: UnitOfWork, code: EventCode, params: Mapping[str, object]) -> UserEvents:
    return UserEvents(
        code=code.value,
        actor_kind=uow.actor.kind,
        actor_id=uow.actor.id,
        request_id=uow.trace.request_id,
        params=params,
    )


def _close(uow: UnitOfWork, plan: PlanRow, state: PlanState) -> None:
    take_snapshot_soon(uow)
    plan.state = state.value
    campaign = uow.db.get(ResetCampaignRow, (uow.realm, plan.id))
    if campaign is not None:  # there is none when it was cancelled before its first batch
        campaign.finished_at = uow.now
        campaign.undo_until = uow.now + UNDO_WINDOW
    if state is PlanState.APPLIED:
        plan.secret = None


def _record_end(uow: UnitOfWork, code: EventCode, plan: PlanRow, looked_at: int) -> None:
    told = {
        "plan_id": plan.id,
        "mode": plan.params["mode"],
        "reason": plan.params["reason"],
        "planned": plan.counts["targets"],
        "looked_at": looked_at,
        "skipped": bulk.count_skipped(uow.db.connection(), uow.realm, plan.id),
    }
    uow.record(Event(code=code, params=told))


APPLY = JobKind(name=APPLY_JOB, step=apply_batch, cancelled=note_cancelled)
UNDO = JobKind(name=UNDO_JOB, step=undo_batch, cancelled=note_undo_cancelled)
