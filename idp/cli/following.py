"""What the commands about plans and jobs share: finding them, showing them, seeing them through."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from idp.cli.base import CliContext
from idp.core.jobs import Job, JobState, get_job
from idp.core.plans import PlanView, get_plan
from idp.core.work import UnitOfWork
from idp.errors import NotFound
from idp.ids import RealmName

Found = TypeVar("Found")

_LISTED = 5


def look_at(context: CliContext, realm: RealmName, look: Callable[[UnitOfWork], Found]) -> Found:
    """Return what `look` sees in a realm."""
    with context.runtime().begin(realm, write=False) as uow:
        return look(uow)


def find_plan(context: CliContext, plan_id: str) -> PlanView:
    """Return a plan of whatever realm it is in.

    Raises:
        NotFound: no realm has it.
    """
    return _find_anywhere(context, lambda uow: get_plan(uow, plan_id))


def find_job(context: CliContext, job_id: str) -> Job:
    """Return a job of whatever realm it is in.

    Raises:
        NotFound: no realm has it.
    """
    return _find_anywhere(context, lambda uow: get_job(uow, job_id))


def realms_of(context: CliContext, name: str | None) -> list[RealmName]:
    """Return the realm that was named, or all of them."""
    if name is not None:
        return [context.realm(name)]
    return [RealmName(known) for known in context.config.realms]


def see_through(context: CliContext, realm: RealmName, job_id: str, label: str) -> Job:
    """Run a job here unless a worker already does, show how far it is, and return its end.

    The command ends as refused when the job did not come to its end.
    """
    job = look_at(context, realm, lambda uow: get_job(uow, job_id))
    if not job.is_ended:
        with context.progress(label, job.total) as show:
            context.runner().run_job(job_id, lambda held: show(held.done, held.total))
        job = look_at(context, realm, lambda uow: get_job(uow, job_id))
    if job.state is not JobState.DONE:
        said = f": {job.errors[-1]}" if job.errors else ""
        context.fail(f"job {job.id} is {job.state.value} after {job.done} of {job.total}{said}")
    return job


def report_job(context: CliContext, job: Job, *, as_json: bool) -> None:
    """Print what became of a job, or that workers will do it."""
    if as_json:
        context.print_json(job_document(job))
        return
    if job.state is JobState.DONE:
        context.say(f"done: {job.done} of {job.total}, job {job.id}")
    else:
        context.say(f"job {job.id} is {job.state.value}; see: idp job show {job.id}")


def job_document(job: Job) -> dict[str, object]:
    """Return the JSON form of a job."""
    return {
        "id": job.id,
        "job_id": job.id,
        "realm": job.realm,
        "kind": job.kind,
        "state": job.state,
        "requested": job.requested,
        "done": job.done,
        "total": job.total,
        "errors": job.errors,
        "created_at": job.created_at,
        "available_at": job.available_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "author_id": job.author_id,
    }


def show_plan(context: CliContext, plan: PlanView, *, as_json: bool) -> None:
    """Print a plan for its reviewers."""
    if as_json:
        context.print_json(plan)
        return
    facts: dict[str, object] = {
        "plan": plan.id,
        "what": plan.summary,
        "state": plan.state.value,
        **{name.replace("_", " "): _shown(value) for name, value in plan.counts.items()},
        "expires at": plan.expires_at,
        "fingerprint": plan.fingerprint,
    }
    context.details(facts)


def _shown(value: object) -> object:
    match value:
        case Mapping():
            return ", ".join(f"{name} {count}" for name, count in value.items()) or "-"
        case list():
            rest = f" and {len(value) - _LISTED} more" if len(value) > _LISTED else ""
            return "; ".join(map(str, value[:_LISTED])) + rest or "-"
        case _:
            return value


def _find_anywhere(context: CliContext, look: Callable[[UnitOfWork], Found]) -> Found:
    refusal: NotFound | None = None
    for realm in realms_of(context, None):
        try:
            return look_at(context, realm, look)
        except NotFound as error:
            refusal = error
    raise refusal or NotFound()
