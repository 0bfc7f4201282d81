"""Long work: queued in the transaction that asks for it, done in batches under a lease.

Here is what those who ask see: a job's state, and pausing, resuming and cancelling it. How a
worker holds one is in `job_leases`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from idp.core.events import Event, EventCode
from idp.core.work import Actor, UnitOfWork
from idp.errors import Conflict, NotFound
from idp.ids import RealmName
from idp.store.jobs import JobRow


class JobState(StrEnum):
    """Where a job stands; the last three are ends (from which `resume_job` may lead back)."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Request(StrEnum):
    """What somebody asked of a job that a worker may be holding; honoured between batches."""

    PAUSE = "pause"
    CANCEL = "cancel"


_ENDED = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})
_ACTOR = "actor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as it stands. `cursor` is where its next batch begins; `total` may be 0 (unknown).

    `requested` is what it was asked to do and has not done yet. `available_at` is when it is due:
    later than now for a job that is tried again, or that recurs.
    """

    id: str
    realm: RealmName
    kind: str
    state: JobState
    requested: Request | None
    done: int
    total: int
    errors: tuple[str, ...]
    attempts: int
    cursor: str | None
    params: Mapping[str, object]
    author_id: str | None
    created_at: datetime
    available_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def is_ended(self) -> bool:
        """Tell whether nothing happens to it by itself any more."""
        is_stopped = self.state in _ENDED or self.state is JobState.PAUSED
        return is_stopped and self.requested is None

    @property
    def actor(self) -> Actor:
        """Return who asked for the job; its audit events name this actor."""
        match self.params.get(_ACTOR):
            case {"kind": "anonymous" | "user" | "client" | "host" | "system" as kind, **rest}:
                found = rest.get("id")
                return Actor(kind, None if found is None else str(found))
            case _:
                return Actor("system")


def enqueue_job(uow: UnitOfWork, kind: str, params: Mapping[str, object], total: int) -> str:
    """Queue a job in this transaction, in the name of its actor, and return its id."""
    return _add(uow, kind, params, total=total, state=JobState.QUEUED)


def record_finished_job(uow: UnitOfWork, kind: str, params: Mapping[str, object]) -> str:
    """Note a job so small that this transaction did it, and return its id."""
    return _add(uow, kind, params, total=1, state=JobState.DONE)


def _add(
    uow: UnitOfWork, kind: str, params: Mapping[str, object], *, total: int, state: JobState
) -> str:
    job_id = uow.new_id()
    is_done = state is JobState.DONE
    uow.db.add(
        JobRow(
            id=job_id,
            kind=kind,
            params={**params, _ACTOR: {"kind": uow.actor.kind, "id": uow.actor.id}},
            state=state.value,
            done=total if is_done else 0,
            total=total,
            available_at=uow.now,
            author_id=uow.actor.id if uow.actor.kind == "user" else None,
            created_at=uow.now,
            started_at=uow.now if is_done else None,
            finished_at=uow.now if is_done else None,
        )
    )
    return job_id


def find_job(uow: UnitOfWork, job_id: str) -> Job | None:
    """Return a job of this realm, or None when there is none with that id."""
    row = uow.db.get(JobRow, (uow.realm, job_id))
    return None if row is None else job_of(row)


def get_job(uow: UnitOfWork, job_id: str) -> Job:
    """Return a job of this realm.

    Raises:
        NotFound: there is none with that id.
    """
    return job_of(_get_row(uow, job_id))


def list_jobs(uow: UnitOfWork, *, limit: int = 100, before: str | None = None) -> list[Job]:
    """Return the jobs of this realm, newest first; `before` is the last id of the page before."""
    query = sa.select(JobRow).order_by(JobRow.id.desc()).limit(limit)
    if before is not None:
        query = query.where(JobRow.id < before)
    return [job_of(row) for row in uow.db.scalars(query)]


def pause_job(uow: UnitOfWork, job_id: str) -> Job:
    """Let a job stop after its present batch until it is resumed.

    Raises:
        NotFound: there is none with that id.
        Conflict: it has ended already.
    """
    row = _get_row(uow, job_id)
    if row.state in _ENDED:
        raise Conflict("job.ended", job_id=job_id, state=row.state)
    if row.state == JobState.RUNNING:
        row.requested = Request.PAUSE.value
    else:
        row.state = JobState.PAUSED.value
    return _changed(uow, row, "pause")


def cancel_job(uow: UnitOfWork, job_id: str) -> Job:
    """Let a job end after its present batch; what it did stays, and it says how far it got.

    Whoever runs jobs honours it, so the answer may still show the old state.

    Raises:
        NotFound: there is none with that id.
        Conflict: it has ended already.
    """
    row = _get_row(uow, job_id)
    if row.state in (JobState.DONE, JobState.CANCELLED):
        raise Conflict("job.ended", job_id=job_id, state=row.state)
    row.requested = Request.CANCEL.value
    row.available_at = uow.now
    return _changed(uow, row, "cancel")


def resume_job(uow: UnitOfWork, job_id: str) -> Job:
    """Let a paused, failed or cancelled job go on where it stopped.

    Raises:
        NotFound: there is none with that id.
        Conflict: it is not stopped.
    """
    row = _get_row(uow, job_id)
    stopped = (JobState.PAUSED, JobState.FAILED, JobState.CANCELLED)
    if row.state not in stopped and row.requested is None:
        raise Conflict("job.not_stopped", job_id=job_id, state=row.state)
    if row.state in stopped:
        row.state = JobState.QUEUED.value
        row.attempts = 0
        row.available_at = uow.now
        row.finished_at = None
    row.requested = None
    return _changed(uow, row, "resume")


def job_of(row: JobRow) -> Job:
    """Return what a row says."""
    return Job(
        id=row.id,
        realm=RealmName(row.realm),
        kind=row.kind,
        state=JobState(row.state),
        requested=None if row.requested is None else Request(row.requested),
        done=row.done,
        total=row.total,
        errors=tuple(str(error) for error in row.errors),
        attempts=row.attempts,
        cursor=row.cursor,
        params=row.params,
        author_id=row.author_id,
        created_at=row.created_at,
        available_at=row.available_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


def _get_row(uow: UnitOfWork, job_id: str) -> JobRow:
    row = uow.db.get(JobRow, (uow.realm, job_id), with_for_update=True)
    if row is None:
        raise NotFound("job.not_found", job_id=job_id)
    return row


def _changed(uow: UnitOfWork, row: JobRow, request: str) -> Job:
    params = {"job_id": row.id, "kind": row.kind, "request": request, "done": row.done}
    uow.record(Event(code=EventCode.JOB_CHANGED, params=params))
    return job_of(row)
