"""Clocks measured against stored bars of a known one."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from engine.core.clock import DAY, HOUR, MINUTE, from_iso
from engine.core.errors import DataError, UserError
from engine.domain.instrument import instrument_of
from engine.domain.market import Bars, Timeframe
from engine.domain.sessions import AROUND_THE_CLOCK, Sessions
from engine.market.calendar import OpenTimes
from engine.market.clock_evidence import MEASURABLE, judge_given, propose
from engine.market.clock_reference import Reference, measure
from engine.market.clocks import parse_clock
from engine.market.importing import History, read_history
from tests.engine.market.histories import METALS_NEW_YORK, recorded

H1, H4 = Timeframe.of("H1"), Timeframe.of("H4")
ORDER = ("EET", "America/New_York+7h", "UTC")


def walk(first: str, last: str, step: int = HOUR, sessions: Sessions = AROUND_THE_CLOCK) -> Bars:
    """A random walk in every open moment of the sessions."""
    at = np.arange(from_iso(first), from_iso(last), step)
    at = at[OpenTimes.of(sessions, int(at[0]), int(at[-1])).is_open(at)]
    close = 1900 * np.exp(np.cumsum(np.random.default_rng(3).normal(0, 0.002, len(at))))
    return Bars(at, close, close, close, close, np.ones(len(at)), np.full(len(at), np.nan))


def hourly(bars: Bars, clock: str | None = None) -> Reference:
    return Reference("stored", H1, bars, clock)


def longer(bars: Bars, hours: int, clock: str) -> tuple[np.ndarray, np.ndarray]:
    """Open times on `clock` and closes of bars of some hours, made of hourly ones."""
    local = parse_clock(clock).to_local(bars.at)
    last = np.flatnonzero(np.diff(local // (hours * HOUR), append=-1))
    return local[last] // (hours * HOUR) * (hours * HOUR), bars.close[last]


@pytest.mark.parametrize("clock", ["UTC", "EET", "America/New_York+7h", "EET-7h", "UTC+4", "EET-1h"])
def test_hourly_bars_move_with_the_reference_on_their_own_clock_only(clock: str) -> None:
    bars = walk("2023-01-01", "2024-12-31")
    found = measure(parse_clock(clock).to_local(bars.at), bars.close, HOUR, [hourly(bars)], MEASURABLE)
    assert found is not None
    assert [match.spec for match in found.best] == [clock]
    assert found.best[0].correlation > 0.999
    assert found.matches[1].correlation < 0.45


def test_four_hour_bars_of_a_market_around_the_clock_tell_their_clock() -> None:
    bars = walk("2023-01-01", "2024-12-31")
    local, close = longer(bars, 4, "UTC")
    found = measure(local, close, H4.span, [hourly(bars)], MEASURABLE)
    choice = propose(local, instrument_of("BTCUSDT"), H4, "a file", found)
    assert (choice.spec, choice.how) == ("UTC", "measured")
    assert choice.evidence[0].startswith("returns against stored: 1.000 at UTC, next best ")


def test_days_that_two_clocks_end_in_the_market_s_break_take_the_clock_of_the_same_prices() -> None:
    bars = walk("2022-01-02", "2024-12-31", sessions=METALS_NEW_YORK)
    local, close = longer(bars, 24, "EET")
    for own in ("EET", "America/New_York+7h"):
        found = measure(local, close, DAY, [hourly(bars, own)], ORDER)
        assert found is not None
        assert [match.spec for match in found.best] == [own]
    undecided = measure(local, close, DAY, [hourly(bars)], ORDER)
    with pytest.raises(
        DataError, match=r"D1 bars are too long .* \(returns against stored: 1.000 at EET or America/New_York\+7h"
    ):
        propose(local, instrument_of("XAUUSD"), Timeframe.of("D1"), "a file", undecided)


def test_another_market_says_nothing_about_a_clock() -> None:
    bars, other = walk("2023-01-01", "2023-12-31"), walk("2023-01-01", "2023-12-31", 30 * MINUTE)
    assert measure(bars.at, bars.close, HOUR, [Reference("other", Timeframe.of("M30"), other)], MEASURABLE) is None
    assert measure(bars.at - 3 * 366 * DAY, bars.close, HOUR, [hourly(bars)], MEASURABLE) is None


def test_closed_hours_and_stored_bars_that_contradict_each_other_are_not_chosen_between() -> None:
    bars = walk("2023-01-02", "2024-12-30", sessions=METALS_NEW_YORK)
    late = hourly(replace(bars, at=bars.at + 2 * HOUR))
    found = measure(bars.at, bars.close, HOUR, [late], MEASURABLE)
    with pytest.raises(DataError, match=r"the closed hours speak for UTC, but returns against stored: 1.000 at UTC-2"):
        propose(bars.at, instrument_of("XAUUSD"), H1, "a file", found)


def test_a_given_clock_is_taken_and_the_stored_bars_may_say_it_is_wrong() -> None:
    bars = walk("2023-01-01", "2024-12-31")
    found = measure(bars.at, bars.close, HOUR, [hourly(bars)], MEASURABLE)
    wrong = judge_given("EET", "given", bars.at, instrument_of("BTCUSDT"), H1, found)
    assert wrong.spec == "EET"
    assert wrong.evidence[-1].endswith("at EET: the file looks written on another clock")
    right = judge_given("UTC", "given", bars.at, instrument_of("BTCUSDT"), H1, found)
    assert "another clock" not in right.evidence[-1]


def test_a_clock_that_changed_is_found_to_the_week_and_can_be_given_so() -> None:
    bars = walk("2011-01-01", "2016-12-31")
    spec = "EET-1h until 2014-01-05, EET"
    local = parse_clock(spec).to_local(bars.at)
    found = measure(local, bars.close, HOUR, [hourly(bars)], MEASURABLE)
    assert found is not None
    assert found.best[0].spec == "EET"
    assert found.by_period == spec
    utc = parse_clock(found.by_period).to_utc(local)
    assert (utc == bars.at).mean() > 0.999


@pytest.mark.parametrize(
    "spec", ["EET-1h until, EET", "EET until 2014-13-01, UTC", "UTC until 2015-01-01, EET until 2014-01-01, UTC", "EET,"]
)
def test_clocks_by_period_that_cannot_be_are_refused(spec: str) -> None:
    with pytest.raises(UserError, match="clock"):
        parse_clock(spec)


@cache
def oanda(symbol: str) -> Reference:
    names = {"XAUUSD": "XAUUSD_H1_2006-2019_oanda-bidask.zip", "EURUSD": "EURUSD_H1_oanda-bidask.zip"}
    return reference(f"ticks-oanda/{names[symbol]}", symbol)


def reference(path: str, symbol: str, clock: str | None = None) -> Reference:
    history = read(path, symbol, clock)
    assert history.bars is not None
    assert history.timeframe is not None
    return Reference(history.source, history.timeframe, history.bars, history.clock.spec)


def read(path: str, symbol: str, clock: str | None = None, *references: Reference) -> History:
    return read_history(recorded(path), instrument_of(symbol), clock=clock, references=references)


NEW_YORK = "America/New_York+7h"
GOLD, SILVER = "mt5-python/XAUUSD_H1_2007-2025_mt5-python.csv.gz", "mt5-python/XAGUSD_H1_2007-2025_mt5-python.csv.gz"


@pytest.mark.parametrize(
    ("path", "symbol", "against", "clock"),
    [
        ("crypto/BTCPERP_M1_2022-01.csv.gz", "BTCUSDT", "crypto/BTCUSDT_H1_2021-2023_binance.csv.gz", "UTC"),
        ("tab-noheader/BTCUSDT_H1_2017-2025_tab.csv.gz", "BTCUSDT", "crypto/BTCUSDT_H1_2021-2023_binance.csv.gz", "UTC"),
        ("tab-noheader/XAGUSD_H4_2011-2025_tab.csv.gz", "XAGUSD", "mt5-python/XAGUSD_H1_2007-2025_mt5-python.csv.gz", "UTC"),
        ("mt5-script/XAUUSD_D1_2016-2025_mt5-script.csv.gz", "XAUUSD", "mt5-script/XAUUSD_H1_2016-2025_mt5-script.csv.gz", "EET"),
        ("mt5-python/XAUUSD_D1_2007-2025_mt5-python.csv.gz", "XAUUSD", GOLD, NEW_YORK),
        ("mt5-python/XAGUSD_D1_2007-2025_mt5-python.csv.gz", "XAGUSD", SILVER, NEW_YORK),
    ],
)  # fmt: skip
def test_a_recorded_file_that_does_not_tell_is_measured_against_a_stored_one(
    path: str, symbol: str, against: str, clock: str
) -> None:
    choice = read(path, symbol, None, reference(against, symbol)).clock
    assert (choice.spec, choice.how) == (clock, "measured")


def test_euro_bars_take_their_clock_from_one_another() -> None:
    hours = reference("mt4-export/EURUSD_H1_2010-2020_mt4.csv.gz", "EURUSD", "EET-1h until 2014-11-24, EET")
    for name in ("H4", "D1"):
        choice = read(f"mt5-python/EURUSD_{name}_1971-2025_mt5-python.csv.gz", "EURUSD", None, hours).clock
        assert (choice.spec, choice.how) == ("America/New_York+7h", "measured")


def test_the_recorded_euro_file_changed_its_clock_and_the_measurement_says_when() -> None:
    choice = read("mt4-export/EURUSD_H1_2010-2020_mt4.csv.gz", "EURUSD", None, oanda("EURUSD")).clock
    assert (choice.spec, choice.how) == ("EET", "measured")
    assert choice.evidence[1].endswith("give --clock 'EET-1h until 2014-11-24, EET'")


def test_the_recorded_gold_file_changed_its_clock_twice() -> None:
    choice = read("mt4-export/XAUUSD_H1_2009-2020_mt4.csv.gz", "XAUUSD", None, oanda("XAUUSD")).clock
    assert (choice.spec, choice.how) == ("EET", "proposed")
    assert "Europe/London until 20" in choice.evidence[-1]
    assert "EET-1h until 201" in choice.evidence[-1]
