"""The chart's indicators. To add one: a function that fills its columns from `start` on, and a line in REGISTRY.

A function gets the series, its own columns (of which everything before `start` is right) and `start`; it sets the rest up
to `series.count`. So a full run and the update of one bar are the same code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from engine.domain.market import Floats, Ints
from widgets.chart.aggregate import day_opens
from widgets.chart.series import Series
from widgets.chart.smoothing import exponential, rolling

Fill = Callable[[Series, dict[str, Floats], int], None]


@dataclass(frozen=True, slots=True)
class Curve:
    """A drawn column: `color` is a token of the theme; `style` line, dash, bars (from zero) or daily (a new line each day)."""

    column: str
    color: str
    style: str = "line"


@dataclass(frozen=True, slots=True)
class Indicator:
    """`pane` is "price" for an overlay, else the pane's name. `warmup` first values are not drawn. `levels` are guide lines."""

    name: str
    pane: str
    fill: Fill
    curves: tuple[Curve, ...]
    warmup: int
    hidden: tuple[str, ...] = ()
    levels: tuple[float, ...] = ()
    span: tuple[float, float] | None = None


def _seed(column: Floats, start: int, first: float) -> float:
    return float(column[start - 1]) if start else first


def ema(series: Series, out: dict[str, Floats], start: int, period: int) -> None:
    close = series.close[start : series.count]
    out["ema"][start : series.count] = exponential(close, 2 / (period + 1), _seed(out["ema"], start, float(series.close[0])))


def sma(series: Series, out: dict[str, Floats], start: int, period: int) -> None:
    out["sma"][start : series.count] = rolling(series.close[: series.count], period, start)[0]


def bollinger(series: Series, out: dict[str, Floats], start: int, period: int, width: float) -> None:
    mean, deviation = rolling(series.close[: series.count], period, start)
    rows = slice(start, series.count)
    out["middle"][rows], out["upper"][rows], out["lower"][rows] = mean, mean + width * deviation, mean - width * deviation


def vwap(series: Series, out: dict[str, Floats], start: int) -> None:
    """Volume-weighted mean of the trading day (from 17:00 New York); a plain mean where no volume is known."""
    n, before = series.count, max(start - 1, 0)
    days = day_opens(series.at[before:n])
    goes_on = start > 0 and days[0] == days[1]
    days = days[start - before :]
    weight = series.volume[start:n] + 1e-9
    value = (series.high[start:n] + series.low[start:n] + series.close[start:n]) / 3 * weight
    for name, column in (("value", value), ("weight", weight)):
        carry = float(out[name][start - 1]) if goes_on else 0.0
        out[name][start:n] = _sums_by_day(column, days, carry)
    out["vwap"][start:n] = out["value"][start:n] / out["weight"][start:n]


def _sums_by_day(column: Floats, days: Ints, carry: float) -> Floats:
    sums = np.cumsum(column)
    day_start = np.searchsorted(days, days)
    return sums - np.where(day_start > 0, sums[day_start - 1], -carry)


def rsi(series: Series, out: dict[str, Floats], start: int, period: int) -> None:
    """Wilder's relative strength index (New Concepts in Technical Trading Systems, 1978)."""
    n, before = series.count, max(start - 1, 0)
    change = np.diff(series.close[before:n], prepend=series.close[0]) if not start else np.diff(series.close[before:n])
    rows = slice(start, n)
    out["gain"][rows] = exponential(np.maximum(change, 0.0), 1 / period, _seed(out["gain"], start, 0.0))
    out["loss"][rows] = exponential(np.maximum(-change, 0.0), 1 / period, _seed(out["loss"], start, 0.0))
    both = out["gain"][rows] + out["loss"][rows]
    out["rsi"][rows] = np.where(both > 0, 100 * out["gain"][rows] / np.where(both > 0, both, 1.0), 50.0)


