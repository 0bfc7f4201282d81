"""A real browser, the Chromium of this machine, that cannot leave the loopback interface."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.support import MissingPartError

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_NEAR_ONLY = "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1"
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--host-resolver-rules={_NEAR_ONLY}",
)
_GUESS = "[DOM] Password forms should have"
"""Chromium looks at a form once more when fields are new to it, and now and then misses the name
that it saw before; `nameless_forms` looks at the whole form instead."""
_NAMELESS = """() => [...document.forms].filter(form => {
    const first = form.querySelector("input:is([type=text], [type=email], [type=password])");
    return first && first.type === "password";
}).map(form => form.action)"""


def find_chromium() -> str:
    """Return the path of the installed Chromium."""
    for name in _NAMES:
        path = shutil.which(name)
        if path:
            return path
    raise MissingPartError("Chromium")


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Start Chromium without a window and end it afterwards."""
    path = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


def complaints_of(page: Page) -> list[str]:
    """Return the list that what the browser complains of on this page will be added to."""
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if not message.text.startswith(_GUESS):
            complaints.append(message.text)

    page.on("console", listen)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return complaints


def nameless_forms(page: Page) -> list[str]:
    """Return the actions of forms that ask for a password before they say, or ask, whose it is."""
    found: list[str] = page.evaluate(_NAMELESS)
    return found
