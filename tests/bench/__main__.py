"""`make bench`: CPU per request beside floors that were measured in the same run.

Every request goes straight into the WSGI application of this process, so the figure is the CPU of
the product alone: no client, no socket. Absolute times belong to one machine and one hour; the
ratios are what to read.
"""

import argparse
import datetime as dt
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench import kernel
from tests.bench.floors import Floors, open_floors
from tests.bench.product import Product, open_product

_WARM_UP = 20
_PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
_MARK = "<!-- make bench -->"


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing measured, and the floor it stands beside."""

    name: str
    act: Callable[[], object]
    floor: str | None = None
    aim: float | None = None


def cpu_ms(act: Callable[[], object], count: int) -> float:
    """Return the CPU milliseconds (user and system, all threads) of one `act`."""
    for _ in range(_WARM_UP):
        act()
    began = time.process_time()
    for _ in range(count):
        act()
    return (time.process_time() - began) * 1000 / count


def measures(product: Product, floors: Floors) -> list[Measure]:
    """Return what is measured, floors first."""
    return [
        Measure("floor: a bare Flask answer", floors.bare),
        Measure("floor: one argon2id hash", floors.hash),
        Measure("floor: hand-written refresh", floors.refresh),
        Measure("floor: hand-written code redemption", floors.redeem),
        Measure("floor: hand-written client credentials", floors.client_credentials),
        Measure("discovery", product.discovery, "floor: a bare Flask answer"),
        Measure(
            "client credentials",
            product.client_credentials,
            "floor: hand-written client credentials",
            1.5,
        ),
        Measure("code redemption", product.redeem, "floor: hand-written code redemption", 1.5),
        Measure("refresh", product.refresh, "floor: hand-written refresh", 1.5),
        Measure("userinfo", product.userinfo, "floor: a bare Flask answer"),
        Measure("introspection", product.introspect, "floor: a bare Flask answer"),
        Measure("whole sign-in", product.sign_in, "floor: one argon2id hash", 1.25),
    ]


def table(count: int) -> list[str]:
    """Measure and return the lines of a Markdown table."""
    lines = ["| what | CPU ms | times its floor | aim |", "|---|---|---|---|"]
    figures: dict[str, float] = {}
    with (
        tempfile.TemporaryDirectory(prefix="idp-bench-") as folder,
        open_product(Path(folder), count + _WARM_UP) as product,
        open_floors(Path(folder), count + _WARM_UP) as floors,
    ):
        for measure in measures(product, floors):
            figures[measure.name] = cpu_ms(measure.act, count)
            lines.append(_row(measure, figures))
            print(lines[-1], flush=True)  # noqa: T201 - what the command is for
    return lines


def _row(measure: Measure, figures: dict[str, float]) -> str:
    own = figures[measure.name]
    ratio = f"{own / figures[measure.floor]:.2f}" if measure.floor else ""
    aim = f"≤ {measure.aim}" if measure.aim else ""
    return f"| {measure.name} | {own:.2f} | {ratio} | {aim} |"


def machine() -> str:
    """Describe the machine without naming it."""
    today = dt.datetime.now(dt.UTC).date()  # noqa: TID251 - a report's own date
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{today}, {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, SQLite"
    )


def main() -> int:
    """Run the bench; with `--write`, put the table into docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="requests of each kind")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    options = parser.parse_args()
    lines = [*table(options.count), "", *kernel.rows()]
    print("\n".join(lines[-7:]))  # noqa: T201 - what the command is for
    if options.write:
        before = _PAGE.read_text(encoding="utf-8").split(_MARK)
        body = "\n".join(["", machine(), "", *lines, ""])
        _PAGE.write_text(_MARK.join([before[0], body, before[2]]), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
