"""Exported bars come back as they were."""

from __future__ import annotations

import gzip
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.clock import HOUR, MINUTE, from_iso
from engine.core.errors import UserError
from engine.domain.instrument import instrument_of
from engine.domain.market import Bars, Timeframe
from engine.market.clocks import parse_clock
from engine.market.exporting import EXPORTERS, Exporter, Order, exporter_of, render, write
from engine.market.formats import open_source
from engine.market.importing import read_history
from tests.engine.market.histories import recorded

XAUUSD = instrument_of("XAUUSD")
UTC = parse_clock("UTC")


@pytest.fixture(params=EXPORTERS, ids=lambda each: each.name)
def exporter(request: pytest.FixtureRequest) -> Exporter:
    if request.param.name == "parquet":
        pytest.importorskip("pyarrow")
    return request.param


def assert_same(found: Bars | None, expected: Bars) -> None:
    assert found is not None
    for field in fields(expected):
        np.testing.assert_array_equal(getattr(found, field.name), getattr(expected, field.name), strict=True)


def bars(count: int = 500, step: int = 5 * MINUTE, start: str = "2024-03-04T00:00") -> Bars:
    close = 2000 + np.cumsum(np.random.default_rng(5).integers(-20, 21, count)) / 100
    at = from_iso(start) + np.arange(count) * step
    return Bars(
        at, close, np.round(close + 0.31, 2), np.round(close - 0.27, 2), close, np.arange(count) * 1.0, np.full(count, 0.18)
    )


@pytest.mark.parametrize("name", ["M5", "M15", "H1"])
def test_a_metatrader_export_is_written_again_byte_for_byte(name: str) -> None:
    path = recorded(f"mt5-export/XAUUSD_{name}_2025_mt5-tab.csv.gz")
    history = read_history(path, XAUUSD)
    assert history.bars is not None
    assert history.timeframe is not None
    data = render(exporter_of("mt5"), Order(history.bars, XAUUSD, history.timeframe, history.clock.clock))
    assert data == open_source(path).text


def test_exported_bars_are_imported_as_they_were_and_exported_again_to_the_same_bytes(exporter: Exporter, tmp_path: Path) -> None:
    timeframe = Timeframe.of("M5")
    data = render(exporter, Order(bars(), XAUUSD, timeframe, UTC))
    path = tmp_path / f"XAUUSD_M5{exporter.suffix}"
    write(path, data, overwrite=False)
    found = read_history(path, XAUUSD, clock="UTC", force=True)
    assert (found.format, found.timeframe) == (exporter.reader.name, timeframe)
    assert_same(found.bars, bars())
    assert found.bars is not None
    assert render(exporter, Order(found.bars, XAUUSD, timeframe, UTC)) == data


@pytest.mark.parametrize(
    ("path", "symbol", "format_"),
    [
        ("dukascopy/XAUUSD_M1_2024-06_dukascopy-local.csv.gz", "XAUUSD", "csv"),
        ("dukascopy/XAUUSD_M5_2016-10-12_dukascopy-widget.csv.gz", "XAUUSD", "parquet"),
        ("mt5-script/XAUUSD_D1_2016-2025_mt5-script.csv.gz", "XAUUSD", "mt5"),
        ("ticks-oanda/XAUUSD_D1_2006-2019_oanda-bidask.zip", "XAUUSD", "csv"),
    ],
)
def test_recorded_bars_of_any_source_go_out_and_come_back(path: str, symbol: str, format_: str, tmp_path: Path) -> None:
    if format_ == "parquet":
        pytest.importorskip("pyarrow")
    clock = "EET" if format_ == "mt5" else "UTC"
    history = read_history(recorded(path), instrument_of(symbol), clock=clock)
    assert history.bars is not None
    assert history.timeframe is not None
    exporter = exporter_of(format_)
    out = tmp_path / f"out{exporter.suffix}"
    write(
        out, render(exporter, Order(history.bars, instrument_of(symbol), history.timeframe, parse_clock(clock))), overwrite=False
    )
    assert_same(read_history(out, instrument_of(symbol), history.timeframe, clock, force=True).bars, history.bars)


@given(
    st.lists(
        st.tuples(st.floats(1e-5, 1e6), st.floats(0, 1e9), st.one_of(st.just(float("nan")), st.floats(0, 50))),
        min_size=1,
        max_size=20,
    )
)
@settings(max_examples=60, deadline=None)
def test_any_numbers_survive_csv(rows: list[tuple[float, float, float]]) -> None:
    price, volume, spread = (np.array(column) for column in zip(*rows, strict=True))
    at = from_iso("2024-03-04") + np.arange(len(price)) * (HOUR + 250_000)
    assert render(
        exporter_of("csv"), Order(Bars(at, price, price, price, price, volume, spread), XAUUSD, Timeframe.of("H1"), UTC)
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"volume": np.full(500, 0.5)}, "counts of ticks only"),
        ({"spread": np.where(np.arange(500) % 2, 0.18, np.nan)}, "the spread of 250 bars is not known"),
        ({"spread": np.full(500, 0.1812345)}, "no whole number of points"),
    ],
)
def test_what_metatrader_cannot_say_is_refused(change: dict[str, np.ndarray], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        render(exporter_of("mt5"), Order(replace(bars(), **change), XAUUSD, Timeframe.of("M5"), UTC))


def test_bars_that_a_clock_would_fold_upon_each_other_are_not_written() -> None:
    autumn = bars(count=3, step=HOUR, start="2024-10-27T01:00")
    with pytest.raises(UserError, match="would not give back the same bars"):
        render(exporter_of("mt5"), Order(autumn, XAUUSD, Timeframe.of("H1"), parse_clock("EET")))


def test_a_file_that_exists_is_not_written_over_unless_asked(tmp_path: Path) -> None:
    path = tmp_path / "out.csv.gz"
    write(path, b"first", overwrite=False)
    with pytest.raises(UserError, match="exists; name another file"):
        write(path, b"second", overwrite=False)
    assert gzip.decompress(path.read_bytes()) == b"first"
    write(path, b"second", overwrite=True)
    assert gzip.decompress(path.read_bytes()) == b"second"
    with pytest.raises(UserError, match="cannot be written"):
        write(path / "below.csv", b"third", overwrite=False)


def test_an_unknown_export_format_names_those_that_are_known() -> None:
    with pytest.raises(UserError, match="use one of csv, parquet, mt5"):
        exporter_of("xml")


def test_no_bars_make_no_file() -> None:
    with pytest.raises(UserError, match="there are no XAUUSD H1 bars to export"):
        render(exporter_of("csv"), Order(Bars.empty(), XAUUSD, Timeframe.of("H1"), UTC))
