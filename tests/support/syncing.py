"""A directory read and applied to the end, as the schedule and a worker do it together."""

from idp.core.jobs import get_job
from idp.core.sync.runs import RunMode
from idp.core.sync_schedule import Synced, sync_directory
from idp.jobs.runner import Runner
from tests.support.world import STAFF, World


def sync_to_end(world: World, name: str, mode: RunMode) -> Synced:
    """Read a directory of the staff and apply what changed, unless it is held."""
    synced = sync_directory(world.runtime, STAFF, name, mode)
    if synced.job_id is not None:
        apply_to_end(world, synced.job_id)
    return synced


def apply_to_end(world: World, job_id: str) -> None:
    """Run the job that applies a run, and check that it came to its end at once."""
    Runner(world.runtime).run_job(job_id)
    with world.begin(write=False) as uow:
        job = get_job(uow, job_id)
        assert (job.state, job.errors) == ("done", ())
