from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.clock import HOUR, MINUTE, from_iso
from engine.domain.instrument import instrument_of
from engine.domain.market import Bars, QuoteColumns, Timeframe
from engine.domain.sessions import AROUND_THE_CLOCK
from engine.market.calendar import OpenTimes
from engine.market.formats import BadRow
from engine.market.quality import QualityReport, report

XAUUSD = instrument_of("XAUUSD")
METALS_NEW_YORK = XAUUSD.sessions.weekly
M1, H1 = Timeframe.of("M1"), Timeframe.of("H1")


def bars(at: np.ndarray, volume: float = 1.0, spread: float = 0.2) -> Bars:
    price = np.full(len(at), 1900.0)
    return Bars(at, price, price + 1, price - 1, price, np.full(len(at), volume), np.full(len(at), spread))


def minutes(first: str, last: str) -> np.ndarray:
    """Every minute that gold is open."""
    at = np.arange(from_iso(first), from_iso(last), MINUTE)
    return at[OpenTimes.of(METALS_NEW_YORK, int(at[0]), int(at[-1])).is_open(at)]


def judge(data: Bars | QuoteColumns, bad: list[BadRow] | None = None, frame: Timeframe | None = M1) -> QualityReport:
    return report(data, XAUUSD, frame, bad or [], 0, len(data))


def test_the_daily_break_and_the_weekend_are_no_gaps() -> None:
    quality = judge(bars(minutes("2024-05-06", "2024-05-20")))
    assert (quality.gaps.quiet, quality.gaps.holes) == (0, 0)
    assert quality.outside_sessions == 0
    assert quality.coverage == ((2024, 1.0),)


def test_a_hole_counts_only_the_time_the_market_was_open() -> None:
    at = minutes("2024-05-06", "2024-05-20")
    friday, monday = from_iso("2024-05-10T20:00"), from_iso("2024-05-13T02:00")
    quality = judge(bars(at[(at < friday) | (at >= monday)]))
    assert (quality.gaps.holes, quality.gaps.hole_time) == (1, 5 * HOUR)
    (gap,) = quality.gaps.largest
    assert (gap.start, gap.end, gap.missing) == (friday, monday, 5 * HOUR)


def test_quiet_minutes_are_told_from_holes() -> None:
    at = minutes("2024-05-06", "2024-05-07")
    quality = judge(bars(np.delete(at, [10, 50, 51, *range(100, 130), *range(200, 229)])))
    assert (quality.gaps.quiet, quality.gaps.quiet_time) == (3, 32 * MINUTE)
    assert (quality.gaps.holes, quality.gaps.hole_time) == (1, 30 * MINUTE)


@given(st.lists(st.booleans(), min_size=3, max_size=300))
def test_covered_and_missing_time_add_up_to_the_market_s(present: list[bool]) -> None:
    at = minutes("2024-05-10T18:00", "2024-05-13")[: len(present)]
    kept = at[np.array([True, *present[1:-1], True])]
    gaps = judge(bars(kept)).gaps
    assert gaps.quiet_time + gaps.hole_time + len(kept) * MINUTE == len(present) * MINUTE


def test_rows_outside_the_sessions_are_counted() -> None:
    at = np.arange(from_iso("2024-05-10T19:00"), from_iso("2024-05-11T00:00"), HOUR)
    assert judge(bars(at), frame=H1).outside_sessions == 3


def test_a_daily_bar_that_holds_a_session_is_not_outside() -> None:
    at = np.array([from_iso("2024-05-09T21:00"), from_iso("2024-05-12T21:00")])
    assert judge(bars(at), frame=Timeframe.of("D1")).outside_sessions == 0
    saturday = np.array([from_iso("2024-05-11T00:00"), from_iso("2024-05-13T00:00")])
    assert judge(bars(saturday), frame=Timeframe.of("D1")).outside_sessions == 1


