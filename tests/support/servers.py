"""The product as its users run it: `idp` in processes of its own."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tests.support import ROOT
from tests.support.waiting import wait_until

_STOP_SECONDS = 15


@dataclass(frozen=True, slots=True)
class IdpServer:
    """One started `idp` command, leader of a process group of its own."""

    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def pid(self) -> int:
        """Give the process id of the leader."""
        return self.process.pid

    @property
    def is_running(self) -> bool:
        """Tell whether the leader still runs."""
        return self.process.poll() is None

    def wait_for(self, url: str, *, seconds: float = 120.0) -> None:
        """Return when `url` answers 200; fail with the log when the process ends before."""

        def is_ready() -> bool:
            if not self.is_running:
                reason = f"idp ended with {self.process.returncode}:\n{self.tail()}"
                raise RuntimeError(reason)
            return _answers(url)

        try:
            wait_until(is_ready, what=url, seconds=seconds)
        except TimeoutError as error:
            reason = f"{error}\n{self.tail()}"
            raise TimeoutError(reason) from error

    def tail(self, lines: int = 30) -> str:
        """Return the last lines of what the process wrote."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self) -> int:
        """Ask the process to end, insist if it does not, and return its exit status."""
        if self.is_running:
            self.process.terminate()
        try:
            status = self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            status = self.kill()
        self._end_group()
        return status

    def kill(self) -> int:
        """End the leader and its workers at once, as `kill -9` does, and return its exit status."""
        self._end_group()
        return self.process.wait(_STOP_SECONDS)

    def _end_group(self) -> None:
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def start_idp(*arguments: str, directory: Path) -> IdpServer:
    """Start `idp ARGUMENTS` in `directory`, its output in a log file there."""
    number = len(list(directory.glob("idp-*.log"))) + 1
    log = directory / f"idp-{number}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "idp", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=directory,
            env=clean_environment(),
            start_new_session=True,
        )
    return IdpServer(process, log)


def run_idp(
    *arguments: str, directory: Path, stdin: str = "", seconds: float = 60.0
) -> "subprocess.CompletedProcess[str]":
    """Run `idp ARGUMENTS` in `directory` to its end and return what it answered."""
    return subprocess.run(
        [sys.executable, "-m", "idp", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        cwd=directory,
        env=clean_environment(),
        timeout=seconds,
    )


def clean_environment() -> dict[str, str]:
    """Return this environment without settings of `idp`, and with the tree importable."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("IDP_")}
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - loopback, http
            return answer.status == 200  # type: ignore[no-any-return]
    except OSError:
        return False
