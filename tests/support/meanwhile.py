"""Something that begins while something else is done but not committed."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from idp.core.work import UnitOfWork
from tests.support.waiting import wait_until
from tests.support.world import World

Answer = TypeVar("Answer")


def during(
    world: World,
    first: Callable[[UnitOfWork], object],
    second: Callable[[], Answer],
    then: Callable[[UnitOfWork], object] | None = None,
) -> Answer:
    """Begin the second while the first is not committed; it ends before, or waits.

    Args:
        then: what the first goes on with while the second waits.

    Returns:
        What the second answers; an error of its own is raised.
    """
    with ThreadPoolExecutor(1) as pool:
        with world.begin() as uow:
            first(uow)
            uow.db.flush()
            begun = pool.submit(second)
            wait_until(lambda: begun.done() or _somebody_waits(world), what="the second")
            if then is not None:
                then(uow)
        return begun.result()


def _somebody_waits(world: World) -> bool:
    """Tell whether a statement waits for another transaction; on SQLite, whoever writes does."""
    if world.runtime.database.is_sqlite:
        return True
    with world.runtime.database.connection(write=False) as connection:
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        found = connection.exec_driver_sql(f"{waiting} AND wait_event_type = 'Lock'")
        return bool(found.scalar_one())
