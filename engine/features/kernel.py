"""The feature kernel: one step a bar, and loops over that very step, so that training and serving cannot differ by a bit."""

from __future__ import annotations

import math

import numpy as np

from engine.core.cache import kernel, long_kernel, part
from engine.domain.market import Floats, Ints
from engine.features import specification as spec
from engine.features import state as s
from engine.features.calendar import calendar
from engine.features.windows import highest, mean_and_squares, path_length, put, ratio, smooth

_R1, _R2, _R3, _R4, _R5, _R6 = spec.RETURNS
_E1, _E2, _E3, _E4 = (2.0 / (bars + 1.0) for bars in spec.EMAS)
_V1, _V2, _V3 = (2.0 / (bars + 1.0) for bars in spec.VOLATILITIES)
_RSI_FAST, _RSI_SLOW = 1.0 / spec.RSI_FAST, 1.0 / spec.RSI_SLOW
_MACD_FAST, _MACD_SLOW, _MACD_SIGNAL = (2.0 / (bars + 1.0) for bars in (spec.MACD_FAST, spec.MACD_SLOW, spec.MACD_SIGNAL))
_ATR_FAST, _ATR, _ATR_SLOW, _ADX = 1.0 / spec.ATR_FAST, 1.0 / spec.ATR, 1.0 / spec.ATR_SLOW, 1.0 / spec.ADX
_VOLUME_FAST, _VOLUME_SLOW = 2.0 / (spec.VOLUME_FAST + 1.0), 2.0 / (spec.VOLUME_SLOW + 1.0)
_PRESSURE, _SPREAD = 2.0 / (spec.PRESSURE + 1.0), 2.0 / (spec.SPREAD + 1.0)
_BOLLINGER, _PER_BOLLINGER, _EFFICIENCY = spec.BOLLINGER, 1.0 / spec.BOLLINGER, spec.EFFICIENCY
_WARMUP, _COLUMNS = spec.WARMUP, spec.COUNT
_NOT_NEGATIVE = (1 << 48) - 1
"""Tells the compiler that a row's place counts from the front, which spares a test at each of its writes."""
_FLAT = 1e-7
"""The least ATR, as a fraction of the price: what a market without any movement is divided by."""


@part
def _usable(price: float) -> bool:
    return 0.0 < price < math.inf


@part
def _returns(state: Floats, bar: int, close: float, per_atr: float, out: Floats, row: int) -> None:
    put(out, row + 0, (close - state[s.CLOSES + ((bar - _R1) & s.MASK)]) * per_atr)
    put(out, row + 1, (close - state[s.CLOSES + ((bar - _R2) & s.MASK)]) * per_atr)
    put(out, row + 2, (close - state[s.CLOSES + ((bar - _R3) & s.MASK)]) * per_atr)
    put(out, row + 3, (close - state[s.CLOSES + ((bar - _R4) & s.MASK)]) * per_atr)
    put(out, row + 4, (close - state[s.CLOSES + ((bar - _R5) & s.MASK)]) * per_atr)
    put(out, row + 5, (close - state[s.CLOSES + ((bar - _R6) & s.MASK)]) * per_atr)


@part
def _candle(
    open_: float, high: float, low: float, close: float, before: float, true_range: float, per_atr: float, out: Floats, row: int
) -> None:
    put(out, row + 6, (close - open_) * per_atr)
    put(out, row + 7, (high - max(open_, close)) * per_atr)
    put(out, row + 8, (min(open_, close) - low) * per_atr)
    put(out, row + 9, true_range * per_atr)
    put(out, row + 10, (open_ - before) * per_atr)


@part
def _averages(state: Floats, close: float, seed: float, per_atr: float, out: Floats, row: int) -> None:
    slow = state[s.EMA + 1]
    put(out, row + 11, (close - smooth(state, s.EMA, _E1, seed, close)) * per_atr)
    put(out, row + 12, (close - smooth(state, s.EMA + 1, _E2, seed, close)) * per_atr)
    put(out, row + 13, (close - smooth(state, s.EMA + 2, _E3, seed, close)) * per_atr)
    put(out, row + 14, (close - smooth(state, s.EMA + 3, _E4, seed, close)) * per_atr)
    put(out, row + 15, (state[s.EMA + 1] - slow) * per_atr)


@part
def _strength(state: Floats, change: float, seed: float, out: Floats, row: int) -> None:
    gain, loss = max(change, 0.0), max(-change, 0.0)
    up, down = smooth(state, s.GAIN_FAST, _RSI_FAST, seed, gain), smooth(state, s.LOSS_FAST, _RSI_FAST, seed, loss)
    put(out, row + 16, ratio(up - down, up + down))
    up, down = smooth(state, s.GAIN, _RSI_SLOW, seed, gain), smooth(state, s.LOSS, _RSI_SLOW, seed, loss)
    put(out, row + 17, ratio(up - down, up + down))


