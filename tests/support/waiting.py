"""Waiting for something outside this process, with a limit and a reason."""

import threading
import time
from collections.abc import Callable

_PAUSE_SECONDS = 0.02


def wait_until(is_true: Callable[[], bool], *, what: str, seconds: float = 20.0) -> None:
    """Return as soon as `is_true()` holds, or raise `TimeoutError` that names `what`.

    For conditions in other processes only; inside one process use its own events.
    """
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not is_true():
        if time.monotonic() > deadline:
            reason = f"waited {seconds:g} s in vain for {what}"
            raise TimeoutError(reason)
        pause.wait(_PAUSE_SECONDS)
