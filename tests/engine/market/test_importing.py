from __future__ import annotations

import gzip
import hashlib
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from engine.core.clock import HOUR, MINUTE, from_iso
from engine.core.errors import DataError, UserError
from engine.domain.instrument import instrument_of
from engine.domain.market import Timeframe
from engine.domain.sessions import AROUND_THE_CLOCK
from engine.market.importing import History, read_history
from tests.engine.market.histories import Row, gold, mt4, mt5, python, recorded, write

XAUUSD = instrument_of("XAUUSD")


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """Three weeks of M5 bars on UTC+4."""
    return gold("2024-05-06", "2024-05-25", shift=4)


def bar_count(history: History) -> int:
    assert history.bars is not None
    return len(history.bars)


def test_a_recorded_export_becomes_bars_on_utc() -> None:
    path = recorded("mt5-export/XAUUSD_M5_2025_mt5-tab.csv.gz")
    history = read_history(path, XAUUSD)
    assert history.bars is not None
    assert (history.format, history.timeframe, history.source) == ("mt5-export", Timeframe.of("M5"), path.name)
    assert history.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert len(history.bars) == 34_866
    first = history.bars.row(0)
    assert first.at == from_iso("2025-01-01T23:00")
    assert first[1:5] == (2624.81, 2625.07, 2624.25, 2625.0)
    assert float(np.median(history.bars.spread)) == 0.18
    assert (history.bars.at[1:] > history.bars.at[:-1]).all()
    assert history.quality.bad_count == 0


def test_two_files_of_one_market_on_different_clocks_meet_on_utc() -> None:
    one = read_history(recorded("mt5-export/XAUUSD_M5_2025_mt5-tab.csv.gz"), XAUUSD).bars
    other = read_history(recorded("mt4-export/XAUUSD_M5_2024-2025_mt4-crlf-utc4.csv.gz"), XAUUSD).bars
    assert one is not None
    assert other is not None
    _, left, right = np.intersect1d(one.at, other.at, return_indices=True)
    assert len(left) > 0.99 * len(one)
    assert float(np.median(np.abs(one.close[left] - other.close[right]))) < 0.5


def test_an_hourly_file_with_years_of_one_bar_a_day_is_read_and_the_report_says_so() -> None:
    history = read_history(recorded("mt5-python/XAUUSD_H1_2007-2025_mt5-python.csv.gz"), XAUUSD)
    assert history.timeframe == Timeframe.of("H1")
    assert bar_count(history) == 46_010
    assert [share for year, share in history.quality.coverage if year in (2010, 2024)] == pytest.approx([0.02, 0.99], abs=0.03)
    assert any(line.startswith("sparse: in 2007 to 2017 ") for line in history.quality.lines())


@pytest.mark.parametrize(
    "path", ["mt5-python/XAUUSD_D1_2007-2025_mt5-python.csv.gz", "mt5-script/XAUUSD_D1_2016-2025_mt5-script.csv.gz"]
)
def test_daily_rows_under_an_hourly_name_are_refused(tmp_path: Path, path: str) -> None:
    copy = tmp_path / "XAUUSD_H1.csv.gz"
    copy.write_bytes(recorded(path).read_bytes())
    with pytest.raises(DataError, match=r"cannot be, for the rows .*; give --timeframe D1"):
        read_history(copy, XAUUSD, clock="EET")
    history = read_history(copy, XAUUSD, timeframe=Timeframe.of("D1"), clock="EET")
    assert history.quality.notes == ("the file's name says H1; read as D1, as its rows are",)


def test_a_daily_file_asks_for_its_clock_and_keeps_the_day_s_open_on_it(tmp_path: Path) -> None:
    text = python([Row(row.at.replace(hour=0, minute=0), *row[1:5]) for row in gold("2024-03-25T12:00", "2024-04-06", 24 * 60)])
    path = write(tmp_path, text.replace(" 00:00:00", ""))
    with pytest.raises(DataError, match="give --clock"):
        read_history(path, XAUUSD)
    bars = read_history(path, XAUUSD, clock="EET").bars
    assert bars is not None
    assert bars.at[[0, -1]].tolist() == [from_iso("2024-03-24T22:00"), from_iso("2024-04-04T21:00")]


