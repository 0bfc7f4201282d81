"""The burn-down on a terminal: a bar for each hour or day, or plain lines elsewhere."""

import shutil
import sys
from collections.abc import Iterator, Sequence

from idp.cli.base import CliContext
from idp.core.burn_down import BurnDown, thin
from idp.core.policy_snapshots import PolicySnapshot

_MOST_BARS = 32
_WIDEST = 100
_COLUMNS = (
    "at",
    "policy version",
    "active users",
    "have to change",
    "not asked yet",
    "on a shared password",
)
_NONE = "there is no snapshot of that time yet; a worker takes one each hour"


def show_burn_down(context: CliContext, burn_down: BurnDown) -> None:
    """Print how many users still had to change their password, over time."""
    if not burn_down.points:
        context.say(_NONE)
    elif sys.stdout.isatty():
        draw_bars(burn_down, width=min(shutil.get_terminal_size().columns, _WIDEST))
    else:
        context.table(map(_row, burn_down.points), _COLUMNS)


def _row(point: PolicySnapshot) -> tuple[object, ...]:
    return (
        point.at,
        point.policy_version,
        point.active_users,
        point.have_to_change,
        point.withheld,
        point.accounts_on_shared_password,
    )


def draw_bars(burn_down: BurnDown, *, width: int) -> None:
    """Draw a bar for each hour, day, … of a burn-down that has snapshots."""
    from rich.console import Console  # noqa: PLC0415 - only a terminal pays for it

    console = Console(width=width)
    points = thin(burn_down.points, _MOST_BARS)
    title = f"Passwords still to be changed in {burn_down.realm}"
    console.print(title, style="bold", markup=False, highlight=False)
    for line in _bars(points, console.width):
        console.print(line, no_wrap=True, overflow="crop", highlight=False)
    last = points[-1]
    told = (
        f"of {last.active_users:,} active users: {last.have_to_change:,} have to change (█), "
        f"{last.withheld:,} not asked yet (░), "
        f"{last.accounts_on_shared_password:,} on a shared password"
    )
    console.print(told, markup=False, highlight=False)


def _bars(points: Sequence[PolicySnapshot], width: int) -> Iterator[object]:
    """Yield a line for each point: when, the bar, the numbers, a version that is new."""
    from rich.text import Text  # noqa: PLC0415 - only a terminal pays for it

    most = max(1, *(point.have_to_change + point.withheld for point in points))
    form = "%d %b" if _is_daily(points) else "%d %b %H:%M"
    numbers = [_numbers(point) for point in points]
    longest = max(map(len, numbers))
    room = width - len(points[0].at.strftime(form)) - longest - 2
    before = points[0].policy_version
    for point, number in zip(points, numbers, strict=True):
        line = Text(f"{point.at.strftime(form)} ", style="dim")
        solid = _cells(point.have_to_change, most, room)
        light = _cells(point.withheld, most, room)
        line.append("█" * solid, style="cyan")
        line.append("░" * light, style="yellow")
        line.append(" " * (room - solid - light + 1))
        line.append(number.rjust(longest), style="bold" if point.policy_version != before else "")
        before = point.policy_version
        yield line


def _is_daily(points: Sequence[PolicySnapshot]) -> bool:
    days = [point.at.date() for point in points]
    return len(set(days)) == len(days)


def _numbers(point: PolicySnapshot) -> str:
    withheld = f" + {point.withheld:,}" if point.withheld else ""
    return f"{point.have_to_change:,}{withheld}  v{point.policy_version}"


def _cells(count: int, most: int, room: int) -> int:
    """Return the length of a bar; whoever is left shows."""
    return max(count * room // most, 1 if count else 0)
