"""A process of its own that syncs a directory, and what each run cost it.

Run as a module in the folder of an installation, it reads modes from its input, one a line, and
answers each with a line of JSON.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idp.app import assemble, start_quiet_log
from idp.config import load
from idp.core.runtime import Runtime
from idp.core.sync.runs import RunMode
from idp.core.sync_schedule import sync_directory
from idp.ids import RealmName
from idp.jobs.runner import Runner
from tests.support.installation import Installation
from tests.support.servers import clean_environment

_STOP_SECONDS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a run found and what it took; `grown_mib` is the most the process ever grew by."""

    mode: str
    state: str
    counts: Mapping[str, int]
    seconds: float
    grown_mib: int


@dataclass(frozen=True, slots=True)
class SyncProcess:
    """The running process."""

    process: "subprocess.Popen[str]"
    log: Path

    def sync(self, mode: RunMode) -> Cost:
        """Read the directory and apply what changed, and return what that took."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{mode.value}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(self.log.read_text(errors="replace"))
        return Cost(**json.loads(answer))


@contextmanager
def running_sync_process(installation: Installation, name: str) -> Iterator[SyncProcess]:
    """Start a process that syncs a directory when it is told to; end it afterwards."""
    log = installation.folder / "sync-process.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, installation.config, name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
            cwd=installation.folder, env=clean_environment(),
        )  # fmt: skip
    try:
        yield SyncProcess(process, log)
    finally:
        process.communicate(timeout=_STOP_SECONDS)


def _serve(config: Path, name: str) -> None:
    start_quiet_log()
    runtime = assemble(load(config, {}))
    realm = RealmName(runtime.config.connectors[name].realm)
    with runtime.begin(realm, write=False):
        before = _memory_mib("VmRSS:")
    for line in sys.stdin:
        cost = _sync(runtime, realm, name, RunMode(line.strip()))
        cost["grown_mib"] = _memory_mib("VmHWM:") - before
        sys.stdout.write(f"{json.dumps(cost)}\n")
        sys.stdout.flush()


def _sync(runtime: Runtime, realm: RealmName, name: str, mode: RunMode) -> dict[str, Any]:
    began = time.perf_counter()
    synced = sync_directory(runtime, realm, name, mode)
    if synced.job_id is not None:
        Runner(runtime).run_job(synced.job_id)
    seconds = time.perf_counter() - began
    run = synced.run
    is_applied = synced.plan_id is None or synced.job_id is not None
    state = "applied" if is_applied else run.state.value
    return {"mode": run.mode, "state": state, "counts": dict(run.counts), "seconds": seconds}


def _memory_mib(kind: str) -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition(kind)[2].split()[0]) // 1024


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), sys.argv[2])
