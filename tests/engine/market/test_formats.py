from __future__ import annotations

from datetime import UTC, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.clock import MINUTE, from_datetime, from_iso, to_datetime
from engine.core.errors import DataError
from engine.market.formats import FORMATS, Parsed, Source, open_source, sniff
from engine.market.formats.digits import stamp
from tests.engine.market.histories import METATRADER, Row, gold, lean, mt4, mt5, python, recorded, script

PRICES = st.integers(1, 10**9)


@st.composite
def tables(draw: st.DrawFn) -> list[Row]:
    """Rows at rising minutes with any prices of up to six decimals that make a bar."""
    places = draw(st.integers(0, 6))
    at = to_datetime(draw(st.integers(1, 60_000_000)) * MINUTE).replace(tzinfo=None)
    rows = []
    for low, open_, close, high in draw(st.lists(st.tuples(PRICES, PRICES, PRICES, PRICES).map(sorted), min_size=1, max_size=30)):
        at += timedelta(minutes=draw(st.integers(1, 5000)))
        prices = [f"{price / 10**places:.{places}f}" for price in (open_, high, low, close)]
        rows.append(Row(at, *prices, draw(st.integers(0, 10**12)), draw(st.integers(0, 10**6))))
    return rows


def source(text: str, name: str = "XAUUSD.csv") -> Source:
    return Source(Path(name), name, text.encode(), "")


def parse(text: str, name: str = "XAUUSD.csv") -> Parsed:
    found = sniff(text.encode()[:4096], name)
    assert found is not None
    return found.parse(source(text, name))


@pytest.mark.parametrize("name", METATRADER)
@given(rows=tables())
@settings(max_examples=40, deadline=None)
def test_a_metatrader_file_parses_back_to_the_numbers_that_were_written(name: str, rows: list[Row]) -> None:
    text = METATRADER[name](rows)
    parsed = parse(text)
    assert parsed.bad == ()
    assert parsed.at.tolist() == [from_datetime(row.at.replace(tzinfo=UTC)) for row in rows]
    for column in ("open", "high", "low", "close", "volume"):
        assert parsed.columns[column].tolist() == [float(getattr(row, column)) for row in rows]
    if "spread" in parsed.columns:
        assert parsed.columns["spread"].tolist() == [float(row.spread) for row in rows]
    header = 0 if name == "mt4-export" else 1
    assert parsed.line.tolist() == [number + 1 + header for number in range(len(rows))]


@pytest.mark.parametrize(("name", "render"), [*METATRADER.items(), ("lean", lean)])
def test_each_format_is_told_from_the_others(name: str, render) -> None:
    head = render(gold("2024-05-06", "2024-05-07")).encode()[:4096]
    assert [each.name for each in FORMATS if each.detects(head, "XAUUSD.csv")] == [name]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("mt5-export/XAUUSD_M5_2025_mt5-tab.csv.gz", "mt5-export"),
        ("mt4-export/XAUUSD_M1_2020_mt4.csv.gz", "mt4-export"),
        ("mt4-export/US500_M5_2025_mt4-crlf.csv.gz", "mt4-export"),
        ("mt5-script/XAUUSD_H1_2016-2025_mt5-script.csv.gz", "mt5-script"),
        ("mt5-python/XAUUSD_D1_2007-2025_mt5-python.csv.gz", "mt5-python"),
        ("ticks-oanda/XAUUSD_H1_2006-2019_oanda-bidask.zip", "lean"),
        ("ticks-oanda/XAUUSD_M1_20140504_quote.zip", "lean"),
        ("ticks-oanda/XAUUSD_tick_20140505_quote.zip", "lean"),
        ("dukascopy/XAUUSD_M1_2024-06_dukascopy-local.csv.gz", "dukascopy"),
        ("dukascopy/XAUUSD_M5_2016-10-12_dukascopy-widget.csv.gz", "dukascopy"),
        ("dukascopy/EURUSD_H4_2003-2021_dukascopy-gmt-ask.csv.gz", "dukascopy"),
        ("histdata/EURUSD_M1_2015-02_histdata-ascii.csv.gz", "histdata"),
        ("tab-noheader/BTCUSDT_H1_2017-2025_tab.csv.gz", "tab-noheader"),
        ("crypto/PAXGUSDT_H1_2021-2023_binance.csv.gz", "binance-table"),
        ("crypto/BTCPERP_M1_2022-01.csv.gz", "csv"),
        ("exchange-recordings/OKX.ws.1.0.txt.gz", "recording"),
        ("README.md", None),
    ],
)
def test_a_recorded_file_is_known_by_its_first_bytes(path: str, name: str | None) -> None:
    opened = open_source(recorded(path))
    found = sniff(opened.head, opened.name)
    assert (found.name if found else None) == name


