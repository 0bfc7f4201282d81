"""Reading a directory for a plan, while somebody watches how far it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from idp.cli.base import CliContext
from idp.cli.output import Progress
from idp.core.plans import PlanView, create_plan
from idp.core.runtime import Runtime
from idp.core.sync.kind import KIND_NAME
from idp.core.sync.runs import READ, RunMode, RunState, find_last_run
from idp.core.sync_review import count_last_seen
from idp.core.work import HOST
from idp.ids import RealmName

_LOOK_EVERY = 0.5


def plan_sync(context: CliContext, realm: RealmName, name: str, mode: str) -> PlanView:
    """Read a directory, show how many accounts were read, and return the plan.

    Raises:
        NotFound, Conflict, Unavailable: as `idp.core.sync.reading.read_directory`.
    """
    runtime = context.runtime()
    with runtime.begin(realm, write=False) as uow:
        total = None if mode == RunMode.INCREMENTAL else count_last_seen(uow, name)
    params = {"connector": name, "mode": mode}
    with context.progress("accounts read", total) as show, _watching(runtime, realm, name, show):
        return create_plan(runtime, realm, KIND_NAME, params, HOST)


@contextmanager
def _watching(runtime: Runtime, realm: RealmName, name: str, show: Progress) -> Iterator[None]:
    over = Event()

    def watch() -> None:
        while not over.wait(_LOOK_EVERY):
            with runtime.begin(realm, write=False) as uow:
                run = find_last_run(uow, name)
            if run is not None and run.state is RunState.READING and READ in run.counts:
                show(run.counts[READ])

    watcher = Thread(target=watch, name="progress", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