def test_the_timeframe_is_seen_from_the_rows_where_nobody_says(tmp_path: Path) -> None:
    path = write(tmp_path, mt4(gold("2024-05-06", "2024-05-25", step=15)))
    assert read_history(path, XAUUSD).timeframe == Timeframe.of("M15")


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("XAUUSD_M5.csv", "M1", "the timeframe M1 cannot be, for the rows are 5 min apart; give --timeframe M5"),
        ("XAUUSD_M5.csv", "H1", "the timeframe H1 cannot be, for the rows are 5 min apart; give --timeframe M5"),
        ("XAUUSD_M15.csv", None, "the name says M15, but that cannot be, for the rows are 5 min apart"),
        ("XAUUSD60.csv", None, "the name says H1, but that cannot be"),
        ("xauusd_2024_1m.csv", None, "the name says M1, but that cannot be"),
        ("EURUSD_M5.csv", None, "the name says EURUSD, not XAUUSD; give --instrument EURUSD or --force"),
        ("US500Roll5.csv", None, "the name says US500, not XAUUSD"),
        ("GBPJPY5.csv", None, "the name says GBPJPY, not XAUUSD"),
    ],
)
def test_a_name_or_option_that_the_rows_contradict_is_refused(
    tmp_path: Path, rows: list[Row], name: str, given: str | None, message: str
) -> None:
    frame = Timeframe.of(given) if given else None
    with pytest.raises(DataError, match=f"{name}: {message}"):
        read_history(write(tmp_path, mt4(rows), name), XAUUSD, timeframe=frame)


def test_force_reads_a_file_whose_name_says_another_instrument(tmp_path: Path, rows: list[Row]) -> None:
    assert bar_count(read_history(write(tmp_path, mt4(rows), "EURUSD_M5.csv"), XAUUSD, force=True)) == len(rows)


def test_rows_of_an_unknown_distance_ask_for_the_timeframe(tmp_path: Path) -> None:
    text = mt4([row for row in gold("2024-05-06", "2024-05-25", step=1) if row.at.minute % 7 == 0])
    path = write(tmp_path, text)
    with pytest.raises(DataError, match="rows 7 min apart are no timeframe that is known; give --timeframe"):
        read_history(path, XAUUSD)


def test_prices_a_hundred_times_off_are_refused_with_the_factor_that_mends_them(tmp_path: Path, rows: list[Row]) -> None:
    cents = [Row(row.at, *(price.replace(".", "") for price in row[1:5]), row.volume, 1800) for row in rows]
    path = write(tmp_path, mt5(cents))
    with pytest.raises(DataError, match=r"cannot be XAUUSD; give --price-scale 0.01 or check --instrument"):
        read_history(path, XAUUSD)
    mended = read_history(path, XAUUSD, price_scale=Decimal("0.01")).bars
    assert mended is not None
    assert mended.close.tolist() == [float(row.close) for row in rows]
    assert mended.spread[0] == 18.0
    assert mended.volume[0] == 100.0


def test_prices_that_no_power_of_ten_mends_are_another_instrument_s(tmp_path: Path, rows: list[Row]) -> None:
    with pytest.raises(DataError, match=r"cannot be EURUSD; give --price-scale 0.001"):
        read_history(write(tmp_path, mt4(rows), "history.csv"), instrument_of("EURUSD"))
    tiny = [Row(row.at, "0.0000000002", "0.0000000003", "0.0000000001", "0.0000000002") for row in rows]
    with pytest.raises(DataError, match="cannot be XAUUSD; check --instrument"):
        read_history(write(tmp_path, mt4(tiny)), XAUUSD)


@pytest.mark.parametrize("scale", ["0", "-1", "NaN"])
def test_a_price_scale_is_above_zero(tmp_path: Path, rows: list[Row], scale: str) -> None:
    with pytest.raises(DataError, match="is not a number above zero"):
        read_history(write(tmp_path, mt4(rows)), XAUUSD, price_scale=Decimal(scale))


