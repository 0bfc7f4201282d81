from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("PT5M", timedelta(minutes=5)),
        ("PT8H", timedelta(hours=8)),
        ("P14D", timedelta(days=14)),
        ("P2W", timedelta(days=14)),
        ("P1DT2H3M4S", timedelta(days=1, hours=2, minutes=3, seconds=4)),
        ("PT0S", timedelta(0)),
    ],
)
def test_an_iso_duration_is_read(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "PT",
        "P1DT",
        "5M",
        "P1Y",
        "P1M",
        "-PT5M",
        "PT1.5S",
        "PT5M ",
        "pt5m",
        "PT\N{ARABIC-INDIC DIGIT FIVE}M",
        "PT5M3H",
    ],
)
def test_what_has_no_fixed_length_or_is_malformed_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a duration such as PT5M"):
        parse_duration(text)


@pytest.mark.parametrize("length", [timedelta(seconds=-1), timedelta(milliseconds=1)])
def test_only_whole_positive_seconds_are_written(length: timedelta) -> None:
    with pytest.raises(ValueError, match="whole"):
        format_duration(length)


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=999_999)))
def test_what_is_written_is_read_back(length: timedelta) -> None:
    whole = timedelta(days=length.days, seconds=length.seconds)

    assert parse_duration(format_duration(whole)) == whole
