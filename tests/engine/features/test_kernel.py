"""The feature kernel: batch and live are the same numbers, and every number is finite."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine.domain.market import Bars
from engine.features import specification as spec
from engine.features.batch import rows, rows_and_atr
from engine.features.live import FeatureBuilder
from tests.engine.features.markets import wandering_bars

LENGTH = spec.WARMUP + 40
PRICES = st.one_of(st.floats(0.01, 1e6), st.floats(1e-300, 1e300), st.sampled_from([0.0, -1.0, np.nan, np.inf]))
TAIL = arrays(np.float64, (40, 6), elements=PRICES)
FINITE_TAIL = arrays(np.float64, (40, 6), elements=st.floats(5e-324, 1.7e308))


def with_tail(tail: npt.NDArray[np.float64]) -> Bars:
    """A calm market whose last bars hold whatever `tail` says."""
    bars = wandering_bars(LENGTH)
    columns = {name: getattr(bars, name).copy() for name in ("open", "high", "low", "close", "volume", "spread")}
    for number, name in enumerate(columns):
        columns[name][-len(tail) :] = tail[:, number]
    return replace(bars, **columns)


def bits(values: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    return np.ascontiguousarray(values).view(np.int64)


def pushed(bars: Bars, builder: FeatureBuilder) -> npt.NDArray[np.float64]:
    """The rows that pushing bar by bar gives; where there is none, NaN."""
    out = np.full((len(bars), spec.COUNT), np.nan)
    for number in range(len(bars)):
        row = builder.push(bars.row(number))
        if row is not None:
            out[number] = row
    return out


@settings(max_examples=25, deadline=None)
@given(TAIL)
def test_batch_and_single_steps_agree_to_the_last_bit_whatever_the_bars_hold(tail: npt.NDArray[np.float64]) -> None:
    bars = with_tail(tail)
    with np.errstate(all="ignore"):
        assert np.array_equal(bits(rows(bars)), bits(pushed(bars, FeatureBuilder())))


@settings(max_examples=25, deadline=None)
@given(FINITE_TAIL)
def test_any_finite_positive_bar_gives_a_whole_finite_row(tail: npt.NDArray[np.float64]) -> None:
    with np.errstate(all="ignore"):
        table = rows(with_tail(tail))
    assert np.isnan(table[: spec.WARMUP]).all()
    assert np.isfinite(table[spec.WARMUP :]).all()
    assert np.abs(table[spec.WARMUP :]).max() <= spec.BOUND


@settings(max_examples=20, deadline=None)
@given(st.integers(0, LENGTH))
def test_a_builder_warmed_at_any_bar_goes_on_as_if_every_bar_had_been_pushed(cut: int) -> None:
    bars = wandering_bars(LENGTH)
    whole, resumed = FeatureBuilder(), FeatureBuilder()
    expected = pushed(bars, whole)
    resumed.warm(bars[:cut])
    assert resumed.count == cut
    assert np.array_equal(bits(pushed(bars[cut:], resumed)), bits(expected[cut:]))
    assert resumed.atr == whole.atr


def test_a_row_is_whole_or_not_there() -> None:
    bars = wandering_bars(LENGTH)
    builder = FeatureBuilder()
    for number in range(LENGTH):
        row = builder.push(bars.row(number))
        assert (row is None) == (number < spec.WARMUP)
        assert builder.last_row is row


def test_a_broken_bar_is_passed_over_and_changes_nothing_after_it() -> None:
    bars = wandering_bars(LENGTH)
    clean, disturbed = FeatureBuilder(), FeatureBuilder()
    clean.warm(bars[:-1])
    disturbed.warm(bars[:-1])
    assert disturbed.push(bars.row(LENGTH - 1)._replace(high=float("nan"))) is None
    assert disturbed.last_row is None
    expected, got = clean.push(bars.row(LENGTH - 1)), disturbed.push(bars.row(LENGTH - 1))
    assert expected is not None
    assert got is not None
    assert expected.tobytes() == got.tobytes()


def test_a_market_that_never_moves_gives_defined_numbers() -> None:
    flat = np.full(LENGTH, 1_800.0)
    bars = replace(wandering_bars(LENGTH), open=flat, high=flat, low=flat, close=flat, volume=flat * 0, spread=flat * 0)
    last = dict(zip(spec.NAMES, rows(bars)[-1], strict=True))
    for name in ("return_1", "rsi", "bollinger_position", "range_position_60", "volume_ratio", "spread_ratio", "efficiency"):
        assert last[name] == 0.0


def test_the_row_buffer_is_the_builders_own() -> None:
    bars = wandering_bars(LENGTH)
    builder = FeatureBuilder()
    builder.warm(bars[:-2])
    first = builder.push(bars.row(LENGTH - 2))
    assert first is builder.push(bars.row(LENGTH - 1))


def test_atr_is_in_price_units_and_the_same_in_batch_and_live() -> None:
    bars = wandering_bars(LENGTH)
    builder = FeatureBuilder()
    builder.warm(bars)
    _, atr = rows_and_atr(bars)
    assert builder.atr == atr[-1]
    true_range = np.maximum(bars.high, np.roll(bars.close, 1)) - np.minimum(bars.low, np.roll(bars.close, 1))
    expected = true_range[1:15].mean()
    for value in true_range[15:]:
        expected += (value - expected) / spec.ATR
    assert abs(builder.atr - expected) < 1e-3


def test_whole_numbers_in_a_bar_are_taken_as_prices() -> None:
    bars = wandering_bars(LENGTH)
    builder, other = FeatureBuilder(), FeatureBuilder()
    builder.warm(bars)
    other.warm(bars)
    bar = bars.row(LENGTH - 1)._replace(open=1_800, high=1_802, low=1_799, close=1_801, volume=90)
    row = builder.push(bar)
    assert row is not None
    expected = other.push(bar._replace(open=1_800.0, high=1_802.0, low=1_799.0, close=1_801.0, volume=90.0))
    assert expected is not None
    assert row.tobytes() == expected.tobytes()
