"""`idp demo` as a person starts it, and what its signpost says."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.support.servers import IdpServer, run_idp, start_idp
from tests.support.waiting import wait_until

_STARTS_WITHIN_S = 180

NewPage = Callable[[], Page]
"""Opens a page in a browser of its own, as another person would."""


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo; `report` is its `demo.json`."""

    server: IdpServer
    folder: Path
    report: dict[str, Any]

    def url(self, app: str) -> str:
        """Return the address of an app: professional, mobile or portal."""
        address: str = self.report["apps"][app]
        return address

    def issuer(self, realm: str) -> str:
        """Return the issuer of a realm."""
        issuer: str = self.report["issuers"][realm]
        return issuer

    def run(self, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        """Run `idp ARGUMENTS` on the demo's installation, as its commands to paste do."""
        config = ("--config", str(self.folder / "config.toml"))
        return run_idp(*arguments, *config, directory=self.folder, stdin=stdin, seconds=120)

    def must_run(self, *arguments: str, stdin: str = "") -> str:
        """Run `idp ARGUMENTS`, insist that it is done, and return what it printed."""
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def reset_all(self, password: str) -> None:
        """Give all staff one password that they may keep."""
        options = ("--mode", "shared", "--no-require-change", "--all", "--password-stdin")
        plan = self.must_run(
            "reset", "plan", "--realm", "staff", *options, "--json", stdin=f"{password}\n"
        )
        plan_id = json.loads(plan)["id"]
        self.must_run("reset", "apply", plan_id, "--realm", "staff", "--wait", "--yes")

    def publish(self, name: str, realm: str = "staff") -> None:
        """Publish one of the policies that the demo wrote: shorter or longer."""
        file = str(self.folder / f"{name}.toml")
        self.must_run("policy", "publish", file, "--realm", realm, "--yes")


def start_demo(folder: Path, *options: str) -> Demo:
    """Start the demo on `folder/data` and any free ports; return once it can be used."""
    data = folder / "data"
    ports = () if "--port" in options else ("--port", "0")
    server = start_idp(
        "demo", *ports, "--data", str(data), "--no-browser", *options, directory=folder
    )
    report = data / "demo.json"

    def is_ready() -> bool:
        if not server.is_running:
            raise RuntimeError(server.tail())
        return report.exists() and json.loads(report.read_text())["pid"] == server.pid

    try:
        wait_until(is_ready, what="the demo", seconds=_STARTS_WITHIN_S)
    except BaseException:
        server.stop()
        raise
    return Demo(server, data, json.loads(report.read_text()))


@contextmanager
def running_demo(folder: Path, *options: str) -> Iterator[Demo]:
    """Give a running demo; it is stopped at the end."""
    demo = start_demo(folder, *options)
    try:
        yield demo
    finally:
        demo.server.stop()


def shown_page(page: Page) -> str | None:
    """Return which page is shown, ours or an app's."""
    return page.locator("body").get_attribute("data-page")


def user_at(page: Page) -> str | None:
    """Return who is signed in at the app that is shown."""
    return page.locator("body").get_attribute("data-user")


def go_to_sign_in(page: Page, demo: Demo, app: str) -> None:
    """Open an app and press its button."""
    page.goto(demo.url(app))
    page.get_by_role("link", name="Sign in", exact=True).click()


def type_password(page: Page, username: str, password: str) -> None:
    """Fill the server's sign-in form and send it."""
    page.locator("[name=username]").fill(username)
    page.locator("[name=password]").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def sign_in(page: Page, demo: Demo, app: str, username: str, password: str) -> None:
    """Sign in to an app, from its own page."""
    go_to_sign_in(page, demo, app)
    type_password(page, username, password)


def type_new_password(page: Page, new: str, *, current: str | None = None) -> None:
    """Fill the form for a new password and send it."""
    if current is not None:
        page.locator("[name=current_password]").fill(current)
    page.locator("[name=new_password]").fill(new)
    page.locator("[name=confirm_password]").fill(new)
    page.locator("main form button[type=submit]").click()
