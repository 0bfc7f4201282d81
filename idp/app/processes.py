"""What runs in each process: the web server, the jobs, and the supervisor of both."""

import os
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from idp.adapters.hashing import MALLOC_ENVIRONMENT
from idp.adapters.listeners import GRACE, check_address
from idp.adapters.logs import start_log as start_log_at
from idp.adapters.mail import open_mailer
from idp.adapters.metrics import (
    DIRECTORY_VARIABLE,
    DirectoryCollector,
    ExposureCollector,
    serve_metrics,
)
from idp.adapters.supervisor import Child, Supervisor
from idp.app.parts import assemble, build_runtime
from idp.config import Config, load
from idp.core.exposure import read_directory_accounts, read_exposure
from idp.core.ports import MailRefused, MailTemporary
from idp.core.runtime import Runtime
from idp.errors import IdpError
from idp.http.front import Application
from idp.store.session import Database

if TYPE_CHECKING:  # only what runs jobs pays for it
    from idp.jobs.runner import Runner


def job_runner(
    runtime: Runtime, *, name: str | None = None, heir_of: str | None = None
) -> "Runner":
    """Return what runs jobs and sends mail in this process."""
    from idp.jobs.runner import Runner  # noqa: PLC0415 - most commands run no job

    return Runner(runtime, name=name, heir_of=heir_of)


def check_mail(config: Config) -> str | None:
    """Return why mail cannot go out, or None; nothing is sent."""
    try:
        open_mailer(config.mail.url.reveal()).check()
    except (MailTemporary, MailRefused) as error:
        return str(error)
    return None


def start_log(config: Config) -> None:
    """Send this process's log to stderr as the configuration says."""
    start_log_at(config.log.level, config.log.format)


def start_quiet_log() -> None:
    """Let only warnings through, for commands that a person runs."""
    start_log_at("warning", "text")


def serve_web(load_config: Callable[[], Config], *, parent: int | None) -> None:
    """Answer HTTP requests until told to stop; each worker makes its own runtime.

    A worker that starts while the database is away answers 503 and recovers.
    """
    # Loaded before the workers are forked: they share it, and a new one is there at once.
    from idp.adapters.webserver import run_webserver  # noqa: PLC0415 - only here is it needed
    from idp.app.site import create_site, fill_caches  # noqa: PLC0415

    def create(config: Config) -> Application:
        runtime = assemble(config)
        site = create_site(runtime)
        fill_caches(site, runtime)
        return site

    run_webserver(load_config, create, parent=parent)


def supervise(config_path: Path | None, config: Config, *, with_jobs: bool) -> int:
    """Run the web server and the jobs as child processes; return the exit status.

    Raises:
        ConfigError: something is not as it must be; nothing was started.
    """
    build_runtime(config).database.close()
    check_address(config.server.listen)
    named = ["--config", str(config_path)] if config_path is not None else []
    common = [*named, "--parent", str(os.getpid())]
    children = [Child("web", ["web", *common], reload_signal=signal.SIGHUP)]
    if with_jobs:
        children.append(
            Child("worker", ["worker", *common], reload_signal=signal.SIGTERM, is_named=True)
        )
    with _metrics(config) as extra:
        environ = {**os.environ, **MALLOC_ENVIRONMENT, **extra}  # noqa: TID251 - handed on whole
        supervisor = Supervisor(
            children,
            environ,
            check=lambda: _reason_against(config_path),
            grace=GRACE + timedelta(seconds=5),
        )
        return supervisor.run()


def _reason_against(config_path: Path | None) -> str | None:
    """Return why the configuration cannot take the place of the one in force, or None."""
    try:
        build_runtime(load(config_path)).database.close()
    except IdpError as error:
        return str(error)
    return None


@contextmanager
def _metrics(config: Config) -> Iterator[Mapping[str, str]]:
    """Serve metrics while the block runs; give what the counting processes need to know."""
    address = config.server.metrics_listen
    if address is None:
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="idp-metrics-") as folder:
        database = Database(config.database.url.reveal(), pool_size=1)
        collectors = (
            ExposureCollector(lambda: read_exposure(database)),
            DirectoryCollector(lambda: read_directory_accounts(database)),
        )
        server = serve_metrics(address, Path(folder), collectors)
        yield {DIRECTORY_VARIABLE: folder}
        server.shutdown()
        server.server_close()
        database.close()
