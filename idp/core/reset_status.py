"""How bulk resets went: whom they reached, and who still uses what was given out."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from idp.core.planning import PlanState
from idp.core.work import UnitOfWork
from idp.errors import NotFound
from idp.store.bulk import DONE, UNDONE
from idp.store.plans import PlanRow, PlanTargetRow
from idp.store.resets import ResetCampaignRow
from idp.store.users import CredentialRow


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignView:
    """One bulk reset that began.

    Attributes:
        planned: users it was to hit; `reset`, `skipped` and `undone` of them, so far.
        on_shared_password: accounts whose password still is the shared one.
    """

    plan_id: str
    job_id: str | None
    state: PlanState
    mode: str
    reason: str | None
    planned: int
    reset: int
    skipped: int
    undone: int
    on_shared_password: int
    started_at: datetime
    finished_at: datetime | None
    undo_until: datetime


def list_campaigns(uow: UnitOfWork, *, limit: int = 20) -> list[CampaignView]:
    """Return the realm's bulk resets, the latest first."""
    query = (
        sa.select(ResetCampaignRow)
        .order_by(ResetCampaignRow.started_at.desc(), ResetCampaignRow.id.desc())
        .limit(limit)
    )
    return [_view(uow, row) for row in uow.db.scalars(query)]


def get_campaign(uow: UnitOfWork, plan_id: str) -> CampaignView:
    """Return the bulk reset that a plan began.

    Raises:
        NotFound: it did not begin.
    """
    row = uow.db.get(ResetCampaignRow, (uow.realm, plan_id))
    if row is None:
        raise NotFound("reset.not_begun", plan_id=plan_id)
    return _view(uow, row)


def count_on_shared_password(uow: UnitOfWork) -> int:
    """Return how many accounts of the realm still have a password that others know."""
    query = sa.select(sa.func.count()).where(CredentialRow.campaign_id.is_not(None))
    return uow.db.scalar(query.select_from(CredentialRow)) or 0


def _view(uow: UnitOfWork, row: ResetCampaignRow) -> CampaignView:
    plan = uow.db.get_one(PlanRow, (uow.realm, row.plan_id))
    outcomes = _count_outcomes(uow, row.plan_id)
    reached = sum(outcomes.values())
    on_shared = sa.select(sa.func.count()).where(CredentialRow.campaign_id == row.id)
    return CampaignView(
        plan_id=row.plan_id,
        job_id=plan.job_id,
        state=PlanState(plan.state),
        mode=row.mode,
        reason=row.reason,
        planned=int(plan.counts["targets"]),
        reset=outcomes.get(DONE, 0),
        undone=outcomes.get(UNDONE, 0),
        skipped=reached - outcomes.get(DONE, 0) - outcomes.get(UNDONE, 0),
        on_shared_password=uow.db.scalar(on_shared.select_from(CredentialRow)) or 0,
        started_at=row.started_at,
        finished_at=row.finished_at,
        undo_until=row.undo_until,
    )


def _count_outcomes(uow: UnitOfWork, plan_id: str) -> dict[str, int]:
    query = (
        sa.select(PlanTargetRow.outcome, sa.func.count())
        .where(PlanTargetRow.plan_id == plan_id, PlanTargetRow.outcome.is_not(None))
        .group_by(PlanTargetRow.outcome)
    )
    return {str(outcome): count for outcome, count in uow.db.execute(query)}
