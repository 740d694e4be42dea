from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.clock import HOUR, MINUTE, from_iso, to_datetime
from engine.core.errors import UserError
from engine.market.clocks import parse_clock


def local(*times: str) -> np.ndarray:
    return np.array([from_iso(time) for time in times], np.int64)


@pytest.mark.parametrize(
    ("spec", "written", "utc"),
    [
        ("UTC", "2024-01-15T12:00", "2024-01-15T12:00"),
        ("GMT", "2024-07-15T12:00", "2024-07-15T12:00"),
        ("EET", "2024-01-15T12:00", "2024-01-15T10:00"),
        ("EET", "2024-07-15T12:00", "2024-07-15T09:00"),
        ("eet", "2024-03-20T12:00", "2024-03-20T10:00"),
        ("UTC+4", "2024-07-15T12:00", "2024-07-15T08:00"),
        ("UTC-5", "2024-07-15T12:00", "2024-07-15T17:00"),
        ("utc+5:30", "2024-07-15T12:00", "2024-07-15T06:30"),
        ("America/New_York+7h", "2024-03-20T12:00", "2024-03-20T09:00"),
        ("EET-7h", "2024-03-20T12:00", "2024-03-20T17:00"),
        ("EET-7h", "2024-07-20T12:00", "2024-07-20T16:00"),
        ("Europe/London", "2024-07-15T12:00", "2024-07-15T11:00"),
    ],
)
def test_a_clock_is_read_as_it_is_written(spec: str, written: str, utc: str) -> None:
    assert parse_clock(spec).to_utc(local(written)).tolist() == local(utc).tolist()


@pytest.mark.parametrize("spec", ["", "Mars", "UTC+40", "EET+", "America", "../etc", "UTC+4x", "+7h"])
def test_a_clock_that_is_not_known_is_refused_with_examples(spec: str) -> None:
    with pytest.raises(UserError, match=r"is not known; write EET, UTC"):
        parse_clock(spec)


@pytest.mark.parametrize(
    ("spec", "change"),
    [
        ("EET", "2024-03-31"),
        ("EET", "2024-10-27"),
        ("EET-7h", "2023-10-29"),
        ("America/New_York+7h", "2020-03-08"),
        ("America/New_York+7h", "2020-11-01"),
        ("UTC+4", "2020-11-01"),
    ],
)
@given(st.integers(-2000, 1000), st.sampled_from([1, 5, 15, 60]))
@settings(max_examples=10, deadline=None)
def test_unbroken_bars_come_back_over_a_clock_change_to_the_minute(spec: str, change: str, start: int, step: int) -> None:
    clock = parse_clock(spec)
    utc = from_iso(change) + np.arange(start, start + 3000, step) * MINUTE
    shown = [to_datetime(int(at), clock.zone).replace(tzinfo=None).isoformat() for at in utc]
    found = clock.to_utc(local(*shown) + clock.shift)
    settled = utc > utc[0] + 2 * HOUR
    assert found[settled].tolist() == utc[settled].tolist()


def test_the_repeated_hour_is_passed_twice_where_the_file_shows_it_twice() -> None:
    times = [f"2024-10-27T0{hour}:{minute}" for hour, minute in [(2, 30), (3, "00"), (3, 30), (3, "00"), (3, 30), (4, "00")]]
    utc = parse_clock("EET").to_utc(local(*times))
    assert np.diff(utc).tolist() == [HOUR // 2] * 5
    hourly = parse_clock("EET").to_utc(local("2024-10-27T02:00", "2024-10-27T03:00", "2024-10-27T03:00", "2024-10-27T04:00"))
    assert np.diff(hourly).tolist() == [HOUR] * 3


def test_a_repeated_hour_that_is_shown_once_is_its_first_pass() -> None:
    utc = parse_clock("EET").to_utc(local("2024-10-27T02:00", "2024-10-27T03:30", "2024-10-27T05:00"))
    assert utc.tolist() == local("2024-10-26T23:00", "2024-10-27T00:30", "2024-10-27T03:00").tolist()


def test_each_year_s_repeated_hour_is_judged_by_itself() -> None:
    times = ("2023-10-29T03:00", "2023-10-29T03:00", "2024-10-27T03:00", "2024-10-27T04:00")
    utc = parse_clock("EET").to_utc(local(*times))
    assert utc.tolist() == local("2023-10-29T00:00", "2023-10-29T01:00", "2024-10-27T00:00", "2024-10-27T02:00").tolist()


def test_a_skipped_hour_is_read_as_if_the_clock_had_not_been_put_forward() -> None:
    clock = parse_clock("EET")
    written = local("2024-03-31T02:59", "2024-03-31T03:30", "2024-03-31T04:00")
    assert clock.to_utc(written).tolist() == local("2024-03-31T00:59", "2024-03-31T01:30", "2024-03-31T01:00").tolist()
    assert clock.skipped(written) == 1
    assert parse_clock("UTC").skipped(written) == 0


@given(st.integers(1980, 2037), st.integers(1, 12), st.integers(1, 28), st.integers(0, 23))
def test_a_zone_agrees_with_the_standard_library_outside_its_changes(year: int, month: int, day: int, hour: int) -> None:
    shown = datetime(year, month, day, hour, 30, tzinfo=ZoneInfo("America/New_York"))
    if shown.utcoffset() == (shown + timedelta(hours=3)).utcoffset() == (shown - timedelta(hours=3)).utcoffset():
        utc = parse_clock("America/New_York").to_utc(local(shown.replace(tzinfo=None).isoformat()))
        assert utc.tolist() == [from_iso(shown.isoformat())]


def test_no_times_give_no_times() -> None:
    nothing = np.empty(0, np.int64)
    assert len(parse_clock("EET").to_utc(nothing)) == 0
    assert parse_clock("EET").skipped(nothing) == 0
