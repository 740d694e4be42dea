"""Dukascopy, HistData, tabs, exchanges' tables: the recorded files, and what their rows mean."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.core.clock import from_iso
from engine.core.errors import DataError
from engine.domain.instrument import instrument_of
from engine.market.formats import FORMATS, Parsed, Source, Wanted, sniff
from engine.market.importing import History, read_history
from tests.engine.market.histories import recorded


def parse(text: str, name: str = "file.csv", wanted: Wanted | None = None) -> Parsed:
    found = sniff(text.encode(), name)
    assert found is not None
    return found.parse(Source(Path(name), name, text.encode(), "", wanted or Wanted()))


def read(path: str, symbol: str, clock: str | None = None) -> History:
    return read_history(recorded(path), instrument_of(symbol), clock=clock)


DUKASCOPY_H4 = "dukascopy/EURUSD_H4_2003-2021_dukascopy-gmt-ask.csv.gz"
DUKASCOPY_D1 = "dukascopy/EURUSD_D1_2003-2021_dukascopy-local-dst.csv.gz"


@pytest.mark.parametrize(
    ("path", "symbol", "rows", "first", "last", "clock"),
    [
        ("dukascopy/XAUUSD_M1_2024-06_dukascopy-local.csv.gz", "XAUUSD", 32_884, "2024-05-28T21:00", "2024-06-28T20:59", "UTC"),
        ("dukascopy/XAUUSD_M5_2016-10-12_dukascopy-widget.csv.gz", "XAUUSD", 276, "2016-10-11T22:00", "2016-10-12T20:55", "UTC"),
        (DUKASCOPY_H4, "EURUSD", 28_860, "2003-05-04T21:00", "2021-10-15T17:00", "UTC"),
        (DUKASCOPY_D1, "EURUSD", 6_632, "2003-05-04T21:00", "2021-06-29T21:00", "UTC"),
        ("histdata/EURUSD_M1_2015-02_histdata-ascii.csv.gz", "EURUSD", 14_382, "2015-02-01T22:00", "2015-02-13T21:58", "UTC-5"),
        ("tab-noheader/US500_H1_2013-2025_tab.csv.gz", "US500", 63_724, "2013-05-23T00:00", "2025-06-30T23:00", "UTC"),
        ("crypto/PAXGUSDT_H1_2021-2023_binance.csv.gz", "PAXGUSDT", 19_599, "2021-04-04T21:00", "2023-06-30T23:00", "UTC"),
        ("crypto/BTCUSDT_H1_2021-2023_binance.csv.gz", "BTCUSDT", 19_600, "2021-04-04T20:00", "2023-06-30T23:00", "UTC"),
    ],
)  # fmt: skip
def test_a_recorded_file_comes_in_whole_and_on_utc(path: str, symbol: str, rows: int, first: str, last: str, clock: str) -> None:
    history = read(path, symbol)
    quality = history.quality
    assert (quality.rows, quality.bad_count, quality.duplicates_exact) == (rows, 0, 0)
    assert (quality.first, quality.last) == (from_iso(first), from_iso(last))
    assert history.clock.spec == clock


def test_minutes_that_dukascopy_filled_are_counted_and_told_from_those_in_closed_hours() -> None:
    quality = read("dukascopy/XAUUSD_M1_2024-06_dukascopy-local.csv.gz", "XAUUSD").quality
    assert (quality.flat_fills, quality.closed_fills, quality.outside_sessions) == (1_297, 1_294, 1_294)


def test_weekend_days_that_were_filled_do_not_make_a_file_another_market_s() -> None:
    quality = read(DUKASCOPY_D1, "EURUSD").quality
    assert quality.flat_fills == 1_864
    assert quality.outside_sessions / quality.rows > 0.2


@pytest.mark.parametrize(
    ("stamp", "utc"),
    [
        ("29.05.2024 00:00:00.000 GMT+0300", "2024-05-28T21:00"),
        ("29.05.2024 00:00:00.000 UTC+03:00", "2024-05-28T21:00"),
        ("29.05.2024 00:00:00.000 GMT-0330", "2024-05-29T03:30"),
        ("29.05.2024 00:00:00 GMT+0000", "2024-05-29T00:00"),
    ],
)
def test_the_offset_of_a_row_is_taken_off(stamp: str, utc: str) -> None:
    parsed = parse(f"Local time,Open,High,Low,Close,Volume\r\n{stamp},1,2,1,2,0.118850000000001\r\n")
    assert (parsed.at.tolist(), parsed.clock, parsed.bad) == ([from_iso(utc)], "UTC", ())


def test_offsets_may_change_from_row_to_row_and_a_broken_one_is_named() -> None:
    rows = ["27.10.2023 00:00:00.000 GMT+0300", "30.10.2023 00:00:00.000 GMT+0200", "31.10.2023 00:00:00.000 GMT+9900"]
    parsed = parse("Local time,Open,High,Low,Close,Volume\n" + "".join(f"{row},1,2,1,2,3\n" for row in rows))
    assert parsed.at.tolist() == [from_iso("2023-10-26T21:00"), from_iso("2023-10-29T22:00")]
    ((line, reason),) = parsed.bad
    assert line == 4
    assert reason.startswith("time '31.10.2023 00:00:00.000 GMT+9900' is not DD.MM.YYYY HH:MM:SS.FFF GMT±HHMM")


def test_histdata_keeps_standard_time_in_summer() -> None:
    parsed = parse("20150701 170000;1.1;1.2;1.0;1.1;0\n")
    assert (parsed.at.tolist(), parsed.clock) == ([from_iso("2015-07-01T17:00")], "UTC-5")


@pytest.mark.parametrize("unit", [1, 1_000])
def test_raw_klines_count_milliseconds_or_microseconds(unit: int) -> None:
    opened = from_iso("2025-01-01T00:00") // 1_000_000 * unit
    row = f"{opened},1751.07,1754.28,1748.10,1753.83,13.1,{opened + 3_599_999 * unit},23042.1,121,6.3,11040.2,0\n"
    for text in (row, f"open_time,open,high,low,close,volume,close_time,qv,count,tb,tq,ignore\n{row}"):
        parsed = parse(text)
        assert parsed.at.tolist() == [from_iso("2025-01-01T00:00")]
        assert parsed.columns["volume"].tolist() == [13.1]
        assert parsed.clock == "UTC"


def test_a_table_of_another_ticker_is_refused() -> None:
    text = "date,open,high,low,close,volume,ticker\n2021-04-04 20:00:00,1,2,1,2,3,PAXGUSDT\n"
    assert len(parse(text, wanted=Wanted("PAXGUSDT")).at) == 1
    with pytest.raises(DataError, match="the rows are of PAXGUSDT, not BTCUSDT"):
        parse(text, wanted=Wanted("BTCUSDT"))


def test_single_rows_of_another_ticker_are_refused_by_line() -> None:
    rows = "2021-04-04 20:00:00,1,2,1,2,3,PAXGUSDT\n2021-04-04 21:00:00,1,2,1,2,3,BTCUSDT\n"
    parsed = parse("date,open,high,low,close,volume,ticker\n" + rows, wanted=Wanted("PAXGUSDT"))
    assert [(bad.line, bad.reason) for bad in parsed.bad] == [(3, "ticker 'BTCUSDT' is not PAXGUSDT")]


def test_every_format_shows_an_example_and_has_a_name_of_its_own() -> None:
    assert all(each.example and each.title for each in FORMATS)
    assert len({each.name for each in FORMATS}) == len(FORMATS)


@pytest.mark.parametrize("name", [each.name for each in FORMATS if each.name not in ("parquet", "plain", "recording", "lean")])
def test_the_example_of_a_format_is_known_by_no_other(name: str) -> None:
    example = next(each for each in FORMATS if each.name == name).example
    headers = {
        "mt5-export": "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>",
        "mt5-script": "DateTime,Open,High,Low,Close,TickVolume,Spread",
        "mt5-python": "time,open,high,low,close,tick_volume",
        "dukascopy": "Local time,Open,High,Low,Close,Volume",
        "binance-table": "date,open,high,low,close,volume,ticker",
    }
    text = f"{headers[name]}\n{example}\n" if name in headers else f"{example}\n"
    assert [each.name for each in FORMATS if each.detects(text.encode(), "file.csv")] == [name]


HOUR_ROWS = [f"2024-05-06 {hour:02d}:00" for hour in range(24)]
DAMAGED = {
    "dukascopy": "Local time,Open,High,Low,Close,Volume\n"
    + "".join(f"06.05.2024 {n:02d}:00:00.000 GMT+0300,1,2,1,2,3.5\n" for n in range(24)),
    "histdata": "".join(f"20240506 {n:02d}0000;1.1;1.2;1.0;1.1;0\n" for n in range(24)),
    "tab": "".join(f"{at}\t1.1\t1.2\t1.0\t1.1\t60\n" for at in HOUR_ROWS),
    "table": "date,open,high,low,close,volume,ticker\n" + "".join(f"{at}:00,1.1,1.2,1.0,1.1,5,EURUSD\n" for at in HOUR_ROWS),
    "csv": "time,open,high,low,close,spread\n" + "".join(f"{at}:00,1.1,1.2,1.0,1.1,\n" for at in HOUR_ROWS),
    "recording": "wss://ws.kraken.com <-> 1618678132.38\n"
    + "".join(f'{1618678133 + n}.5: [1,{{"b":["1.1","1","2"],"a":["1.2","1","2"]}},"ticker","EUR/USD"]\n' for n in range(24)),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED)
@given(edits=st.lists(st.tuples(st.integers(0, 900), st.integers(0, 12), st.binary(max_size=6)), min_size=1, max_size=6))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_file_gives_what_is_sound_in_it_or_one_sentence(
    name: str, edits: list[tuple[int, int, bytes]], tmp_path: Path
) -> None:
    data = bytearray(DAMAGED[name].encode())
    for place, length, put in edits:
        data[place : place + length] = put
    path = tmp_path / "file.csv"
    path.write_bytes(bytes(data))
    said, rows = "", 0
    try:
        rows = read_history(path, instrument_of("EURUSD"), clock="UTC", force=True).quality.rows
    except DataError as error:
        said = str(error)
    assert said.startswith("file.csv: ") or 0 < rows <= 25