def macd(series: Series, out: dict[str, Floats], start: int, fast: int, slow: int, signal: int) -> None:
    rows = slice(start, series.count)
    close, first = series.close[rows], float(series.close[0])
    out["fast"][rows] = exponential(close, 2 / (fast + 1), _seed(out["fast"], start, first))
    out["slow"][rows] = exponential(close, 2 / (slow + 1), _seed(out["slow"], start, first))
    out["macd"][rows] = out["fast"][rows] - out["slow"][rows]
    out["signal"][rows] = exponential(out["macd"][rows], 2 / (signal + 1), _seed(out["signal"], start, 0.0))
    out["histogram"][rows] = out["macd"][rows] - out["signal"][rows]


def atr(series: Series, out: dict[str, Floats], start: int, period: int) -> None:
    """Wilder's average true range."""
    n = series.count
    high, low = series.high[start:n], series.low[start:n]
    previous = series.close[start - 1 : n - 1] if start else np.concatenate([series.open[:1], series.close[: n - 1]])
    true_range = np.maximum(high, previous) - np.minimum(low, previous)
    out["atr"][start:n] = exponential(true_range, 1 / period, _seed(out["atr"], start, float(true_range[0])))


def _ema(period: int, color: str) -> Indicator:
    return Indicator(f"EMA {period}", "price", partial(ema, period=period), (Curve("ema", color),), period - 1)


def _sma(period: int, color: str) -> Indicator:
    return Indicator(f"SMA {period}", "price", partial(sma, period=period), (Curve("sma", color, "dash"),), period - 1)


_BANDS = (Curve("upper", "paper", "dash"), Curve("middle", "text2"), Curve("lower", "paper", "dash"))
_RSI = (Curve("rsi", "paper"),)
_MACD = (Curve("histogram", "text2", "bars"), Curve("macd", "paper"), Curve("signal", "warn"))

REGISTRY: dict[str, Indicator] = {
    indicator.name: indicator
    for indicator in (
        _ema(20, "gold"),
        _ema(50, "paper"),
        _ema(200, "text1"),
        _sma(10, "gold"),
        _sma(50, "paper"),
        _sma(200, "text1"),
        Indicator("Bollinger 20 2", "price", partial(bollinger, period=20, width=2.0), _BANDS, 19),
        Indicator("VWAP", "price", vwap, (Curve("vwap", "live", "daily"),), 0, ("value", "weight")),
        Indicator("RSI 14", "RSI 14", partial(rsi, period=14), _RSI, 14, ("gain", "loss"), (30, 70), (0, 100)),
        Indicator("MACD 12 26 9", "MACD 12 26 9", partial(macd, fast=12, slow=26, signal=9), _MACD, 33, ("fast", "slow"), (0,)),
        Indicator("ATR 14", "ATR 14", partial(atr, period=14), (Curve("atr", "gold"),), 14),
    )
}


class Study:
    """An indicator at work on one series; its columns grow with it."""

    def __init__(self, indicator: Indicator, series: Series) -> None:
        self.indicator = indicator
        self._names = (*(curve.column for curve in indicator.curves), *indicator.hidden)
        self.columns: dict[str, Floats] = {name: np.full(series.capacity, np.nan) for name in self._names}
        self.fill(series, 0)

    def fill(self, series: Series, start: int) -> None:
        """Compute again from bar `start` on."""
        if len(self.columns[self._names[0]]) != series.capacity:
            for name, column in self.columns.items():
                grown = np.full(series.capacity, np.nan)
                grown[: len(column)] = column
                self.columns[name] = grown
        if start < series.count:
            self.indicator.fill(series, self.columns, start)

    def at(self, index: int) -> list[float]:
        """The drawn values at bar `index`, NaN while warming up."""
        if index < self.indicator.warmup:
            return [float("nan")] * len(self.indicator.curves)
        return [float(self.columns[curve.column][index]) for curve in self.indicator.curves]
