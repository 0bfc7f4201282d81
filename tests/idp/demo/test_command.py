"""`idp demo`: starts everything, ends everything, and says clearly why it cannot."""

import os
import signal
import socket
import urllib.request
from pathlib import Path

import pytest

from tests.support.demo import start_demo
from tests.support.ports import LOOPBACK
from tests.support.servers import run_idp
from tests.support.waiting import wait_until

pytestmark = pytest.mark.servers


def children_of(pid: int) -> set[int]:
    """Return the processes that a process started, their own included."""
    direct = {
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    }
    return direct.union(*(children_of(child) for child in direct))


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that only waits to be noticed does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def test_it_says_where_everything_is_and_ctrl_c_ends_it_all(tmp_path: Path) -> None:
    demo = start_demo(tmp_path)
    children = children_of(demo.server.pid)
    said = demo.server.log.read_text()

    for address in (*demo.report["apps"].values(), demo.report["mail"]):
        assert address in said
        with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310 - loopback
            assert answer.status == 200
    assert "office / office-demo" in said
    for command in demo.report["commands"].values():
        assert command in said
    assert "Traceback" not in said

    os.kill(demo.server.pid, signal.SIGINT)
    assert demo.server.process.wait(60) == 0
    assert len(children) >= 3
    assert not any(map(is_alive, children))


def test_a_killed_demo_leaves_nothing_behind(tmp_path: Path) -> None:
    demo = start_demo(tmp_path)
    children = children_of(demo.server.pid)

    os.kill(demo.server.pid, signal.SIGKILL)
    demo.server.process.wait(10)

    wait_until(lambda: not any(map(is_alive, children)), what="the end of its children", seconds=60)


def test_a_busy_port_is_named_before_anything_is_made(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as busy:
        port = busy.getsockname()[1]
        data = tmp_path / "data"
        done = run_idp("demo", "--port", str(port), "--data", str(data), directory=tmp_path)

    assert done.returncode == 1
    assert f"port {port} of 127.0.0.1 cannot be had" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (data / "config.toml").exists()


def test_it_does_not_take_anothers_configuration(tmp_path: Path) -> None:
    done = run_idp("demo", "--config", "elsewhere.toml", directory=tmp_path)

    assert done.returncode == 2
    assert "--data" in done.stderr
