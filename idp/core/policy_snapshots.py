"""How a realm stood with its policy from hour to hour: taken by a job, listed for the burn-down.

The job counts in short batches, so that no sign-in waits for it. It is due at once when a policy
was published or a bulk reset ended; a count that is under way then begins again.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from idp.core.job_leases import JobKind, Step
from idp.core.jobs import Job
from idp.core.policy_outcomes import HAVE_TO_CHANGE, Outcome
from idp.core.policy_standings import list_standings
from idp.core.policy_yardstick import yardstick
from idp.core.work import UnitOfWork
from idp.store.decisions import PolicySnapshotRow
from idp.store.jobs import JobRow
from idp.store.queues import recurring_job_id

SNAPSHOT_JOB = "policy.snapshot"
BATCH = 1000
_EVERY = timedelta(hours=1)
_OUTCOMES = tuple(Outcome)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySnapshot:
    """How the active users of a realm stood at one moment; `outcomes` adds up to all of them."""

    at: datetime
    policy_version: int
    active_users: int
    have_to_change: int
    withheld: int
    accounts_on_shared_password: int
    outcomes: Mapping[Outcome, int]


@dataclass(frozen=True, slots=True)
class _Count:
    """How far a count is: everybody up to the user `after`, under version `version`."""

    version: int
    after: str
    shared: int
    outcomes: Counter[Outcome]


def take_batch(uow: UnitOfWork, job: Job) -> Step:
    """Count the next `BATCH` users; the last batch writes the snapshot."""
    measure = yardstick(uow)
    count = _read_cursor(job.cursor, measure.policy.number)
    page = list_standings(uow, measure, after=count.after, most=BATCH)
    count.outcomes.update(standing.outcome for standing in page)
    count = _Count(
        version=count.version,
        after=page[-1].user_id if page else count.after,
        shared=count.shared + sum(standing.is_shared for standing in page),
        outcomes=count.outcomes,
    )
    if len(page) == BATCH:
        return Step(done=len(page), cursor=_write_cursor(count))
    _keep(uow, count)
    return Step(done=len(page), is_last=True)


def take_snapshot_soon(uow: UnitOfWork) -> None:
    """Make the next snapshot due once this unit has committed; one UPDATE."""
    job_id = recurring_job_id(uow.realm, SNAPSHOT_JOB)
    uow.db.execute(
        sa.update(JobRow)
        .where(JobRow.id == job_id)
        .values(available_at=uow.now, cursor=None)
        .execution_options(synchronize_session=False)
    )


def list_snapshots(
    uow: UnitOfWork,
    *,
    since: datetime | None = None,
    after: datetime | None = None,
    limit: int = 100,
) -> list[PolicySnapshot]:
    """Return the snapshots of the realm from `since` on, oldest first.

    Args:
        after: the moment of the snapshot that the page before ended with.
    """
    query = sa.select(PolicySnapshotRow).order_by(PolicySnapshotRow.at).limit(limit)
    if since is not None:
        query = query.where(PolicySnapshotRow.at >= since)
    if after is not None:
        query = query.where(PolicySnapshotRow.at > after)
    return [_snapshot(row) for row in uow.db.scalars(query)]


def _keep(uow: UnitOfWork, count: _Count) -> None:
    outcomes = {outcome.value: count.outcomes[outcome] for outcome in _OUTCOMES}
    # Merged, because a second count within the same moment takes the place of the first.
    uow.db.merge(
        PolicySnapshotRow(
            realm=uow.realm,
            at=uow.now,
            policy_version=count.version,
            active_users=count.outcomes.total(),
            have_to_change=sum(count.outcomes[outcome] for outcome in HAVE_TO_CHANGE),
            on_shared_password=count.shared,
            counts=outcomes,
        )
    )


def _snapshot(row: PolicySnapshotRow) -> PolicySnapshot:
    outcomes = {outcome: int(row.counts.get(outcome.value, 0)) for outcome in _OUTCOMES}
    return PolicySnapshot(
        at=row.at,
        policy_version=row.policy_version,
        active_users=row.active_users,
        have_to_change=row.have_to_change,
        withheld=outcomes[Outcome.WITHHELD],
        accounts_on_shared_password=row.on_shared_password,
        outcomes=outcomes,
    )


def _write_cursor(count: _Count) -> str:
    counts = [count.outcomes[outcome] for outcome in _OUTCOMES]
    return json.dumps([count.version, count.after, count.shared, *counts], separators=(",", ":"))


def _read_cursor(cursor: str | None, version: int) -> _Count:
    """Return where a count goes on; it begins again when another version is in force."""
    begun, after, shared, *counts = json.loads(cursor) if cursor else (None, "", 0)
    if begun != version or len(counts) != len(_OUTCOMES):
        return _Count(version, "", 0, Counter())
    return _Count(version, after, shared, Counter(dict(zip(_OUTCOMES, counts, strict=True))))


SNAPSHOT = JobKind(name=SNAPSHOT_JOB, step=take_batch, every=_EVERY)
