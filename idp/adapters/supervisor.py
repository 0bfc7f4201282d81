"""The parent of the server's processes: starts them, starts them again, stops them together.

It answers no request itself. SIGTERM and SIGINT stop everything in good order, SIGHUP loads the
configuration anew, a child that dies is replaced. When the supervisor itself is killed its
children notice and end.
"""

import queue
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from types import FrameType

import structlog

_TICK_S = 1.0
_STEADY_S = 10.0
_LONGEST_PAUSE_S = 30.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
_log = structlog.get_logger("idp.supervisor")


@dataclass(slots=True)
class Child:
    """One child process: an `idp` command.

    Attributes:
        reload_signal: what makes it take a new configuration; a child that ends is started again.
        is_named: each process gets a name that no other has, and is told the one that it replaces,
            which is dead then: it may take over what was left under that name.
    """

    name: str
    arguments: Sequence[str]
    reload_signal: signal.Signals
    is_named: bool = False
    _name: str | None = field(default=None, repr=False)
    _process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)
    _started: float = 0.0
    _pause: float = 0.0
    _is_expected: bool = False

    def keep_running(self, environ: Mapping[str, str]) -> None:
        """Start the child if it does not run, with growing pauses when it does not stay up."""
        if self._process is not None:
            status = self._process.poll()
            if status is None:
                return
            self._note_end(status)
        if time.monotonic() - self._started < self._pause:
            return
        self._started = time.monotonic()
        command = [sys.executable, "-m", "idp", *self.arguments, *self._succession()]
        self._process = subprocess.Popen(command, env=dict(environ))  # noqa: S603 - our own
        _log.info("started", child=self.name, pid=self._process.pid)

    def _succession(self) -> list[str]:
        """Return the options with the name of the next process and of the one before."""
        if not self.is_named:
            return []
        before, self._name = self._name, secrets.token_hex(16)
        return ["--name", self._name, *(["--heir-of", before] if before else [])]

    def _note_end(self, status: int) -> None:
        self._process = None
        if self._is_expected:
            self._is_expected, self._pause = False, 0.0
            return
        steady = time.monotonic() - self._started >= _STEADY_S
        self._pause = 0.0 if steady else min(_LONGEST_PAUSE_S, max(0.5, self._pause * 2))
        _log.error("ended", child=self.name, status=status, again_in_s=self._pause)

    def reload(self) -> None:
        """Make the child take the new configuration."""
        self._is_expected = self.reload_signal is signal.SIGTERM
        self._send(self.reload_signal)

    def stop(self) -> None:
        """Ask the child to end."""
        self._send(signal.SIGTERM)

    def finish(self, seconds: float) -> None:
        """Wait for the child to end, and insist when it does not."""
        if self._process is None:
            return
        try:
            self._process.wait(max(0.0, seconds))
        except subprocess.TimeoutExpired:
            _log.error("killed", child=self.name)
            self._process.kill()
            self._process.wait()

    @property
    def has_ended(self) -> bool:
        """Tell whether the child no longer runs."""
        return self._process is None or self._process.poll() is not None

    def _send(self, number: signal.Signals) -> None:
        if not self.has_ended and self._process is not None:
            self._process.send_signal(number)


class Supervisor:
    """Runs children until it is told to stop.

    Args:
        check: looks at the configuration that a reload would bring; gives the reason against it,
            or None.
        grace: how long the children may take to end.
    """

    def __init__(
        self,
        children: Sequence[Child],
        environ: Mapping[str, str],
        *,
        check: Callable[[], str | None],
        grace: timedelta,
    ) -> None:
        self._children = children
        self._environ = environ
        self._check = check
        self._grace = grace
        self._signals: queue.SimpleQueue[int] = queue.SimpleQueue()

    def run(self) -> int:
        """Keep the children running until SIGTERM or SIGINT; return the exit status."""
        for number in _SIGNALS:
            signal.signal(number, self._note_signal)
        while True:
            for child in self._children:
                child.keep_running(self._environ)
            match self._next_signal(_TICK_S):
                case signal.SIGTERM | signal.SIGINT:
                    return self._stop()
                case signal.SIGHUP:
                    self._reload()
                case _:
                    continue

    def _note_signal(self, number: int, _frame: FrameType | None) -> None:
        self._signals.put_nowait(number)

    def _next_signal(self, seconds: float) -> int | None:
        try:
            return self._signals.get(timeout=seconds)
        except queue.Empty:
            return None

    def _reload(self) -> None:
        reason = self._check()
        if reason is not None:
            _log.error("configuration refused, keeping the one in force", reason=reason)
            return
        _log.info("reloading")
        for child in self._children:
            child.reload()

    def _stop(self) -> int:
        """Stop every child; a second request to stop ends them at once."""
        _log.info("stopping")
        for child in self._children:
            child.stop()
        until = time.monotonic() + self._grace.total_seconds()
        while time.monotonic() < until and not all(c.has_ended for c in self._children):
            if self._next_signal(_TICK_S) in {signal.SIGTERM, signal.SIGINT}:
                until = 0.0
        for child in self._children:
            child.finish(until - time.monotonic())
        return 0
