"""A worker: takes jobs and outgoing messages that are due, and does them batch by batch."""

import logging
import os
import secrets
import threading
from collections.abc import Callable
from datetime import timedelta

from idp.core.job_leases import (
    LEASE,
    MAX_ATTEMPTS,
    JobKind,
    hold_job,
    note_failure,
    release_job,
    run_batch,
)
from idp.core.jobs import Job, JobState, find_job
from idp.core.runtime import Runtime
from idp.errors import IdpError, Unavailable
from idp.ids import RealmName
from idp.jobs import JOBS
from idp.jobs.delivery import Delivery
from idp.jobs.directories import DirectoryKeeper
from idp.store.queues import Lease, add_recurring_job, find_job_realm, release_leases, take_job

OnProgress = Callable[[Job], None]

_IDLE_SECONDS = 0.5
_TROUBLE_SECONDS = 2.0
_FOLLOW_SECONDS = 0.2
_SQLITE_PAUSE = timedelta(milliseconds=50)
"""Between batches: SQLite's waiting is not fair, so a sign-in needs a gap to come in."""

_log = logging.getLogger(__name__)


class Runner:
    """One worker of a process. Safe beside other workers, on this machine or another."""

    def __init__(
        self, runtime: Runtime, *, name: str | None = None, heir_of: str | None = None
    ) -> None:
        """Make a worker.

        Args:
            name: one that no other worker has or had; made up when absent.
            heir_of: the name of a worker that is known to be dead.
        """
        self._runtime = runtime
        self._owner = name or f"{os.getpid()}-{secrets.token_hex(8)}"
        self._heir_of = heir_of
        self._kinds = {kind.name: kind for kind in JOBS}
        self._delivery = Delivery(runtime, self._owner)
        self._directories = DirectoryKeeper(runtime)
        pause = _SQLITE_PAUSE if runtime.database.is_sqlite else timedelta(0)
        self._pause_seconds = pause.total_seconds()

    def run_once(self) -> int:
        """Do all jobs and messages that are due now; return how many there were."""
        self._inherit()
        self._add_recurring()
        stop = threading.Event()
        done = self._directories.sync_due(stop)
        while self._run_next(stop) or self._delivery.deliver_some(stop):
            done += 1
        return done

    def run_job(self, job_id: str, on_progress: OnProgress | None = None) -> None:
        """Run one job to its end, or follow the worker that has it.

        Returns when the job is done, failed, cancelled, paused, or put off after an error.

        Args:
            on_progress: called with the job after each batch.
        """
        realm = find_job_realm(self._runtime.database, job_id)
        stop = threading.Event()
        while realm is not None:
            if self._take(job_id) is not None:
                self._run(realm, job_id, stop, on_progress)
            job = self._look_at(realm, job_id)
            if job is None or job.is_ended or self._is_put_off(job):
                return
            if on_progress is not None:
                on_progress(job)
            stop.wait(_FOLLOW_SECONDS)

    def run_forever(self, stop: threading.Event) -> None:
        """Take work until `stop` is set; a batch under way is finished first.

        Messages have a thread of their own, so that no bulk reset holds up a recovery mail; so
        have directories, which may take minutes to answer.
        """
        beside = [(self._delivery.deliver_some, "outbox")]
        if self._runtime.config.connectors:
            beside.append((self._directories.sync_due, "directories"))
        threads = [
            threading.Thread(target=self._loop, args=(work, stop), name=name)
            for work, name in beside
        ]
        for thread in threads:
            thread.start()
        self._loop(self._run_next_of_all, stop)
        for thread in threads:
            thread.join()

    def _loop(self, work: Callable[[threading.Event], int], stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                wait = 0.0 if work(stop) else _IDLE_SECONDS
            except IdpError as error:
                _log.warning("a worker has to wait: %s %s", error.code, error.detail or "")
                wait = _TROUBLE_SECONDS
            except Exception:  # noqa: BLE001 - a worker outlives a bug, which is logged
                _log.exception("a worker met a bug and goes on")
                wait = _TROUBLE_SECONDS
            stop.wait(wait)

    def _run_next_of_all(self, stop: threading.Event) -> int:
        self._inherit()
        self._add_recurring()
        return self._run_next(stop)

    def _run_next(self, stop: threading.Event) -> int:
        taken = self._take()
        if taken is None:
            return 0
        realm, job_id = taken
        self._run(realm, job_id, stop, None)
        return 1

    def _inherit(self) -> None:
        """Free once what a dead worker held, instead of waiting until its leases are over."""
        if self._heir_of is not None:
            release_leases(self._runtime.database, self._heir_of)
            self._heir_of = None

    def _add_recurring(self) -> None:
        for kind in JOBS:
            if kind.every is not None:
                now = self._runtime.clock.now()
                add_recurring_job(self._runtime.database, kind.name, now)

    def _take(self, job_id: str | None = None) -> tuple[RealmName, str] | None:
        now = self._runtime.clock.now()
        lease = Lease(self._owner, now, now + LEASE)
        return take_job(self._runtime.database, lease, self._kinds, job_id=job_id)

    def _run(
        self,
        realm: RealmName,
        job_id: str,
        stop: threading.Event,
        on_progress: OnProgress | None,
    ) -> None:
        while not stop.is_set():
            job = self._run_batch(realm, job_id)
            if job is None:
                return
            if on_progress is not None:
                on_progress(job)
            if job.state is not JobState.RUNNING:
                return
            stop.wait(self._pause_seconds)
        with self._runtime.begin(realm) as uow:
            release_job(uow, job_id, self._owner)

    def _run_batch(self, realm: RealmName, job_id: str) -> Job | None:
        try:
            with self._runtime.begin(realm) as uow:
                job = hold_job(uow, job_id, self._owner)
                if job is None:
                    return None
                uow.act_as(job.actor)
                if job.attempts <= MAX_ATTEMPTS:
                    return run_batch(uow, self._kind(job), job)
                error = "gave up: a worker died each time"
                return note_failure(uow, job_id, self._owner, error=error, is_final=True)
        except Unavailable as error:
            return self._fail(realm, job_id, error.detail or error.code, is_final=False)
        except IdpError as error:
            said = ", ".join(f"{name}={value}" for name, value in error.params.items())
            return self._fail(realm, job_id, f"{error.code} {said}".strip(), is_final=True)
        except Exception as error:  # noqa: BLE001 - a worker outlives a bug, which is logged
            _log.exception("a batch of job %s was rolled back", job_id)
            return self._fail(realm, job_id, type(error).__name__, is_final=False)

    def _fail(self, realm: RealmName, job_id: str, error: str, *, is_final: bool) -> Job | None:
        with self._runtime.begin(realm) as uow:
            return note_failure(uow, job_id, self._owner, error=error, is_final=is_final)

    def _kind(self, job: Job) -> JobKind:
        return self._kinds[job.kind]

    def _look_at(self, realm: RealmName, job_id: str) -> Job | None:
        with self._runtime.begin(realm, write=False) as uow:
            return find_job(uow, job_id)

    def _is_put_off(self, job: Job) -> bool:
        return job.state is JobState.QUEUED and job.available_at > self._runtime.clock.now()