def test_a_price_scale_above_one_multiplies(tmp_path: Path, rows: list[Row]) -> None:
    small = [Row(row.at, *(f"{float(price) / 1000:.5f}" for price in row[1:5])) for row in rows]
    bars = read_history(write(tmp_path, mt4(small)), XAUUSD, price_scale=Decimal(1000)).bars
    assert bars is not None
    assert bars.close == pytest.approx([float(row.close) for row in rows])


def test_a_market_around_the_clock_under_gold_s_name_is_refused_with_or_without_a_clock(tmp_path: Path) -> None:
    path = write(tmp_path, mt4(gold("2024-05-06", "2024-06-02", step=15, sessions=AROUND_THE_CLOCK)))
    with pytest.raises(DataError, match="another market's calendar"):
        read_history(path, XAUUSD)
    with pytest.raises(DataError, match="30 % of the M15 rows lie in closed hours of XAUUSD"):
        read_history(path, XAUUSD, clock="UTC")
    assert bar_count(read_history(path, XAUUSD, clock="UTC", force=True)) == 27 * 96


def test_around_the_clock_bars_stay_in_order_over_a_clock_change(tmp_path: Path) -> None:
    rows = gold("2022-10-25", "2022-11-03", step=15, zone="Europe/Helsinki", sessions=AROUND_THE_CLOCK)
    bars = read_history(write(tmp_path, mt4(rows), "PAXGUSDT.csv"), instrument_of("PAXGUSDT"), clock="EET").bars
    assert bars is not None
    assert np.diff(bars.at).tolist() == [15 * MINUTE] * (len(rows) - 1)


def test_a_given_clock_that_is_not_known_is_a_user_error(tmp_path: Path, rows: list[Row]) -> None:
    with pytest.raises(UserError, match="clock 'Mars' is not known"):
        read_history(write(tmp_path, mt4(rows)), XAUUSD, clock="Mars")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("\n \n", "the file is empty"),
        ("hello\nworld\n", "this is none of the formats that can be read"),
        (mt5([]), "no row can be read"),
    ],
)
def test_a_file_without_rows_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_history(write(tmp_path, text), XAUUSD)


def test_rows_from_the_newest_to_the_oldest_are_refused(tmp_path: Path, rows: list[Row]) -> None:
    with pytest.raises(DataError, match="run from the newest to the oldest"):
        read_history(write(tmp_path, mt4(rows[::-1])), XAUUSD)


def test_points_follow_the_prices_decimals_and_noise_is_not_a_decimal(tmp_path: Path, rows: list[Row]) -> None:
    fine = [Row(row.at, *(price + "3" for price in row[1:5]), row.volume, row.spread) for row in rows]
    noisy = [Row(row.at, *(price + "00000001" for price in row[1:5]), row.volume, row.spread) for row in rows]
    for text, spread in ((mt5(rows), 0.18), (mt5(fine), 0.018), (mt5(noisy), 0.18)):
        bars = read_history(write(tmp_path, text), XAUUSD).bars
        assert bars is not None
        assert bars.spread[0] == spread


def test_a_file_packed_with_gzip_gives_the_same_bars(tmp_path: Path, rows: list[Row]) -> None:
    plain = write(tmp_path, mt4(rows))
    packed = tmp_path / "XAUUSD.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    one, other = read_history(plain, XAUUSD), read_history(packed, XAUUSD)
    assert one.bars is not None
    assert other.bars is not None
    assert one.bars.close.tolist() == other.bars.close.tolist()
    assert one.sha256 != other.sha256


def test_a_file_too_short_to_show_its_timeframe_takes_the_one_given(tmp_path: Path, rows: list[Row]) -> None:
    path = write(tmp_path, mt4(rows[:1]))
    with pytest.raises(DataError, match="rows no time apart"):
        read_history(path, XAUUSD, clock="UTC+4")
    bars = read_history(path, XAUUSD, timeframe=Timeframe.of("M5"), clock="UTC+4").bars
    assert bars is not None
    assert bars.at.tolist() == [from_iso((rows[0].at - timedelta(hours=4)).isoformat())]
    assert bars.at[0] % HOUR == 0
