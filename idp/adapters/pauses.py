"""Waiting, and how long something took."""

import time


class ThreadPause:
    """The port `idp.core.ports.Pause`, for servers with threads: only the caller's is held up."""

    def seconds(self) -> float:
        """Return what a clock shows that is never set."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)
