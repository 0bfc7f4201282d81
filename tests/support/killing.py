"""Workers that die: at a chosen commit, as if the process were gone, or really by `kill -9`."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

from idp.core.job_leases import LEASE
from idp.jobs.runner import Runner
from tests.support.world import World

_MANY = 200


class WorkerDied(BaseException):
    """The process is gone: nothing after this moment runs, not even its error handling."""


@contextmanager
def dying_when(engine: Engine, is_time: Callable[[], bool]) -> Iterator[None]:
    """Let the process die right before the first transaction that commits when it is time."""

    def die(_connection: Connection) -> None:
        if is_time():
            raise WorkerDied

    event.listen(engine, "commit", die)
    try:
        yield
    finally:
        event.remove(engine, "commit", die)


@contextmanager
def dying_at_commit(engine: Engine, number: int) -> Iterator[None]:
    """Let the process die right before the transaction with this number (from 1) commits."""
    count = itertools.count(1)
    with dying_when(engine, lambda: next(count) == number):
        yield


def run_with_deaths(world: World) -> int:
    """Run everything that is due while worker after worker dies, a little later each time.

    Returns:
        How many died before one came to the end.
    """
    for deaths in range(_MANY):
        try:
            with dying_at_commit(world.runtime.database.engine, deaths + 1):
                Runner(world.runtime).run_once()
        except WorkerDied:
            world.clock.advance(LEASE * 3)
        else:
            return deaths
    message = f"{_MANY} workers died and the work is still not done"
    raise AssertionError(message)


LONG_AFTER = timedelta(minutes=10)
"""Enough for every lease to be over."""
