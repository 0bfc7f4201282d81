"""How a worker holds a job: each batch, its cursor and its lease are one transaction.

So a worker that dies loses nothing and repeats nothing, and one that merely slept too long finds
its lease gone before it can write.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.core.jobs import Job, JobState, Request, job_of
from idp.core.work import UnitOfWork
from idp.store.jobs import JobRow

LEASE = timedelta(seconds=60)
"""How long a worker may be silent; every batch renews it."""

MAX_ATTEMPTS = 8
"""How often in a row a job may begin without finishing one batch."""

_FIRST_DELAY = timedelta(seconds=2)
_MAX_DELAY = timedelta(minutes=5)
_MAX_ERRORS = 20
_MAX_ERROR_TEXT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one batch did: how many, where the next begins, and whether there is none."""

    done: int = 0
    cursor: str | None = None
    is_last: bool = False


def _nothing(_uow: UnitOfWork, _job: Job) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobKind:
    """One kind of job.

    Attributes:
        step: does one batch in the unit of work that also commits its cursor.
        cancelled: marks the boundary when the job is cancelled.
        every: the pause between two runs of a recurring job; None for one that is asked for.
    """

    name: str
    step: Callable[[UnitOfWork, Job], Step]
    cancelled: Callable[[UnitOfWork, Job], None] = _nothing
    every: timedelta | None = None


def hold_job(uow: UnitOfWork, job_id: str, owner: str) -> Job | None:
    """Return the job if `owner` still has it (nobody else can take it before the commit)."""
    row = uow.db.get(JobRow, (uow.realm, job_id), with_for_update=True, populate_existing=True)
    if row is None or row.lease_owner != owner:
        return None
    return job_of(row)


def run_batch(uow: UnitOfWork, kind: JobKind, job: Job) -> Job:
    """Do what was asked of a held job, or else its next batch; return it as it stands then."""
    row = uow.db.get_one(JobRow, (uow.realm, job.id))
    if job.requested is Request.PAUSE:
        row.requested = None
        _let_go(row, JobState.PAUSED)
    elif job.requested is Request.CANCEL:
        kind.cancelled(uow, job)
        row.requested = None
        _end(row, JobState.CANCELLED, uow.now)
    else:
        _advance(row, kind, kind.step(uow, job), uow.now)
    return job_of(row)


def release_job(uow: UnitOfWork, job_id: str, owner: str) -> None:
    """Give a held job back between two batches, for any worker to go on at once."""
    row = uow.db.get(JobRow, (uow.realm, job_id), with_for_update=True)
    if row is not None and row.lease_owner == owner:
        _let_go(row, JobState.QUEUED)


def note_failure(
    uow: UnitOfWork, job_id: str, owner: str, *, error: str, is_final: bool
) -> Job | None:
    """Note that a batch was rolled back: try again later, or end the job as failed.

    Returns:
        The job as it stands, or None when `owner` no longer has it.
    """
    row = uow.db.get(JobRow, (uow.realm, job_id), with_for_update=True)
    if row is None or row.lease_owner != owner:
        return None
    row.errors = [*row.errors, error[:_MAX_ERROR_TEXT]][-_MAX_ERRORS:]
    if is_final or row.attempts >= MAX_ATTEMPTS:
        _end(row, JobState.FAILED, uow.now)
    else:
        _let_go(row, JobState.QUEUED)
        row.available_at = uow.now + backoff(row.attempts, _FIRST_DELAY, _MAX_DELAY)
    return job_of(row)


def backoff(attempts: int, first: timedelta, most: timedelta) -> timedelta:
    """Return the wait after this many attempts: twice the one before, up to `most`."""
    doublings = min(max(attempts - 1, 0), 30)
    return min(first * (1 << doublings), most)


def _advance(row: JobRow, kind: JobKind, step: Step, now: datetime) -> None:
    begins_again = kind.every is not None and row.cursor is None
    row.done = step.done if begins_again else row.done + step.done
    row.cursor = step.cursor
    row.attempts = 0
    row.lease_until = now + LEASE
    if step.is_last:
        _end(row, JobState.DONE, now)
        if kind.every is not None:
            _begin_again(row, now + kind.every)


def _begin_again(row: JobRow, at: datetime) -> None:
    row.state = JobState.QUEUED.value
    row.cursor = None
    row.available_at = at
    row.started_at = None
    row.errors = []


def _end(row: JobRow, state: JobState, now: datetime) -> None:
    _let_go(row, state)
    row.finished_at = now


def _let_go(row: JobRow, state: JobState) -> None:
    row.state = state.value
    row.lease_owner = None
    row.lease_until = None
