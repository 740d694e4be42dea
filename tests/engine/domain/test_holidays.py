"""Holidays and short days: by hand, and against recorded gold, where they must be holes and nothing else may be one."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from engine.core.clock import from_iso, to_iso
from engine.core.errors import UserError
from engine.domain.holidays import EarlyClose, Holidays, calendar_days
from engine.domain.instrument import INSTRUMENTS, instrument_of
from engine.domain.market import Ints
from engine.domain.sessions import Sessions
from engine.market.calendar import OpenTimes
from engine.market.importing import read_history

GOLD = INSTRUMENTS["XAUUSD"].sessions
RECORDED = Path(__file__).parents[4] / "shared" / "data"


def closures(year: int, symbol: str = "XAUUSD") -> dict[str, int | None]:
    found = instrument_of(symbol).sessions.closures(date(year, 1, 1), date(year, 12, 31))
    return {day.isoformat(): closure.close for day, closure in found.items()}


def test_gold_keeps_the_holidays_of_cme_and_is_short_on_those_of_new_york() -> None:
    half_past_two = 14 * 60 + 30
    assert closures(2024) == {
        "2024-01-01": None,
        "2024-01-15": half_past_two,  # Martin Luther King
        "2024-02-19": half_past_two,
        "2024-03-29": None,  # Good Friday
        "2024-05-27": half_past_two,
        "2024-06-19": half_past_two,  # Juneteenth, which CME's own calendar does not know
        "2024-07-04": half_past_two,
        "2024-09-02": half_past_two,
        "2024-11-28": half_past_two,
        "2024-11-29": 14 * 60 + 45,
        "2024-12-24": 13 * 60 + 45,
        "2024-12-25": None,
    }


def test_short_days_ended_at_one_until_2021_and_new_year_s_eve_was_one() -> None:
    found = closures(2020)
    assert (found["2020-01-20"], found["2020-07-03"], found["2020-12-31"]) == (13 * 60, 13 * 60, 14 * 60)


def test_a_holiday_takes_the_session_that_ends_on_it() -> None:
    opens = {
        "2024-12-24T18:44": True,  # Christmas Eve, until a quarter to two in New York
        "2024-12-24T18:45": False,
        "2024-12-25T00:00": False,
        "2024-12-25T22:59": False,
        "2024-12-25T23:00": True,
    }
    assert {at: GOLD.is_open(from_iso(at)) for at in opens} == opens
    assert to_iso(GOLD.next_open(from_iso("2024-12-24T19:00"))) == "2024-12-25T23:00:00Z"
    assert to_iso(GOLD.next_close(from_iso("2024-12-24T12:00"))) == "2024-12-24T18:45:00Z"


def test_what_shuts_the_market_has_a_name() -> None:
    found = GOLD.closure(from_iso("2024-03-29T12:00"))
    assert found is not None
    assert found.name == "Good Friday"
    assert GOLD.closure(from_iso("2024-03-30T12:00")) is None  # a Saturday like any other
    assert GOLD.closure(from_iso("2024-03-28T12:00")) is None


def test_a_week_without_holidays_is_as_the_timetable_says() -> None:
    at = np.arange(from_iso("2024-06-03"), from_iso("2024-06-17"), 600 * 10**9, dtype=np.int64)
    same = OpenTimes.of(GOLD, int(at[0]), int(at[-1])).is_open(at)
    assert (same == OpenTimes.of(GOLD.weekly, int(at[0]), int(at[-1])).is_open(at)).all()


def test_sessions_that_follow_on_each_other_are_one() -> None:
    euro = INSTRUMENTS["EURUSD"].sessions
    assert to_iso(euro.next_close(from_iso("2024-06-10T12:00"))) == "2024-06-14T21:00:00Z"
    assert closures(2024, "EURUSD") == {"2024-01-01": None, "2024-12-25": None}
    assert to_iso(euro.next_close(from_iso("2024-12-24T12:00"))) == "2024-12-24T22:00:00Z"


def test_of_several_rules_the_last_that_fits_a_day_decides_and_none_leaves_it_usual() -> None:
    rules = (EarlyClose("holiday", 600), EarlyClose("holiday", 700, since=date(2023, 1, 1), until=date(2024, 1, 1)))
    found = Holidays("CMES", "XNYS", (), rules)
    assert [found.of(year)[date(year, 7, 4)].close for year in (2022, 2023, 2024)] == [600, 700, 600]
    assert date(2023, 11, 24) not in found.of(2023)


def test_a_market_around_the_clock_has_no_closures() -> None:
    assert INSTRUMENTS["BTCUSDT"].sessions.closures(date(2024, 1, 1), date(2024, 12, 31)) == {}


def test_a_calendar_that_does_not_exist_is_named() -> None:
    with pytest.raises(UserError, match="'NOPE' is no exchange calendar; use for example CMES"):
        calendar_days("NOPE")


@pytest.mark.parametrize("name", ["XCYS", "XTAE"])
def test_a_calendar_that_the_library_cannot_compute_is_refused_in_a_sentence(name: str) -> None:
    with pytest.raises(UserError, match=f"^calendar {name} cannot be used: .{{10,120}}; use another, or name"):
        calendar_days(name)


@pytest.mark.parametrize("name", ["24/5", "24/7", "XSHG"])
def test_a_calendar_without_rules_has_no_holidays(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    calendar_days.cache_clear()
    assert calendar_days(name) == ({}, {})
    assert len(list(tmp_path.glob("holidays-*.json"))) == 1


def test_a_calendar_is_kept_on_disk_and_reads_back_as_it_was_computed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    calendar_days.cache_clear()
    computed = calendar_days("CMES")
    (kept,) = tmp_path.glob("holidays-CMES-*.json")
    calendar_days.cache_clear()
    assert calendar_days("CMES") == computed
    kept.write_text("{", "ascii")
    calendar_days.cache_clear()
    assert calendar_days("CMES") == computed


HOURS = [
    ("mt5-script/XAUUSD_H1_2016-2025_mt5-script.csv.gz", "XAUUSD", "EET", 174, 85),
    ("mt5-export/XAUUSD_M5_2025_mt5-tab.csv.gz", "XAUUSD", "EET", 7, 4),
    ("mt4-export/XAUUSD_M5_2024-2025_mt4-crlf-utc4.csv.gz", "XAUUSD", "UTC+4", 12, 3),
]


@pytest.mark.parametrize(("path", "symbol", "clock", "holes", "left"), HOURS)
def test_no_bar_of_recorded_gold_lies_in_a_holiday_and_holidays_are_no_holes(
    path: str, symbol: str, clock: str, holes: int, left: int
) -> None:
    file = RECORDED / path
    if not file.exists():
        pytest.skip(f"the recorded file {path} is not here")
    instrument = instrument_of(symbol)
    history = read_history(file, instrument, clock=clock)
    assert history.bars is not None
    assert history.timeframe is not None
    at, span = history.bars.at, history.timeframe.span
    assert history.quality.gaps.holes == left
    assert len(_gaps(at, span, instrument.sessions.weekly)) == holes
    times = OpenTimes.of(instrument.sessions, int(at[0]), int(at[-1]) + span)
    usual = OpenTimes.of(instrument.sessions.weekly, int(at[0]), int(at[-1]) + span)
    shut = times.open_before(at + span) == times.open_before(at)
    assert not (shut & (usual.open_before(at + span) > usual.open_before(at))).any()


def _gaps(at: Ints, span: int, sessions: Sessions) -> Ints:
    times = OpenTimes.of(sessions, int(at[0]), int(at[-1]) + span)
    missing = times.open_before(at[1:]) - times.open_before(at[:-1] + span)
    found: Ints = missing[missing >= 30 * 60 * 10**9]
    return found
