"""Taking out what is over: expired rows that nothing can ask for again, in bounded batches.

Every row stays a while longer than it is good for, so that a late reader still gets the precise
answer (a code that is replayed, a session that ended).
"""

from datetime import timedelta

from idp.core.job_leases import JobKind, Step
from idp.core.jobs import Job
from idp.core.work import UnitOfWork
from idp.store import bulk_undo, sweep

CLEANUP_JOB = "cleanup"
REQUESTS_JOB = "cleanup.requests"
UNDO_WINDOW_JOB = "reset.forget"
BATCH = 500
_EVERY = timedelta(hours=1)
_REQUESTS = "authorization_requests"
_REQUESTS_EVERY = timedelta(minutes=3)
"""What anybody can make without signing in is gone within a quarter of an hour."""


def clean_batch(uow: UnitOfWork, job: Job) -> Step:
    """Delete up to `BATCH` rows that are over, kind after kind from where the last batch ended."""
    names = list(sweep.SWEEPS)
    begin = names.index(job.cursor) if job.cursor in names else 0
    deleted = 0
    for name in names[begin:]:
        deleted += sweep.delete_over(
            uow.db.connection(), uow.realm, name, now=uow.now, limit=BATCH - deleted
        )
        if deleted == BATCH:
            return Step(done=deleted, cursor=name)
    return Step(done=deleted, is_last=True)


def clean_requests(uow: UnitOfWork, _job: Job) -> Step:
    """Delete up to `BATCH` authorization requests that are over."""
    deleted = sweep.delete_over(uow.db.connection(), uow.realm, _REQUESTS, now=uow.now, limit=BATCH)
    if deleted < BATCH:
        return Step(done=deleted, is_last=True)
    return Step(done=deleted, cursor="more")


def forget_batch(uow: UnitOfWork, job: Job) -> Step:
    """Erase some of the previous passwords whose undo window is closed (DECISIONS 15).

    Likewise the shared passwords of plans that were never applied, or not to the end.
    """
    if job.cursor is None:
        sweep.forget_plan_secrets(uow.db.connection(), uow.realm, now=uow.now)
    erased = bulk_undo.erase_members(uow.db.connection(), uow.realm, now=uow.now, limit=BATCH)
    if erased < BATCH:
        return Step(done=erased, is_last=True)
    return Step(done=erased, cursor="more")


CLEANUP = JobKind(name=CLEANUP_JOB, step=clean_batch, every=_EVERY)
REQUESTS = JobKind(name=REQUESTS_JOB, step=clean_requests, every=_REQUESTS_EVERY)
FORGET = JobKind(name=UNDO_WINDOW_JOB, step=forget_batch, every=_EVERY)
