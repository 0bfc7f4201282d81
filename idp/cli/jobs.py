"""`idp job`: long work under way, in any realm."""

from collections.abc import Callable

import click

from idp.cli.base import CliContext, json_option
from idp.cli.following import find_job, job_document, look_at, realms_of
from idp.core.jobs import Job, cancel_job, list_jobs, pause_job, resume_job
from idp.core.work import HOST, UnitOfWork


@click.group("job")
def job_group() -> None:
    """Long work under way: see, pause, resume, cancel."""


@job_group.command("list")
@click.option("--realm", metavar="R", help="One realm; all of them without it.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@json_option
@click.pass_obj
def list_command(context: CliContext, realm: str | None, limit: int, *, as_json: bool) -> None:
    """List jobs, the latest first."""
    jobs = [
        job
        for name in realms_of(context, realm)
        for job in look_at(context, name, lambda uow: list_jobs(uow, limit=limit))
    ]
    jobs.sort(key=lambda job: job.created_at, reverse=True)
    if as_json:
        context.print_json({"jobs": [job_document(job) for job in jobs[:limit]]})
        return
    context.table(
        [(j.id, j.realm, j.kind, _state(j), j.done, j.total, j.created_at) for j in jobs[:limit]],
        ("job", "realm", "kind", "state", "done", "total", "created"),
    )


@job_group.command("show")
@click.argument("job_id", metavar="JOB")
@json_option
@click.pass_obj
def show_command(context: CliContext, job_id: str, *, as_json: bool) -> None:
    """Show a job."""
    _show(context, find_job(context, job_id), as_json=as_json)


@job_group.command("pause")
@click.argument("job_id", metavar="JOB")
@json_option
@click.pass_obj
def pause_command(context: CliContext, job_id: str, *, as_json: bool) -> None:
    """Let a job stop after its present batch, until it is resumed."""
    _ask(context, job_id, pause_job, as_json=as_json)


@job_group.command("resume")
@click.argument("job_id", metavar="JOB")
@json_option
@click.pass_obj
def resume_command(context: CliContext, job_id: str, *, as_json: bool) -> None:
    """Let a paused, failed or cancelled job go on where it stopped."""
    _ask(context, job_id, resume_job, as_json=as_json)


@job_group.command("cancel")
@click.argument("job_id", metavar="JOB")
@json_option
@click.pass_obj
def cancel_command(context: CliContext, job_id: str, *, as_json: bool) -> None:
    """End a job after its present batch; what it did stays."""
    job = find_job(context, job_id)
    with context.runtime().begin(job.realm, actor=HOST) as uow:
        cancel_job(uow, job_id)
    context.runner().run_job(job_id)
    _show(context, find_job(context, job_id), as_json=as_json)


def _ask(
    context: CliContext, job_id: str, ask: Callable[[UnitOfWork, str], Job], *, as_json: bool
) -> None:
    job = find_job(context, job_id)
    with context.runtime().begin(job.realm, actor=HOST) as uow:
        job = ask(uow, job_id)
    _show(context, job, as_json=as_json)


def _show(context: CliContext, job: Job, *, as_json: bool) -> None:
    document = job_document(job)
    if as_json:
        context.print_json(document)
        return
    context.details(
        {
            "job": job.id,
            "realm": job.realm,
            "kind": job.kind,
            "state": _state(job),
            "done": f"{job.done} of {job.total}" if job.total else job.done,
            "due at": job.available_at,
            "created at": job.created_at,
            "started at": job.started_at,
            "finished at": job.finished_at,
            "errors": "; ".join(job.errors),
        }
    )


def _state(job: Job) -> str:
    asked = "" if job.requested is None else f" ({job.requested.value} asked for)"
    return f"{job.state.value}{asked}"
