"""`idp serve`, `idp worker`, and `idp web`, which `serve` runs as its child."""

import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

import click

from idp.cli.base import CliContext

if TYPE_CHECKING:
    from idp.config import Config

_WATCH_SECONDS = 1.0
_parent_option = click.option(
    "--parent", type=int, hidden=True, help="End when this process is no longer the parent."
)


@click.command()
@click.option("--no-jobs", is_flag=True, help="Run `idp worker` elsewhere instead.")
@click.pass_obj
def serve(context: CliContext, *, no_jobs: bool) -> None:
    """Run the server, background jobs included.

    SIGTERM stops it once running requests are answered; SIGHUP takes a new configuration.
    """
    context.parts().start_log(context.config)
    parts, config = context.parts(), context.config
    sys.exit(parts.supervise(context.config_path, config, with_jobs=not no_jobs))


@click.command(hidden=True)
@_parent_option
@click.pass_obj
def web(context: CliContext, *, parent: int | None) -> None:
    """Answer HTTP requests only; the configuration is checked by `serve`."""
    context.parts().start_log(context.config)
    context.parts().serve_web(_loader(context), parent=parent)


@click.command()
@_parent_option
@click.option("--name", hidden=True, help="A name that no other worker has or had.")
@click.option("--heir-of", hidden=True, help="The name of a dead worker; its work is free at once.")
@click.pass_obj
def worker(
    context: CliContext, *, parent: int | None, name: str | None, heir_of: str | None
) -> None:
    """Run background jobs and send mail until told to stop."""
    stop = threading.Event()
    _stop_on(stop, signal.SIGTERM, signal.SIGINT)
    context.parts().start_log(context.config)
    runner = context.parts().job_runner(context.runtime(), name=name, heir_of=heir_of)
    if parent is not None:
        threading.Thread(target=_stop_without, args=(parent, stop), daemon=True).start()
    runner.run_forever(stop)


def _stop_on(stop: threading.Event, *numbers: signal.Signals) -> None:
    """Set `stop` when any of these signals comes.

    Not in the handler: it may interrupt the event while it is being set or waited for (Ctrl-C sends
    two signals at once), and would wait for itself. Only a `SimpleQueue` may be entered again.
    """
    come: queue.SimpleQueue[int] = queue.SimpleQueue()

    def note(number: int, _frame: FrameType | None) -> None:
        come.put(number)

    def wait() -> None:
        come.get()
        stop.set()

    for number in numbers:
        signal.signal(number, note)
    threading.Thread(target=wait, daemon=True, name="signals").start()


def _stop_without(parent: int, stop: threading.Event) -> None:
    """Set `stop` when `parent` is no longer this process's parent."""
    while os.getppid() == parent and not stop.wait(_WATCH_SECONDS):
        continue
    stop.set()


def _loader(context: CliContext) -> "Callable[[], Config]":
    from idp.config import load  # noqa: PLC0415 - with the configuration, not before

    return lambda: load(context.config_path)