@part
def _macd(state: Floats, close: float, seed: float, per_atr: float, out: Floats, row: int) -> None:
    macd = smooth(state, s.MACD_FAST, _MACD_FAST, seed, close) - smooth(state, s.MACD_SLOW, _MACD_SLOW, seed, close)
    put(out, row + 18, macd * per_atr)
    put(out, row + 19, (macd - smooth(state, s.MACD_SIGNAL, _MACD_SIGNAL, seed, macd)) * per_atr)


@part
def _bollinger(state: Floats, bar: int, close: float, per_atr: float, out: Floats, row: int) -> None:
    if bar & s.MASK == 0:
        mean, squares = mean_and_squares(state, bar, _BOLLINGER)  # anew, so that rounding cannot pile up
    else:
        leaving, before = state[s.CLOSES + ((bar - _BOLLINGER) & s.MASK)], state[s.MEAN]
        mean = before + (close - leaving) * _PER_BOLLINGER
        squares = max(0.0, state[s.SQUARES] + (close - leaving) * ((close - mean) + (leaving - before)))
    state[s.MEAN] = mean
    state[s.SQUARES] = squares
    deviation = math.sqrt(squares * _PER_BOLLINGER)
    put(out, row + 20, (close - mean) / (2.0 * deviation) if deviation * per_atr > _FLAT else 0.0)
    put(out, row + 21, 4.0 * deviation * per_atr)


@part
def _direction(state: Floats, rise: float, fall: float, seed: float, out: Floats, row: int) -> None:
    plus = smooth(state, s.PLUS, _ADX, seed, rise if rise > max(fall, 0.0) else 0.0)
    minus = smooth(state, s.MINUS, _ADX, seed, fall if fall > max(rise, 0.0) else 0.0)
    direction = ratio(plus - minus, plus + minus)
    put(out, row + 22, smooth(state, s.ADX, _ADX, seed, abs(direction)))
    put(out, row + 23, direction)


@part
def _positions(state: Floats, bar: int, high: float, low: float, close: float, out: Floats, row: int) -> None:
    top_1, top_2, top_3 = highest(state, s.HIGHEST, bar, high)
    deep_1, deep_2, deep_3 = highest(state, s.LOWEST, bar, -low)
    put(out, row + 24, ratio(2.0 * close + deep_1 - top_1, top_1 + deep_1))
    put(out, row + 25, ratio(2.0 * close + deep_2 - top_2, top_2 + deep_2))
    put(out, row + 26, ratio(2.0 * close + deep_3 - top_3, top_3 + deep_3))


@part
def _volatility(state: Floats, close: float, change: float, seed: float, out: Floats, row: int) -> None:
    square = change * change
    short = smooth(state, s.VARIANCE, _V1, seed, square)
    middle = smooth(state, s.VARIANCE + 1, _V2, seed, square)
    long = smooth(state, s.VARIANCE + 2, _V3, seed, square)
    covariance = smooth(state, s.COVARIANCE, _V2, seed, change * state[s.RETURN])
    state[s.RETURN] = change
    per_close = 1.0 / close
    state[s.PER_CLOSE] = per_close
    put(out, row + 27, state[s.ATR] * per_close * 10_000.0)
    put(out, row + 28, ratio(state[s.ATR_FAST], state[s.ATR_SLOW]))
    put(out, row + 29, ratio(short, middle))
    put(out, row + 30, ratio(middle, long))
    put(out, row + 32, ratio(covariance, middle))


@part
def _way(state: Floats, bar: int, close: float, change: float, out: Floats, row: int) -> None:
    oldest = state[s.CLOSES + ((bar - _EFFICIENCY) & s.MASK)]
    if bar & s.MASK == 0:
        path = path_length(state, bar, _EFFICIENCY)
    else:
        path = state[s.PATH] + abs(change) - abs(oldest - state[s.CLOSES + ((bar - _EFFICIENCY - 1) & s.MASK)])
    state[s.PATH] = path
    net = close - oldest
    put(out, row + 31, net / max(path, abs(net)) if net != 0.0 else 0.0)
    streak = state[s.STREAK]
    streak = max(streak, 0.0) + 1.0 if change > 0.0 else (min(streak, 0.0) - 1.0 if change < 0.0 else 0.0)
    state[s.STREAK] = streak
    put(out, row + 33, streak)