def test_years_with_few_bars_are_called_sparse_in_one_line() -> None:
    daily = np.arange(from_iso("2010-01-04T12:00"), from_iso("2012-12-28"), 24 * HOUR)
    hourly = minutes("2013-01-02", "2013-02-01")[::60]
    lines = judge(bars(np.concatenate([daily, hourly])), frame=H1).lines()
    assert [line for line in lines if line.startswith("sparse")] == [
        "sparse: in 2010 to 2012 bars cover no more than 4.4 % of the market's time"
    ]


def test_flat_fills_need_a_volume_column_that_says_something() -> None:
    flat = bars(minutes("2024-05-06", "2024-05-07"))
    for column in (flat.open, flat.high, flat.low, flat.close):
        column[5:9] = 1900.0
    flat.volume[5:8] = 0.0
    assert judge(flat).flat_fills == 3
    flat.volume[:] = 0.0
    silent = judge(flat)
    assert (silent.flat_fills, silent.has_volume) == (0, False)
    assert any(line.startswith("volume: none in the file") for line in silent.lines())


def test_the_spread_is_summed_up_with_what_is_missing() -> None:
    data = bars(minutes("2024-05-06", "2024-05-07"))
    data.spread[:3] = [np.nan, 0.9, np.nan]
    spread = judge(data).spread
    assert spread is not None
    assert (spread.median, spread.largest, spread.missing) == (0.2, 0.9, 2)
    assert judge(bars(data.at, spread=np.nan)).spread is None


def test_ticks_have_a_report_too() -> None:
    at = np.array([from_iso("2024-05-10T20:00"), from_iso("2024-05-10T20:45"), from_iso("2024-05-10T21:30")])
    quality = judge(QuoteColumns(at, np.array([1900.0, 1900.0, 1900.0]), np.array([1900.5, 1900.25, 1901.0])), frame=None)
    assert (quality.gaps.holes, quality.outside_sessions, quality.timeframe) == (1, 1, "ticks")
    assert quality.spread is not None
    assert quality.spread.median == 0.5


def test_bad_rows_are_listed_to_a_limit_and_counted_by_kind() -> None:
    bad = [BadRow(line, f"high {line} below low 7") for line in range(300, 100, -1)]
    quality = judge(bars(minutes("2024-05-06", "2024-05-07")), [*bad, BadRow(5, "same time as line 4 with other values")])
    assert quality.bad_count == 201
    assert len(quality.bad) == 100
    assert quality.bad[0].line == 5
    assert quality.duplicates_different == 1
    assert quality.bad_reasons[0] == ("high below low", 200)
    assert "  line 101: high 101 below low 7" in quality.lines()


def test_the_report_is_plain_json() -> None:
    data = bars(np.delete(minutes("2024-05-06", "2024-05-08"), slice(100, 200)))
    plain = json.loads(json.dumps(judge(data, [BadRow(7, "low is empty")]).to_dict()))
    assert plain["bad"] == [{"line": 7, "reason": "low is empty"}]
    assert plain["first_utc"] == "2024-05-06T00:00:00Z"
    assert plain["gaps"]["largest"][0]["missing"] == 100 * MINUTE


def test_a_market_around_the_clock_is_always_open() -> None:
    times = OpenTimes.of(AROUND_THE_CLOCK, 0, HOUR)
    at = np.array([0, HOUR, 50 * HOUR])
    assert times.is_open(at).all()
    assert np.diff(times.open_before(at)).tolist() == [HOUR, 49 * HOUR]


@pytest.mark.parametrize("zone_edge", ["2024-03-10T06:59", "2024-11-03T05:59"])
def test_open_time_agrees_with_the_timetable_minute_by_minute(zone_edge: str) -> None:
    middle = from_iso(zone_edge)
    at = np.arange(middle - 72 * HOUR, middle + 72 * HOUR, 10 * MINUTE)
    times = OpenTimes.of(METALS_NEW_YORK, int(at[0]), int(at[-1]))
    assert times.is_open(at).tolist() == [METALS_NEW_YORK.is_open(int(moment)) for moment in at]
    assert int(times.open_before(at[-1:])[0] - times.open_before(at[:1])[0]) == int(times.is_open(at[:-1]).sum()) * 10 * MINUTE