def test_blank_lines_windows_ends_and_a_missing_last_newline_change_nothing() -> None:
    rows = gold("2024-05-06", "2024-05-07")
    plain = parse(mt4(rows))
    odd = parse("\n" + mt4(rows, "\r\n").rstrip("\r\n").replace("\r\n", "\r\n\r\n", 1))
    assert odd.at.tolist() == plain.at.tolist()
    assert odd.columns["close"].tolist() == plain.columns["close"].tolist()
    assert odd.bad == ()
    assert odd.line[:3].tolist() == [2, 4, 5]


def test_numbers_in_another_spelling_are_read_with_care() -> None:
    rows = [*gold("2024-05-06", "2024-05-07")[:3]]
    text = mt4(rows) + "2024.05.07,10:00,1.9e3,+1901.5,1899.1000000000000227,1900,7\n"
    parsed = parse(text)
    assert parsed.bad == ()
    assert [parsed.columns[name][-1] for name in ("open", "high", "low", "close")] == [1900.0, 1901.5, 1899.1, 1900.0]


def test_a_quoted_line_is_read_field_by_field() -> None:
    lines = mt5(gold("2024-05-06", "2024-05-07")[:3]).splitlines()
    plain = parse("\n".join(lines))
    lines[2] = "\t".join(f'"{field}" ' for field in lines[2].split("\t"))
    quoted = parse("\n".join(lines))
    assert quoted.bad == ()
    assert quoted.at.tolist() == plain.at.tolist()
    assert {name: column.tolist() for name, column in quoted.columns.items()} == {
        name: column.tolist() for name, column in plain.columns.items()
    }


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("2024.05.07,10:00,1900,1901,1899", "wrong number of fields (5, not 7)"),
        ("2024.05.07,10:00,1900,1901,1899,1900,7,8", "wrong number of fields (8, not 7)"),
        ("2024.02.30,10:00,1900,1901,1899,1900,7", "time '2024.02.30,10:00' is not YYYY.MM.DD,HH:MM"),
        ("2024.05.07,25:00,1900,1901,1899,1900,7", "time '2024.05.07,25:00' is not YYYY.MM.DD,HH:MM"),
        ("2024.05.07,10:00,1900,abc,1899,1900,7", "high 'abc' is not a number"),
        ("2024.05.07,10:00,1_900,1901,1899,1900,7", "open '1_900' is not a number"),
        ("2024.05.07,10:00,1900,1901,,1900,7", "low is empty"),
        ("2024.05.07,10:00,1900,1901,1899,19.00.1,7", "close '19.00.1' is not a number"),
        ("\x00\x00\x00", "wrong number of fields (1, not 7)"),
    ],
)
def test_a_line_that_cannot_be_read_is_named_with_its_number_and_why(line: str, reason: str) -> None:
    text = mt4(gold("2024-05-06", "2024-05-07")[:9]) + line + "\n"
    (bad,) = parse(text).bad
    assert bad.line == 10
    assert bad.reason.startswith(reason)


def test_line_numbers_hold_over_the_parser_s_blocks() -> None:
    rows = gold("2024-01-02", "2024-06-20")[:33_000]
    lines = mt4(rows).splitlines(keepends=True)
    lines[32_900] = "broken\n"
    parsed = parse("".join(lines))
    assert [row.line for row in parsed.bad] == [32_901]
    assert len(parsed.at) == len(rows) - 1
    assert parsed.line[32_900] == 32_902


def test_a_header_without_a_price_column_is_refused() -> None:
    text = mt5(gold("2024-05-06", "2024-05-07")[:3]).replace("<CLOSE>", "<LAST>")
    with pytest.raises(DataError, match="the header has no close"):
        parse(text)


def test_a_header_that_names_a_column_twice_is_refused() -> None:
    text = script(gold("2024-05-06", "2024-05-07")[:3]).replace("Spread", "Close", 1)
    with pytest.raises(DataError, match="names a column twice"):
        parse(text)


def test_daily_exports_have_dates_only() -> None:
    text = "<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n2024.05.06\t1900\t1910\t1890\t1905\t9\t0\t20\n"
    parsed = parse(text)
    assert parsed.dates_only
    assert parsed.at.tolist() == [from_iso("2024-05-06")]


def test_seconds_since_1970_are_read_as_the_server_s_clock() -> None:
    rows = gold("2024-05-06", "2024-05-07")[:4]
    lines = [f"{from_datetime(row.at.replace(tzinfo=UTC)) // 10**9},{','.join(row[1:5])},5,18,0\n" for row in rows]
    parsed = parse("time,open,high,low,close,tick_volume,spread,real_volume\n" + "".join(lines))
    assert parsed.at.tolist() == parse(python(rows)).at.tolist()
    assert parsed.columns["spread"].tolist() == [18.0] * 4
    assert not parsed.dates_only


def test_a_time_may_carry_milliseconds() -> None:
    assert stamp("20240506 10:00:00.250", "YYYYMMDD HH:NN:SS.FFF") == from_iso("2024-05-06T10:00:00.250")
