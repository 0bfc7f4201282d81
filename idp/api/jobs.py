"""Jobs: long work and how far it is; `/jobs/{id}`, or `/realms/{realm}/jobs/{id}`."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Annotated

from pydantic import Field

from idp.api.access import DIRECTORY, POLICY, READ, RESET, SYSTEM
from idp.api.endpoints import Answer, Call, Endpoint
from idp.api.paging import cut, read_id_cursor, write_cursor
from idp.api.plans import require_power_over_targets, scope_of
from idp.api.schema import NextCursor, PageQuery, View
from idp.core import jobs
from idp.core.resets import APPLY_JOB, UNDO_JOB
from idp.core.runtime import Runtime
from idp.core.work import UnitOfWork
from idp.errors import NotFound
from idp.ids import RealmName


class Job(View):
    """A job as it stands."""

    id: str
    realm: str
    kind: str
    state: str
    requested: Annotated[
        str | None, Field(description="What it was asked to do and has not done yet.")
    ]
    done: int
    total: Annotated[int, Field(description="0 when it is not known.")]
    errors: list[str]
    attempts: int
    plan_id: str | None
    author_id: str | None
    created_at: datetime
    available_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class JobPage(View):
    """One page of jobs, newest first."""

    items: list[Job]
    next_cursor: NextCursor


def list_jobs(call: Call, query: PageQuery) -> Answer:
    """List jobs, newest first."""
    before = read_id_cursor(query.cursor)
    with call.work(write=False) as uow:
        found = jobs.list_jobs(uow, limit=query.limit + 1, before=before)
    page, cursor = cut(found, query.limit, lambda job: write_cursor(job.id))
    return Answer(JobPage(items=[_shown(job) for job in page], next_cursor=cursor))


def get_job(call: Call, job_id: str) -> Answer:
    """Read a job."""
    with call.work(write=False) as uow:
        return Answer(_shown(jobs.get_job(uow, job_id)))


def cancel_job(call: Call, job_id: str) -> Answer:
    """Let a job end after its present batch; what it did stays."""
    return _ask(call, job_id, jobs.cancel_job)


def pause_job(call: Call, job_id: str) -> Answer:
    """Let a job stop after its present batch until it is resumed."""
    return _ask(call, job_id, jobs.pause_job)


def resume_job(call: Call, job_id: str) -> Answer:
    """Let a paused, failed or cancelled job go on where it stopped."""
    return _ask(call, job_id, jobs.resume_job)


def find_realm(runtime: Runtime, job_id: str) -> RealmName:
    """Return the realm of a job.

    Raises:
        NotFound: `job.not_found`.
    """
    for realm in map(RealmName, runtime.config.realms):
        with runtime.begin(realm, write=False) as uow:
            if jobs.find_job(uow, job_id) is not None:
                return realm
    raise NotFound("job.not_found", job_id=job_id)


def _ask(call: Call, job_id: str, ask: Callable[[UnitOfWork, str], jobs.Job]) -> Answer:
    with call.work() as uow:
        job = jobs.get_job(uow, job_id)
        call.caller.require(scope_of(job.kind))
        if ask is jobs.resume_job and job.kind in (APPLY_JOB, UNDO_JOB):
            # Who could not have begun a reset cannot have it go on either.
            require_power_over_targets(call.caller, uow, str(job.params["plan_id"]))
        return Answer(_shown(ask(uow, job_id)))


def _shown(job: jobs.Job) -> Job:
    plan_id = job.params.get("plan_id")
    return Job(
        id=job.id,
        realm=job.realm,
        kind=job.kind,
        state=job.state.value,
        requested=None if job.requested is None else job.requested.value,
        done=job.done,
        total=job.total,
        errors=list(job.errors),
        attempts=job.attempts,
        plan_id=plan_id if isinstance(plan_id, str) else None,
        author_id=job.author_id,
        created_at=job.created_at,
        available_at=job.available_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
    )


_ONE = "/jobs/<id:job_id>"
_WRITING = (POLICY, RESET, DIRECTORY, SYSTEM)
_READING = (READ, *_WRITING)

_ABOUT_ONE = (
    Endpoint(method="GET", path=_ONE, act=get_job, any_of=_READING, answer=Job),
    *(
        Endpoint(method="POST", path=f"{_ONE}/{verb}", act=act, any_of=_WRITING, answer=Job)
        for verb, act in (("cancel", cancel_job), ("pause", pause_job), ("resume", resume_job))
    ),
)

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/realms/<name:realm>/jobs",
        act=list_jobs,
        any_of=_READING,
        query=PageQuery,
        answer=JobPage,
    ),
    *(replace(one, find_realm=find_realm) for one in _ABOUT_ONE),
    *(
        replace(one, path=f"/realms/<name:realm>{one.path}", name=f"{one.operation}_in_realm")
        for one in _ABOUT_ONE
    ),
)
