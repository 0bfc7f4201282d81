"""`idp demo`: everything at once on this machine, until Ctrl-C."""

import os
import sys
import threading
import webbrowser
from collections.abc import Mapping
from pathlib import Path
from socket import socket

import click
import requests

from idp import app
from idp.cli.base import CliContext
from idp.clock import SystemClock
from idp.demo.app_site import create_site
from idp.demo.mail_page import create_mail_site
from idp.demo.places import PARTS, Places
from idp.demo.relying_party import Registered, RelyingParty
from idp.demo.samples import APPS, SCOPE
from idp.demo.seed import Prepared, prepare_demo
from idp.demo.serving import SERVER, held_folder, open_doors, serve_pages
from idp.demo.signpost import print_signpost, report_of, write_report

_LAST_PORT = 65535 - len(PARTS)
_LOOK_AGAIN_S = 0.2
_SETTINGS = "IDP_"


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, _LAST_PORT),
    default=8080,
    show_default=True,
    help="The server's; apps and mail take the next four. 0: any free ones.",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo-data"),
    show_default=True,
    help="Where everything is kept from one run to the next.",
)
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
@click.option("--mail-url", metavar="URL", help="Send mails to smtp://HOST:PORT, not to the page.")
@click.option(
    "--database-url", metavar="URL", help="An empty database to use; a SQLite file if not."
)
@click.pass_obj
def demo(
    context: CliContext,
    port: int,
    data: Path,
    *,
    no_browser: bool,
    mail_url: str | None,
    database_url: str | None,
) -> None:
    """Start everything with sample apps and users; Ctrl-C stops it.

    Nobody but this machine can reach it. Use Chrome, Edge or Firefox.
    """
    if context.config_path is not None:
        raise click.UsageError("the demo has a configuration of its own; use --data")
    _forget_settings()
    with held_folder(data), open_doors(port) as doors:
        ports = {part: door.getsockname()[1] for part, door in doors.items()}
        places = Places(data, ports)
        places.report.unlink(missing_ok=True)
        context.say("Preparing ...")
        prepared = prepare_demo(context, places, mail_url=mail_url, database_url=database_url)
        _serve_apps(doors, places, prepared, mail_url)
        doors[SERVER].close()
        sys.exit(_run(places, prepared, opens_browser=not no_browser))


def _forget_settings() -> None:
    """Leave out of the environment what configures another installation on this machine."""
    for name in [name for name in os.environ if name.startswith(_SETTINGS)]:  # noqa: TID251
        del os.environ[name]  # noqa: TID251 - the children must not see it either


def _serve_apps(
    doors: Mapping[str, socket], places: Places, prepared: Prepared, mail_url: str | None
) -> None:
    clock = SystemClock()
    for sample in APPS:
        registered = Registered(
            issuer=places.issuer(sample.realm),
            client_id=sample.client_id,
            secret=prepared.secrets.get(sample.client_id),
            url=places.url(sample.key),
            scope=SCOPE,
        )
        site = create_site(sample, RelyingParty(registered, clock), clock)
        serve_pages(doors[sample.key], site)
    shown = mail_url.rpartition("@")[2] if mail_url else None
    serve_pages(doors["mail"], create_mail_site(places.mail, places.url("mail"), elsewhere=shown))


def _run(places: Places, prepared: Prepared, *, opens_browser: bool) -> int:
    """Run the server until it is told to stop, and say so when it can be used."""
    app.start_log(prepared.config)
    stop = threading.Event()

    def announce() -> None:
        if not _wait_for(f"{places.public_url}/readyz", stop):
            return
        print_signpost(places, prepared)
        write_report(places, report_of(places, prepared))
        if opens_browser:
            webbrowser.open(places.url(APPS[0].key))

    threading.Thread(target=announce, daemon=True).start()
    try:
        return app.supervise(places.config, prepared.config, with_jobs=True)
    finally:
        stop.set()


def _wait_for(address: str, stop: threading.Event) -> bool:
    """Return True once `address` answers 200, False when told to stop before."""
    with requests.Session() as session:
        session.trust_env = False  # a proxy is not for the loopback
        while not stop.is_set():
            try:
                if session.get(address, timeout=2).ok:
                    return True
            except requests.RequestException:
                pass
            stop.wait(_LOOK_AGAIN_S)
    return False
