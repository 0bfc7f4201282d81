"""The burn-down as a picture: one SVG file that stands alone, in light and dark, without script."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape

from idp.core.burn_down import BurnDown, thin
from idp.core.policy_snapshots import PolicySnapshot

_WIDTH, _HEIGHT = 760, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 72, 728, 104, 344
_MOST_POINTS = 400
_TITLE_SIZE = 18
_LEAST_SPAN = timedelta(hours=1)
_NONE = "There is no snapshot yet: a worker takes one each hour."

_ROOT = (
    f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
    f'height="{_HEIGHT}" role="img" aria-labelledby="burn-down-title" '
    'aria-describedby="burn-down-said" font-family="system-ui, Roboto, Arial, sans-serif"'
)
_STYLE = """
@media (prefers-color-scheme: dark) {
  .ground { fill: #161e24; } .ink { fill: #e9eff3; } .muted { fill: #a6b4bf; }
  .grid { stroke: #2b3740; } .edge { stroke: #71818d; }
  .change.line { stroke: #63c6d6; } .change.area, .change.dot { fill: #63c6d6; }
  .withheld.line { stroke: #f2b35e; } .withheld.dot { fill: #f2b35e; }
  .shared.line { stroke: #ffb4ab; } .shared.dot { fill: #ffb4ab; }
}"""
"""Light is written on the shapes themselves, so that a page which allows no style shows it."""


@dataclass(frozen=True, slots=True)
class _Series:
    key: str
    label: str
    colour: str
    dashes: str
    value: Callable[[PolicySnapshot], int]


_SERIES = (
    _Series("change", "have to change", "#0b6675", "", lambda point: point.have_to_change),
    _Series("withheld", "not asked yet", "#9a5b00", "8 5", lambda point: point.withheld),
    _Series(
        "shared",
        "on a shared password",
        "#b3261e",
        "2 5",
        lambda point: point.accounts_on_shared_password,
    ),
)


@dataclass(frozen=True, slots=True)
class _Scale:
    since: datetime
    until: datetime
    most: int

    def x(self, at: datetime) -> float:
        """Return the place of a moment."""
        share = (at - self.since) / (self.until - self.since)
        return round(_LEFT + (_RIGHT - _LEFT) * share, 1)

    def y(self, count: float) -> float:
        """Return the place of a number of users."""
        return round(_BOTTOM - (_BOTTOM - _TOP) * (count / self.most), 1)


def draw_burn_down(burn_down: BurnDown) -> str:
    """Return the picture as an SVG document: a title, a description in words, the curves.

    Spec: SVG 2, 5.8 (title and description); WAI-ARIA Graphics 1.0.
    """
    points = thin(burn_down.points, _MOST_POINTS)
    title = f"Passwords still to be changed in {burn_down.realm}"
    said = _NONE if not points else _describe(points)
    lines = [
        f"<svg {_ROOT}>",
        f'<title id="burn-down-title">{escape(title)}</title>',
        f'<desc id="burn-down-said">{escape(said)}</desc>',
        f"<style>{_STYLE}</style>",
        f'<rect class="ground" width="{_WIDTH}" height="{_HEIGHT}" rx="8" fill="#ffffff"/>',
        _text(24, 36, title, "ink", size=_TITLE_SIZE),
    ]
    if points:
        lines += _chart(burn_down, points)
    else:
        lines.append(_text(24, 72, _NONE, "muted"))
    return "\n".join([*lines, "</svg>", ""])


def _describe(points: Sequence[PolicySnapshot]) -> str:
    first, last = points[0], points[-1]
    numbers = ", ".join(f"{series.value(last):,} {series.label}" for series in _SERIES)
    return (
        f"On {_day(first.at)}, {first.have_to_change:,} of {first.active_users:,} active users "
        f"had to change their password. On {_day(last.at)}, of {last.active_users:,}: {numbers}. "
        f"Policy version {last.policy_version} is in force."
    )


def _chart(burn_down: BurnDown, points: Sequence[PolicySnapshot]) -> Iterator[str]:
    most = max(series.value(point) for series in _SERIES for point in points)
    step = _step(most)
    since = min(points[0].at, burn_down.until - _LEAST_SPAN)
    scale = _Scale(since, burn_down.until, step * max(-(-most // step), 1))
    yield from _legend(points[-1])
    yield from _rows(scale, step)
    yield from _days(scale)
    yield from _versions(scale, points)
    for series in reversed(_SERIES):
        yield from _curve(scale, series, points)


def _step(most: int) -> int:
    """Return the distance of the grid's lines: 1, 2 or 5 times a power of ten, about four lines."""
    size = 1
    while size * 10 * 4 <= most:
        size *= 10
    return next((size * factor for factor in (1, 2, 5) if size * factor * 5 >= most), size * 10)


def _legend(last: PolicySnapshot) -> Iterator[str]:
    left = 24
    for series in _SERIES:
        yield _line(left, 66, left + 28, 66, series)
        label = f"{series.value(last):,} {series.label}"
        yield _text(left + 36, 70, label, "ink")
        left += 76 + 8 * len(label)


def _rows(scale: _Scale, step: int) -> Iterator[str]:
    for count in range(0, scale.most + 1, step):
        y = scale.y(count)
        kind, colour = ("grid", "#dde3e8") if count else ("edge", "#7c8a96")
        yield f'<path class="{kind}" d="M{_LEFT} {y}H{_RIGHT}" stroke="{colour}"/>'
        yield _text(_LEFT - 10, y + 4, f"{count:,}", "muted", anchor="end")


def _days(scale: _Scale) -> Iterator[str]:
    span = scale.until - scale.since
    form, ticks = ("%d %b", 6) if span >= timedelta(days=6) else ("%d %b %H:%M", 4)
    for number in range(ticks):
        at = scale.since + span * number / (ticks - 1)
        anchor = {0: "start", ticks - 1: "end"}.get(number, "middle")
        yield _text(scale.x(at), _BOTTOM + 22, at.strftime(form), "muted", anchor=anchor)
    note = f"Times are UTC; {scale.until:%d %B %Y, %H:%M}."
    yield _text(_RIGHT, _HEIGHT - 14, note, "muted", anchor="end", size=11)


def _versions(scale: _Scale, points: Sequence[PolicySnapshot]) -> Iterator[str]:
    """Mark where another version of the policy came into force, as far as there is room."""
    before, free_from = points[0].policy_version, 0.0
    for point in points:
        if point.policy_version == before:
            continue
        before = point.policy_version
        x = scale.x(point.at)
        yield f'<path class="edge" d="M{x} {_TOP}V{_BOTTOM}" stroke="#7c8a96" stroke-width="1"/>'
        if x >= free_from:
            anchor = "end" if x > _RIGHT - 70 else "start"
            label = f"version {before}"
            yield _text(x, _TOP - 6, label, "muted", anchor=anchor, size=11)
            free_from = x + 70


def _curve(scale: _Scale, series: _Series, points: Sequence[PolicySnapshot]) -> Iterator[str]:
    places = [(scale.x(point.at), scale.y(series.value(point))) for point in points]
    if not any(series.value(point) for point in points) and series is not _SERIES[0]:
        return
    path = "L".join(f"{x} {y}" for x, y in places)
    (first_x, _), (last_x, last_y) = places[0], places[-1]
    if series is _SERIES[0]:
        yield (
            f'<path class="{series.key} area" d="M{path}V{_BOTTOM}H{first_x}Z" '
            f'fill="{series.colour}" fill-opacity="0.14"/>'
        )
    yield (
        f'<path class="{series.key} line" d="M{path}" fill="none" stroke="{series.colour}" '
        f'stroke-width="2.5" stroke-linejoin="round"{_dashes(series)}/>'
    )
    yield (
        f'<circle class="{series.key} dot" cx="{last_x}" cy="{last_y}" r="4" '
        f'fill="{series.colour}"/>'
    )


def _line(x: float, y: float, to_x: float, to_y: float, series: _Series) -> str:
    return (
        f'<path class="{series.key} line" d="M{x} {y}L{to_x} {to_y}" stroke="{series.colour}" '
        f'stroke-width="2.5"{_dashes(series)}/>'
    )


def _dashes(series: _Series) -> str:
    return f' stroke-dasharray="{series.dashes}"' if series.dashes else ""


_COLOURS = {"ink": "#15202a", "muted": "#50606d"}


def _text(
    x: float, y: float, text: str, kind: str, *, anchor: str = "start", size: int = 13
) -> str:
    weight = ' font-weight="600"' if size == _TITLE_SIZE else ""
    return (
        f'<text class="{kind}" x="{x}" y="{y}" fill="{_COLOURS[kind]}" font-size="{size}"{weight} '
        f'text-anchor="{anchor}">{escape(text)}</text>'
    )


def _day(at: datetime) -> str:
    return f"{at.day} {at:%B %Y}"
