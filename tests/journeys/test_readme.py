"""The README does what it says: its commands and its client are run as they stand there."""

import json
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.support import ROOT
from tests.support.demo import Demo, shown_page, sign_in, type_password, user_at
from tests.support.ports import LOOPBACK, free_port
from tests.support.servers import clean_environment
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.browser]
README = (ROOT / "README.md").read_text()


def commands(beginning: str) -> list[str]:
    """Return the lines of the README's shell blocks that run `idp` with this beginning."""
    blocks = "\n".join(re.findall(r"^ *```sh\n(.*?)^ *```", README, re.DOTALL | re.MULTILINE))
    lines = (line.strip() for line in blocks.splitlines())
    return [line for line in lines if f".venv/bin/idp {beginning}" in line]


def run_line(demo: Demo, line: str, *options: str) -> str:
    """Run a line of the README on the running demo and return everything it printed."""
    typed, _, command = line.rpartition("| ")
    arguments = [
        str(demo.folder / part.removeprefix("demo-data/")) if "demo-data/" in part else part
        for part in shlex.split(command)[1:]
    ]
    done = demo.run(*arguments, *options, stdin=f"{typed.split()[1]}\n" if typed else "")
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@contextmanager
def running_client(folder: Path, program: str, secret: str, port: int) -> Iterator[None]:
    """Run the README's client while the block runs."""
    file = folder / "hello.py"
    file.write_text(program)
    environment = clean_environment() | {"HELLO_SECRET": secret}
    with (folder / "hello.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, str(file)], env=environment, stdout=log, stderr=log
        )
    try:
        wait_until(lambda: _listens(port), what="hello.py")
        yield
    finally:
        process.terminate()
        process.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex((LOOPBACK, port)) == 0


def test_the_client_signs_in(page: Page, demo: Demo, tmp_path: Path) -> None:
    port = free_port()
    [program] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    [register] = commands("client add")
    server = urlsplit(demo.report["public_url"]).netloc
    program = program.replace("localhost:8080", server).replace("5000", str(port))
    answer = run_line(demo, register.replace("5000", str(port)), "--json")

    with running_client(tmp_path, program, json.loads(answer)["client_secret"], port):
        page.goto(f"http://{LOOPBACK}:{port}")
        type_password(page, "office", "office-demo")

        expect(page.locator("body")).to_have_text("Kia ora, office")


def test_the_five_minutes_give_all_staff_one_password_and_then_ask_everybody(
    page: Page, demo: Demo
) -> None:
    shorter, longer = commands("policy publish")
    [plan] = commands("reset plan")

    run_line(demo, shorter)
    told = re.search(r"idp reset apply \S+ --realm staff --wait", run_line(demo, plan))
    assert told is not None
    run_line(demo, told[0], "--yes")
    sign_in(page, demo, "mobile", "field", "kiwi")
    assert (shown_page(page), user_at(page)) == ("mobile", "field")
    run_line(demo, longer)
    page.get_by_role("button", name="Sync now").click()

    expect(page.locator("#answer")).to_have_text("invalid_grant · password_change_required")


@pytest.mark.parametrize("username", ["office", "customer@example.co.nz"])
def test_the_sign_ins_it_names_are_those_of_the_demo(demo: Demo, username: str) -> None:
    [account] = [a for a in demo.report["sign_ins"] if a["username"] == username]

    assert f"`{username}`" in README
    assert f"`{account['password']}`" in README
