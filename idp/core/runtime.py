"""A running process: its parts, and how it opens units of work."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from idp.core.events import Event
from idp.core.parts import Parts
from idp.core.work import ANONYMOUS, NO_TRACE, Actor, Trace, UnitOfWork
from idp.ids import RealmName

Observer = Callable[[UnitOfWork, Event], None]


@dataclass(slots=True, kw_only=True)
class Runtime(Parts):
    """The parts, with the units of work opened over them.

    Observers are told of every event after its commit (log, metrics).
    """

    observers: tuple[Observer, ...] = ()

    @contextmanager
    def begin(
        self,
        realm: RealmName,
        *,
        write: bool = True,
        actor: Actor = ANONYMOUS,
        trace: Trace = NO_TRACE,
    ) -> Iterator[UnitOfWork]:
        """Open a unit of work; commit when the block ends, roll back when it raises.

        Raises:
            Unavailable: the database does not answer.
        """
        with self.database.transaction(realm, write=write) as db:
            uow = UnitOfWork(self, realm, db, self.clock.now(), actor, trace)
            yield uow
        for event in uow.events:
            for observe in self.observers:
                observe(uow, event)
        for call in uow.after_commit:
            call()
