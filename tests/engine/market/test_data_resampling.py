"""Longer bars out of shorter ones, equal to those the same source recorded."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.clock import HOUR, MINUTE, from_iso, to_iso
from engine.core.errors import UserError
from engine.domain.instrument import instrument_of
from engine.domain.market import Bars, Timeframe
from engine.market.clocks import parse_clock
from engine.market.importing import History, read_history
from engine.market.resampling import resample
from tests.engine.market.histories import recorded

M1, M5, H1, H4, D1 = (Timeframe.of(name) for name in ("M1", "M5", "H1", "H4", "D1"))


def read(path: str, clock: str | None = None) -> History:
    return read_history(recorded(path), instrument_of("XAUUSD"), clock=clock)


def unlike(found: Bars, expected: Bars, names: tuple[str, ...]) -> int:
    """Bars of both that open at the same time and differ in one of the columns."""
    _, one, other = np.intersect1d(found.at, expected.at, return_indices=True)
    differs = np.zeros(len(one), np.bool_)
    for name in names:
        differs |= getattr(found, name)[one] != getattr(expected, name)[other]
    return int(differs.sum())


@pytest.mark.parametrize("name", ["M15", "H1"])
def test_bars_of_a_metatrader_5_export_are_those_of_its_m5_in_every_column(name: str) -> None:
    short, recorded_ = read("mt5-export/XAUUSD_M5_2025_mt5-tab.csv.gz"), read(f"mt5-export/XAUUSD_{name}_2025_mt5-tab.csv.gz")
    assert short.bars is not None
    assert recorded_.bars is not None
    made = resample(short.bars, M5, Timeframe.of(name), short.clock.clock)
    assert made.at.tolist() == recorded_.bars.at.tolist()
    assert unlike(made, recorded_.bars, ("open", "high", "low", "close", "volume", "spread")) == 0


NEW_YORK = "America/New_York+7h"
MT4_H1 = "mt4-export/XAUUSD_H1_2009-2020_mt4.csv.gz"
PYTHON_D1 = "mt5-python/XAUUSD_D1_2007-2025_mt5-python.csv.gz"


@pytest.mark.parametrize(
    ("short", "long", "clock", "only_made", "unlike_bars"),
    [
        ("mt5-script/XAUUSD_H1_2016-2025_mt5-script.csv.gz", "mt5-script/XAUUSD_D1_2016-2025_mt5-script.csv.gz", "EET", [], []),
        ("mt5-python/XAUUSD_H1_2007-2025_mt5-python.csv.gz", PYTHON_D1, NEW_YORK, [], []),
        ("ticks-oanda/XAUUSD_H1_2006-2019_oanda-bidask.zip", "ticks-oanda/XAUUSD_D1_2006-2019_oanda-bidask.zip", None, [], []),
        # the shorter file begins within an hour
        ("mt4-export/XAUUSD_M5_2019-2020_mt4.csv.gz", MT4_H1, "EET", [], ["2019-08-19T10:00"]),
        ("mt4-export/XAUUSD_M15_2017-2020_mt4.csv.gz", MT4_H1, "EET", [], ["2017-10-16T17:00"]),
    ],
)  # fmt: skip
def test_longer_bars_of_a_source_are_those_it_recorded(
    short: str, long: str, clock: str | None, only_made: list[str], unlike_bars: list[str]
) -> None:
    few, many = read(long, clock), read(short, clock)
    assert few.bars is not None
    assert many.bars is not None
    assert few.timeframe is not None
    assert many.timeframe is not None
    made = resample(many.bars, many.timeframe, few.timeframe, few.clock.clock)
    inside = few.bars.at[(few.bars.at >= made.at[0]) & (few.bars.at <= made.at[-1])]
    assert np.setdiff1d(inside, made.at).tolist() == []
    assert [to_iso(int(at))[:16] for at in np.setdiff1d(made.at, inside)] == only_made
    assert unlike(made, few.bars, ("open", "high", "low", "close", "volume")) == len(unlike_bars)
    assert all(from_iso(at) in made.at for at in unlike_bars)


def test_minutes_make_the_recorded_hours_but_for_the_file_s_beginning_and_the_edge_of_a_hole() -> None:
    minutes, hours = read("mt4-export/XAUUSD_M1_2020_mt4.csv.gz"), read("mt4-export/XAUUSD_H1_2009-2020_mt4.csv.gz", "EET")
    assert minutes.bars is not None
    assert hours.bars is not None
    made = resample(minutes.bars, M1, H1, minutes.clock.clock)
    assert len(np.intersect1d(made.at, hours.bars.at)) == 1_092
    assert unlike(made, hours.bars, ("open", "high", "low", "close")) == 2
    missing = np.setdiff1d(made.at, hours.bars.at)
    assert len(missing) == 26
    assert to_iso(int(missing[0])) == "2020-08-13T09:00:00Z"


def plain(count: int, start: str, step: int = MINUTE) -> Bars:
    close = 100 + np.arange(count) * 1.0
    at = from_iso(start) + np.arange(count) * step
    return Bars(at, close, close + 1, close - 1, close, np.ones(count), np.where(np.arange(count) % 2, 0.2, np.nan))


@pytest.mark.parametrize(
    ("clock", "day", "hours"),
    [("EET", "2024-03-31", 23), ("EET", "2024-10-27", 25), ("America/New_York+7h", "2024-03-10", 23), ("UTC", "2024-03-31", 24)],
)
def test_a_day_on_a_change_of_daylight_saving_has_its_own_length(clock: str, day: str, hours: int) -> None:
    begin = int(parse_clock(clock).to_utc(np.array([from_iso(day)]))[0])
    made = resample(plain(72 * 60, to_iso(begin - 24 * HOUR)[:16]), M1, D1, parse_clock(clock))
    place = made.at.tolist().index(begin)
    assert made.at[place + 1] - begin == hours * HOUR
    assert made.volume[place] == hours * 60


def test_four_hour_bars_lie_on_the_grid_of_the_clock() -> None:
    made = resample(plain(24 * 60, "2024-07-01T21:00"), M1, H4, parse_clock("EET"))
    assert [to_iso(int(at))[11:16] for at in made.at] == ["21:00", "01:00", "05:00", "09:00", "13:00", "17:00"]


def test_a_bar_is_made_of_what_there_is_and_of_nothing_else() -> None:
    short = plain(180, "2024-07-01T00:00")
    keep = np.r_[10:50, 125:130]
    made = resample(Bars(*(getattr(short, name)[keep] for name in Bars.__slots__)), M1, H1, parse_clock("UTC"))
    assert [to_iso(int(at))[11:16] for at in made.at] == ["00:00", "02:00"]
    assert (made.open.tolist(), made.close.tolist()) == ([110, 225], [149, 229])
    assert (made.high.tolist(), made.low.tolist()) == ([150, 230], [109, 224])
    assert (made.volume.tolist(), made.spread.tolist()) == ([40, 5], [0.2, 0.2])


def test_timeframes_that_do_not_divide_are_refused() -> None:
    with pytest.raises(UserError, match="M5 bars cannot be made of H1 bars"):
        resample(plain(10, "2024-07-01T00:00"), H1, M5, parse_clock("UTC"))
    assert len(resample(Bars.empty(), M1, H1, parse_clock("UTC"))) == 0
