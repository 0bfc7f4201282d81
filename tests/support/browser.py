"""A real browser, the Chromium of this machine, that cannot leave the loopback interface."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

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
