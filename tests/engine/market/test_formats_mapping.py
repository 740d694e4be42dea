"""Tables with named columns, plain text by a mapping, Parquet."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.clock import from_datetime, from_iso
from engine.core.errors import DataError, UserError
from engine.domain.instrument import instrument_of
from engine.market.formats import Mapping, Parsed, Source, Wanted, format_of, parquet
from engine.market.formats.epoch import UNITS, from_counts
from engine.market.importing import read_history
from tests.engine.market.histories import gold, recorded, write

XAUUSD = instrument_of("XAUUSD")


def parse(text: str, mapping: Mapping | None = None) -> Parsed:
    source = Source(Path("f.csv"), "f.csv", text.encode(), "", Wanted(mapping=mapping))
    found = format_of(source)
    assert found is not None
    return found.parse(source)


@pytest.mark.parametrize(
    ("stamp", "clock"),
    [
        ("2024-05-06 10:30:00", None),
        ("2024-05-06 10:30:00.000000", None),
        ("2024-05-06T10:30", None),
        ("2024-05-06T10:30:00Z", "UTC"),
        ("2024-05-06T12:30:00+02:00", "UTC"),
        ("06.05.2024 10:30", None),
        ("2024/05/06 10:30:00", None),
        ("20240506 103000", None),
        ("1714991400", "UTC"),
        ("1714991400000", "UTC"),
        ("1714991400000000", "UTC"),
    ],
)
def test_the_time_of_a_table_is_understood_by_itself(stamp: str, clock: str | None) -> None:
    parsed = parse(f"timestamp,open,high,low,close,volume\n{stamp},1,2,0.5,1.5,7\n")
    assert (parsed.bad, parsed.clock) == ((), clock)
    assert parsed.at.tolist() == [from_iso("2024-05-06T10:30")]


def test_columns_of_a_table_may_stand_in_any_order_with_others_between() -> None:
    parsed = parse("time;close;number;low;high;open\n2024-05-06;1.5;9;0.5;2;1\n")
    assert {name: column.tolist() for name, column in parsed.columns.items()} == {
        "open": [1], "high": [2], "low": [0.5], "close": [1.5], "volume": [0],
    }  # fmt: skip
    assert parsed.dates_only


def test_an_empty_spread_is_not_known_and_no_reason_to_refuse_the_row(tmp_path: Path) -> None:
    rows = gold("2024-05-06", "2024-05-08", step=60)
    text = "time,open,high,low,close,volume,spread\n" + "".join(
        f"{row.at:%Y-%m-%dT%H:%M:%SZ},{','.join(row[1:5])},5,{'' if number % 2 else '0.18'}\n" for number, row in enumerate(rows)
    )
    bars = read_history(write(tmp_path, text), XAUUSD).bars
    assert bars is not None
    assert len(bars) == len(rows)
    assert np.isnan(bars.spread[1::2]).all()
    assert (bars.spread[::2] == 0.18).all()


def test_the_btcperp_file_is_read_to_the_microsecond() -> None:
    history = read_history(recorded("crypto/BTCPERP_M1_2022-01.csv.gz"), instrument_of("BTCUSDT"), clock="UTC")
    assert history.quality.rows == 45_031
    assert (history.quality.first, history.quality.last) == (from_iso("2021-12-31T23:01"), from_iso("2022-02-01T05:31"))
    assert history.quality.gaps.holes == history.quality.gaps.quiet == 0


def test_a_mapping_reads_what_says_nothing_itself(tmp_path: Path) -> None:
    rows = gold("2024-05-06", "2024-05-10", step=30)
    text = "".join(
        f"x|{row.at:%d/%m/%Y}|{row.at:%H-%M}|{row.close}|{row.open}|{row.high}|{row.low}|{row.volume}\n" for row in rows
    )
    path = write(tmp_path, "a line of words\n" + text)
    mapping = Mapping.of("-,date,time,close,open,high,low,volume", "pipe", "DD/MM/YYYY|HH-NN")
    history = read_history(path, XAUUSD, clock="UTC", mapping=mapping)
    assert history.format == "plain"
    assert history.bars is not None
    assert history.bars.at.tolist() == [from_datetime(row.at.replace(tzinfo=UTC)) for row in rows]
    assert history.bars.close.tolist() == [float(row.close) for row in rows]
    with pytest.raises(DataError, match="name its columns with --columns"):
        read_history(path, XAUUSD, clock="UTC")


def test_a_mapping_finds_the_form_of_date_and_time_in_the_rows() -> None:
    mapping = Mapping.of("date,time,open,high,low,close", ";")
    parsed = parse("Datum;Zeit;O;H;T;S\n06.05.2024;10:30;1;2;0.5;1.5\n06.05.2024;10:31;1;2;0.5;1.5\n", mapping)
    assert parsed.at.tolist() == [from_iso("2024-05-06T10:30"), from_iso("2024-05-06T10:31")]


def test_bid_and_ask_of_a_mapping_are_ticks() -> None:
    parsed = parse("1714991400.25,1900.1,1900.3\n", Mapping.of("time,bid,ask", time_format="s"))
    assert parsed.is_ticks
    assert parsed.at.tolist() == [from_iso("2024-05-06T10:30") + 250_000_000]


@pytest.mark.parametrize(
    ("columns", "separator", "sentence"),
    [
        ("time,open,high,low", ",", "--columns has no close"),
        ("open,high,low,close", ",", "--columns has no time"),
        ("time,open,high,low,close,close", ",", "names close twice"),
        ("time,open,high,low,close,price", ",", "'price' is no column that is known"),
        ("time,date,open,high,low,close", ",", "date must stand right before time"),
        ("time,open,high,low,close", ";;", "is not one character"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(columns: str, separator: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        Mapping.of(columns, separator)


def test_rows_without_a_time_that_can_be_read_are_refused_with_the_remedy() -> None:
    with pytest.raises(DataError, match="give --time-format"):
        parse("6 May 2024 12345,1,2,1,2\n", Mapping.of("time,open,high,low,close", header=0))
    with pytest.raises(DataError, match="looks like a row"):
        parse("words\nand words\n", Mapping.of("time,open,high,low,close"))


@given(st.integers(10**18, 2 * 10**18), st.sampled_from(["s", "ms", "us"]))
@settings(max_examples=30, deadline=None)
def test_a_count_since_1970_is_its_time_in_any_unit(nanos: int, unit: str) -> None:
    count = nanos // UNITS[unit]
    for given_unit in (unit, ""):
        assert from_counts(np.array([float(count)]), given_unit).tolist() == [count * UNITS[unit]]


@pytest.mark.parametrize("zone", ["UTC", None])
def test_a_parquet_file_of_another_program_is_read(tmp_path: Path, zone: str | None) -> None:
    arrow = pytest.importorskip("pyarrow")
    tables = pytest.importorskip("pyarrow.parquet")
    rows = gold("2024-05-06", "2024-05-10", step=30)
    at = [from_datetime(row.at.replace(tzinfo=UTC)) for row in rows]
    prices = {name.title(): [float(getattr(row, name)) for row in rows] for name in ("open", "high", "low", "close")}
    times = arrow.array(at, arrow.int64()).cast(arrow.timestamp("ns", tz=zone))
    path = tmp_path / "XAUUSD.parquet"
    tables.write_table(arrow.table({"Timestamp": times, **prices, "extra": ["x"] * len(at)}), path)
    history = read_history(path, XAUUSD, clock=None if zone else "UTC")
    assert (history.format, history.clock.spec) == ("parquet", "UTC")
    assert history.bars is not None
    assert history.bars.at.tolist() == at
    assert history.bars.low.tolist() == prices["Low"]


def test_a_parquet_file_without_prices_or_with_damage_is_refused(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    path = tmp_path / "XAUUSD.parquet"
    pytest.importorskip("pyarrow.parquet").write_table(arrow.table({"time": [1], "open": [1.0]}), path)
    with pytest.raises(DataError, match="has no column high, low, close"):
        read_history(path, XAUUSD)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="is damaged"):
        read_history(path, XAUUSD)


def test_without_its_library_parquet_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(parquet, "import_module", missing)
    with pytest.raises(UserError, match="with the extra 'parquet'"):
        parquet.library()
