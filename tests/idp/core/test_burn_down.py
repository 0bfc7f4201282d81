"""The burn-down: thinned without losing the newest, and a picture that everybody can read."""

import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest

from idp.core.burn_down import BurnDown, get_burn_down, thin
from idp.core.burn_down_svg import draw_burn_down
from idp.core.policy_outcomes import Outcome
from idp.core.policy_snapshots import PolicySnapshot
from idp.ids import RealmName
from idp.jobs.runner import Runner
from tests.support.world import STAFF, World

SVG = "{http://www.w3.org/2000/svg}"
BEGAN = datetime(2026, 11, 2, 9, tzinfo=UTC)


def _point(hours: float, have_to_change: int, *, version: int = 1, **more: int) -> PolicySnapshot:
    return PolicySnapshot(
        at=BEGAN + timedelta(hours=hours),
        policy_version=version,
        active_users=5000,
        have_to_change=have_to_change,
        withheld=more.get("withheld", 0),
        accounts_on_shared_password=more.get("shared", 0),
        outcomes=dict.fromkeys(Outcome, 0),
    )


def _burn_down(*points: PolicySnapshot, realm: str = STAFF) -> BurnDown:
    until = points[-1].at if points else BEGAN
    return BurnDown(RealmName(realm), BEGAN, until, points)


@pytest.mark.parametrize("hours", [1, 5, 30, 300, 9600])
@pytest.mark.parametrize("most", [32, 400])
def test_a_long_time_is_thinned_and_its_end_stays(hours: int, most: int) -> None:
    points = [_point(hour, hour) for hour in range(hours)]

    kept = thin(points, most)

    assert kept[-1] == points[-1]
    assert [point.at for point in kept] == sorted({point.at for point in kept})
    assert len(kept) <= most + 1
    assert len(kept) >= min(hours, most / 8)


def test_nothing_is_thinned_to_nothing() -> None:
    assert thin([], 5) == []


def test_only_the_last_days_are_looked_at(world: World) -> None:
    for _ in range(3):
        Runner(world.runtime).run_once()
        world.advance(days=1)

    with world.begin(write=False) as uow:
        found = get_burn_down(uow, days=2)

    assert (found.realm, len(found.points)) == ("staff", 2)
    assert (found.since, found.until) == (world.clock.now() - timedelta(days=2), world.clock.now())


def _picture(burn_down: BurnDown) -> tuple[str, ET.Element]:
    text = draw_burn_down(burn_down)
    return text, ET.fromstring(text)  # noqa: S314 - our own


def _texts(root: ET.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def test_the_picture_says_in_words_what_it_shows() -> None:
    points = (_point(0, 30), _point(24, 3600, version=2, withheld=1200, shared=7), _point(240, 35))

    _, root = _picture(_burn_down(*points))

    title, said = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert said is not None
    assert root.get("role") == "img"
    assert (root.get("aria-labelledby"), root.get("aria-describedby")) == (
        title.get("id"),
        said.get("id"),
    )
    assert title.text == "Passwords still to be changed in staff"
    assert said.text == (
        "On 2 November 2026, 30 of 5,000 active users had to change their password. "
        "On 12 November 2026, of 5,000: 35 have to change, 0 not asked yet, "
        "0 on a shared password. Policy version 1 is in force."
    )
    assert {"35 have to change", "version 2", "4,000", "02 Nov", "12 Nov"} <= set(_texts(root))


def test_the_picture_stands_alone_in_light_and_dark() -> None:
    text, root = _picture(_burn_down(_point(0, 3), _point(1, 2)))

    assert "prefers-color-scheme: dark" in text
    assert not re.search(r"<script|\bon\w+=|href|url\(|@import", text)
    drawn = [e for e in root.iter() if e.tag in {f"{SVG}path", f"{SVG}text", f"{SVG}circle"}]
    assert all(element.get("fill") or element.get("stroke") for element in drawn)


def test_a_name_cannot_become_markup() -> None:
    _, root = _picture(_burn_down(_point(0, 1), realm="<script>&"))

    assert "Passwords still to be changed in <script>&" in _texts(root)
    assert root.find(f".//{SVG}script") is None


@pytest.mark.parametrize("most", [0, 1, 3, 7, 19, 50, 999, 123_456])
def test_every_curve_stays_inside_its_frame(most: int) -> None:
    _, root = _picture(_burn_down(_point(0, 0, shared=most), _point(9, most), _point(30, 0)))

    curves = [e.get("d", "") for e in root.iter(f"{SVG}path") if "line" in e.get("class", "")]
    heights = [float(y) for curve in curves for y in re.findall(r"[\d.]+ ([\d.]+)", curve)]
    assert len(heights) >= 9
    assert all(y == 66 or 104 <= y <= 344 for y in heights)  # 66: the legend
    counts = [int(t.replace(",", "")) for t in _texts(root) if re.fullmatch(r"[\d,]+", t)]
    assert counts[0] == 0
    assert counts[-1] >= most
    assert 2 <= len(counts) <= 8


def test_one_snapshot_and_none_are_pictures_too() -> None:
    _, one = _picture(_burn_down(_point(0, 5)))
    _, none = _picture(_burn_down())

    assert len(list(one.iter(f"{SVG}circle"))) == 1
    assert any("a worker takes one each hour" in text for text in _texts(none))


def test_versions_in_quick_succession_are_marked_and_named_where_there_is_room() -> None:
    points = [_point(hour, 5, version=hour + 1) for hour in range(200)]

    _, root = _picture(_burn_down(*points))

    named = [text for text in _texts(root) if text.startswith("version ")]
    lines = [e for e in root.iter(f"{SVG}path") if e.get("stroke-width") == "1"]
    assert len(lines) == 199
    assert 2 <= len(named) <= 10
