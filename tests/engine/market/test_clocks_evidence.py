from __future__ import annotations

from datetime import UTC

import numpy as np
import pytest

from engine.core.clock import from_datetime
from engine.core.errors import DataError
from engine.domain.instrument import instrument_of
from engine.domain.market import Timeframe
from engine.domain.sessions import AROUND_THE_CLOCK
from engine.market.clock_evidence import judge_given, propose
from engine.market.importing import read_history
from tests.engine.market.histories import Row, gold, recorded

XAUUSD = instrument_of("XAUUSD")
M5 = Timeframe.of("M5")


def local(rows: list[Row]) -> np.ndarray:
    return np.array([from_datetime(row.at.replace(tzinfo=UTC)) for row in rows], np.int64)


@pytest.mark.parametrize(
    ("path", "clock"),
    [
        ("mt5-export/XAUUSD_M5_2025_mt5-tab.csv.gz", "EET"),
        ("mt5-export/XAUUSD_M15_2025_mt5-tab.csv.gz", "EET"),
        ("mt5-export/XAUUSD_H1_2025_mt5-tab.csv.gz", "EET"),
        ("mt4-export/XAUUSD_M1_2020_mt4.csv.gz", "EET"),
        ("mt4-export/XAUUSD_M5_2019-2020_mt4.csv.gz", "EET"),
        ("mt4-export/XAUUSD_M15_2017-2020_mt4.csv.gz", "EET"),
        ("mt4-export/XAUUSD_H1_2009-2020_mt4.csv.gz", "EET"),
        ("mt4-export/XAUUSD_M5_2024-2025_mt4-crlf-utc4.csv.gz", "UTC+4"),
        ("mt4-export/XAUUSD_M5_2023_mt4-novolume.csv.gz", "EET-7h"),
        ("mt4-export/US500_M5_2025_mt4-crlf.csv.gz", "America/New_York+7h"),
        ("mt5-python/XAUUSD_H1_2007-2025_mt5-python.csv.gz", "America/New_York+7h"),
        ("mt5-python/XAGUSD_H1_2007-2025_mt5-python.csv.gz", "America/New_York+7h"),
        ("mt5-script/XAUUSD_H1_2016-2025_mt5-script.csv.gz", "EET"),
    ],
)
def test_the_clock_of_a_recorded_file_is_found_from_its_bars(path: str, clock: str) -> None:
    symbol = path.split("/")[1].split("_")[0]
    choice = read_history(recorded(path), instrument_of(symbol)).clock
    assert (choice.spec, choice.how) == (clock, "proposed")
    assert choice.evidence[0].startswith("closed-hours bars ")
    assert f" % at {clock}, next best " in choice.evidence[0]


@pytest.mark.parametrize(
    ("zone", "shift", "spec"),
    [
        ("Europe/Helsinki", 0, "EET"),
        ("Europe/Helsinki", -7, "EET-7h"),
        ("America/New_York", 7, "America/New_York+7h"),
        ("America/New_York", 0, "America/New_York"),
        ("UTC", 0, "UTC"),
        ("UTC", 4, "UTC+4"),
        ("UTC", -11, "UTC-11"),
    ],
)
def test_weeks_around_a_clock_change_tell_every_clock_apart(zone: str, shift: int, spec: str) -> None:
    rows = gold("2024-02-26", "2024-04-12", step=30, zone=zone, shift=shift)
    assert propose(local(rows), XAUUSD, M5, "a file").spec == spec


def test_clocks_that_agree_over_the_whole_file_are_one_and_the_evidence_says_so() -> None:
    rows = gold("2024-06-03", "2024-06-22", zone="Europe/Helsinki")
    choice = propose(local(rows), XAUUSD, M5, "a file")
    assert choice.spec == "EET"
    assert choice.evidence[1] == "over this file the same as America/New_York+7h, UTC+3"


def test_clocks_that_fit_equally_but_disagree_are_not_chosen_between() -> None:
    rows = gold("2024-06-04T00:00", "2024-06-04T18:00")
    with pytest.raises(DataError, match=r"fit several clocks equally well \(.*UTC.*\); give --clock"):
        propose(local(rows), XAUUSD, M5, "a file")


def test_long_bars_and_markets_around_the_clock_do_not_tell_and_ask() -> None:
    times = local(gold("2024-06-03", "2024-06-22"))
    with pytest.raises(DataError, match="H4 bars are too long to tell the file's clock; give --clock"):
        propose(times, XAUUSD, Timeframe.of("H4"), "a file")
    with pytest.raises(DataError, match="BTCUSDT trades around the clock"):
        propose(times, instrument_of("BTCUSDT"), M5, "a file")


def test_a_market_around_the_clock_is_not_gold_on_any_clock() -> None:
    times = local(gold("2024-05-01", "2024-06-22", step=15, sessions=AROUND_THE_CLOCK))
    with pytest.raises(DataError, match="closed hours of XAUUSD on every clock, so this is another market's calendar"):
        propose(times, XAUUSD, M5, "a file")


def test_a_given_clock_is_taken_but_the_bars_may_speak_for_another() -> None:
    times = local(gold("2024-02-26", "2024-04-12", step=15, zone="Europe/Helsinki"))
    wrong = judge_given("UTC", "given", times, XAUUSD, M5)
    assert (wrong.spec, wrong.how) == ("UTC", "given")
    assert wrong.evidence[0].endswith("only 0.0 % at EET: the file looks written on that clock")
    assert judge_given("EET", "given", times, XAUUSD, M5).evidence == ("closed-hours bars 0.0 % at EET",)


def test_times_that_a_given_clock_skips_are_counted() -> None:
    times = local(gold("2024-03-30", "2024-04-02", step=15, sessions=AROUND_THE_CLOCK))
    choice = judge_given("EET", "given", times, instrument_of("BTCUSDT"), M5)
    assert choice.evidence == ("4 rows carry times that EET skips in spring",)


def test_a_lone_bar_a_day_says_nothing_about_the_clock() -> None:
    dense = gold("2024-02-26", "2024-04-12", step=60, zone="America/New_York", shift=7)
    midnight = local(gold("2010-01-04", "2016-12-30", step=24 * 60, sessions=AROUND_THE_CLOCK))
    times = np.concatenate([midnight, local(dense)])
    assert propose(times, XAUUSD, Timeframe.of("H1"), "a file").spec == "America/New_York+7h"
