from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.clock import MINUTE, from_iso
from engine.domain.market import Bar, Bars
from widgets.chart.indicators import REGISTRY, Study
from widgets.chart.series import Series
from widgets.chart.smoothing import exponential, rolling

START = from_iso("2026-03-05T20:00Z")


def walk(n: int, seed: int = 3) -> Bars:
    draw = np.random.default_rng(seed)
    close = 1900 + np.cumsum(draw.normal(0, 0.4, n))
    opened = np.concatenate([[1900.0], close[:-1]])
    high, low = np.maximum(opened, close) + draw.uniform(0, 0.3, n), np.minimum(opened, close) - draw.uniform(0, 0.3, n)
    at = START + np.arange(n, dtype=np.int64) * MINUTE
    return Bars(at, opened, high, low, close, draw.integers(1, 50, n).astype(float), np.full(n, 0.2))


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_an_indicator_that_followed_bar_by_bar_equals_one_computed_at_once(name):
    bars = walk(700)
    series = Series(bars[:400])
    study = Study(REGISTRY[name], series)
    for index in range(400, 700):
        bar = bars.row(index)
        series.append(bar._replace(close=bar.open, volume=0.0))
        study.fill(series, series.count - 1)
        series.update_last(bar)
        study.fill(series, series.count - 1)
    whole = Study(REGISTRY[name], Series(bars))
    for column in study.columns:
        np.testing.assert_allclose(study.columns[column][:700], whole.columns[column][:700], rtol=1e-9, atol=1e-9)


@settings(max_examples=40)
@given(st.floats(0.005, 0.9), st.integers(1, 3000), st.integers(0, 5))
def test_smoothing_in_blocks_equals_the_recurrence(alpha, n, seed):
    values = np.random.default_rng(seed).normal(100, 5, n)
    wanted, y = [], 97.0
    for value in values:
        y += alpha * (value - y)
        wanted.append(y)
    np.testing.assert_allclose(exponential(values, alpha, 97.0), wanted, rtol=1e-10)


@given(st.integers(2, 40), st.integers(0, 50), st.integers(1, 1200))
def test_rolling_mean_and_deviation_equal_those_of_each_window(period, start, n):
    values = 1900 + np.cumsum(np.random.default_rng(n).normal(0, 1, n))
    start = min(start, n - 1)
    mean, deviation = rolling(values, period, start)
    for index in range(start, n, 37):
        window = values[max(0, index - period + 1) : index + 1]
        if len(window) < period:
            assert np.isnan(mean[index - start])
        else:
            assert mean[index - start] == pytest.approx(window.mean(), rel=1e-12)
            assert deviation[index - start] == pytest.approx(window.std(), rel=1e-6, abs=1e-7)


def test_rsi_of_a_rising_market_is_a_hundred_and_of_a_flat_one_fifty():
    bars = walk(50)
    rising = Bars(bars.at, *(np.arange(50.0) + 100 for _ in range(4)), bars.volume, bars.spread)
    flat = Bars(bars.at, *(np.full(50, 100.0) for _ in range(4)), bars.volume, bars.spread)
    assert Study(REGISTRY["RSI 14"], Series(rising)).at(49) == [100.0]
    assert Study(REGISTRY["RSI 14"], Series(flat)).at(49) == [50.0]


def test_vwap_starts_again_at_five_in_new_york():
    bars = walk(200)
    study = Study(REGISTRY["VWAP"], Series(bars))
    first = int(np.searchsorted(bars.at, from_iso("2026-03-05T22:00Z")))
    typical = (bars.high[first] + bars.low[first] + bars.close[first]) / 3
    assert study.at(first) == [pytest.approx(typical)]
    both = (typical * bars.volume[first], (bars.high[first + 1] + bars.low[first + 1] + bars.close[first + 1]) / 3)
    wanted = (both[0] + both[1] * bars.volume[first + 1]) / bars.volume[first : first + 2].sum()
    assert study.at(first + 1) == [pytest.approx(wanted)]


def test_values_are_not_shown_while_warming_up():
    study = Study(REGISTRY["EMA 20"], Series(walk(30)))
    assert np.isnan(study.at(18)[0])
    assert np.isfinite(study.at(19)[0])


def test_a_study_of_nothing_starts_with_the_first_bar():
    series = Series()
    study = Study(REGISTRY["MACD 12 26 9"], series)
    series.append(Bar(START, 5.0, 6.0, 4.0, 5.5, 1.0, 0.1))
    study.fill(series, 0)
    assert study.columns["macd"][0] == 0.0