@part
def _activity(
    state: Floats, volume: float, lean: float, spread: float, seed: float, per_atr: float, out: Floats, row: int
) -> None:
    usual = smooth(state, s.VOLUME_FAST, _VOLUME_FAST, seed, volume)
    per_usual = ratio(1.0, usual)
    put(out, row + 34, volume * per_usual)
    put(out, row + 35, ratio(usual, smooth(state, s.VOLUME_SLOW, _VOLUME_SLOW, seed, volume)))
    put(out, row + 36, smooth(state, s.PRESSURE, _PRESSURE, seed, volume * lean) * per_usual)
    put(out, row + 37, spread * per_atr)
    put(out, row + 38, ratio(spread, smooth(state, s.SPREAD, _SPREAD, seed, spread)))


@kernel
def take(
    state: Floats,
    at: int,
    open_: float,
    high: float,
    low: float,
    close: float,
    volume: float,
    spread: float,
    out: Floats,
    row: int,
) -> bool:
    """One step whose row is written to the flat array `out` from index `row` on. See `step`."""
    prices = _usable(open_) and _usable(high) and _usable(low) and _usable(close)
    if not (prices and 0.0 <= volume < math.inf and 0.0 <= spread < math.inf):
        out[row : row + _COLUMNS] = np.nan
        return False
    row &= _NOT_NEGATIVE
    bar = int(state[s.COUNT]) + 1
    first = bar == 1
    seed = 1.0 / bar if bar <= _WARMUP else 0.0
    before = close if first else state[s.CLOSE]
    change = close - before
    true_range = max(high, before) - min(low, before)
    rise, fall = (0.0, 0.0) if first else (high - state[s.HIGH], state[s.LOW] - low)
    state[s.COUNT] = bar
    state[s.CLOSE], state[s.HIGH], state[s.LOW] = close, high, low
    state[s.CLOSES + (bar & s.MASK)] = close
    smooth(state, s.ATR_FAST, _ATR_FAST, seed, true_range)
    smooth(state, s.ATR_SLOW, _ATR_SLOW, seed, true_range)
    per_atr = 1.0 / max(smooth(state, s.ATR, _ATR, seed, true_range), close * _FLAT)

    _returns(state, bar, close, per_atr, out, row)
    _candle(open_, high, low, close, before, true_range, per_atr, out, row)
    _averages(state, close, seed, per_atr, out, row)
    _strength(state, change, seed, out, row)
    _macd(state, close, seed, per_atr, out, row)
    _bollinger(state, bar, close, per_atr, out, row)
    _direction(state, rise, fall, seed, out, row)
    _positions(state, bar, high, low, close, out, row)
    _volatility(state, close, max(-1.0, min(1.0, change * state[s.PER_CLOSE])), seed, out, row)
    _way(state, bar, close, change, out, row)
    lean = ratio((close - low) - (high - close), high - low)
    _activity(state, volume, lean, spread, seed, per_atr, out, row)
    calendar(state, at, first, out, row + 39)
    if bar <= _WARMUP:
        out[row : row + _COLUMNS] = np.nan
        return False
    return True


@kernel
def step(
    state: Floats, at: int, open_: float, high: float, low: float, close: float, volume: float, spread: float, out: Floats
) -> bool:
    """Takes one bar into `state` and writes its row to `out` (COUNT values). True when the row is whole.

    During warm-up the row is all NaN and False is returned. The same for a bar with a price that is not above zero and
    finite, or a volume or spread below zero or not finite: it is passed over and leaves the state untouched.
    """
    return take(state, at, open_, high, low, close, volume, spread, out, 0)


@long_kernel
def batch(
    state: Floats,
    at: Ints,
    open_: Floats,
    high: Floats,
    low: Floats,
    close: Floats,
    volume: Floats,
    spread: Floats,
    out: Floats,
    atr: Floats,
) -> None:
    """Steps through all bars: row i to `out` (flat, row-major, n x COUNT), the absolute ATR after bar i to `atr`."""
    for i in range(at.shape[0]):
        take(state, at[i], open_[i], high[i], low[i], close[i], volume[i], spread[i], out, i * _COLUMNS)
        atr[i] = state[s.ATR]


@long_kernel
def advance(
    state: Floats, at: Ints, open_: Floats, high: Floats, low: Floats, close: Floats, volume: Floats, spread: Floats, out: Floats
) -> bool:
    """Steps through all bars and keeps the last row only, in `out`. True when that row is whole."""
    whole = False
    for i in range(at.shape[0]):
        whole = take(state, at[i], open_[i], high[i], low[i], close[i], volume[i], spread[i], out, 0)
    return whole
