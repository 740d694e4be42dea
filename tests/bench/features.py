"""Feature rows a second in batch and microseconds a live step, beside pandas and the floor of writing the rows once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from engine.domain.market import Bars
from engine.features import kernel
from engine.features import specification as spec
from engine.features.batch import columns
from engine.features.live import FeatureBuilder
from engine.features.state import new_state

ROUNDS = 5
STEPS = 20_000


def run(bars: int = 1_000_000) -> dict[str, Any]:
    """Rows a second over `bars` bars (best of five, memory touched before), and the median and 99th percentile of a live step.

    pandas computes the columns that it has plain words for (see `pandas_columns`), so its rows are shorter than ours.
    """
    history = wander(bars)
    ours = {"bars": bars, "columns": spec.COUNT, "batch_rows_per_s": _batch(history), **_live(history)}
    frame = pd.DataFrame({name: getattr(history, name) for name in ("open", "high", "low", "close", "volume", "spread")})
    theirs: list[int] = []
    seconds = _best(lambda: theirs.append(pandas_columns(frame).shape[1]), 2)
    peers = {"pandas": {"columns": theirs[0], "batch_rows_per_s": round(bars / seconds)}}
    rows = np.zeros(bars * spec.COUNT)
    floor = {"write_rows_per_s": round(bars / _best(lambda: rows.fill(1.0)))}
    ratio = {
        "pandas": round(ours["batch_rows_per_s"] / peers["pandas"]["batch_rows_per_s"], 2),
        "floor": round(ours["batch_rows_per_s"] / floor["write_rows_per_s"], 3),
    }
    return {"ours": ours, "peers": peers, "floor": floor, "ratio": ratio}


def wander(count: int) -> Bars:
    """A random walk of one-minute bars."""
    random = np.random.default_rng(1)
    close = 1_800 * np.exp(np.cumsum(random.normal(0, 2e-4, count)))
    open_ = np.concatenate([[close[0]], close[:-1]])
    high = np.maximum(open_, close) * (1 + random.exponential(1e-4, count))
    low = np.minimum(open_, close) * (1 - random.exponential(1e-4, count))
    at = 1_600_000_000_000_000_000 + np.arange(count, dtype=np.int64) * 60_000_000_000
    return Bars(at, open_, high, low, close, random.poisson(100, count).astype(np.float64), np.full(count, 0.2))


def pandas_columns(bars: pd.DataFrame) -> pd.DataFrame:
    """The columns of our row that take one line each in pandas."""
    close, before = bars["close"], bars["close"].shift()
    change = close - before
    true_range = np.maximum(bars["high"], before) - np.minimum(bars["low"], before)
    atr = true_range.ewm(alpha=1 / spec.ATR).mean()
    out = {f"return_{n}": close.diff(n) / atr for n in spec.RETURNS}
    out |= {"body": (close - bars["open"]) / atr, "range": true_range / atr, "gap": (bars["open"] - before) / atr}
    out |= {"upper_wick": (bars["high"] - np.maximum(close, bars["open"])) / atr}
    out |= {"lower_wick": (np.minimum(close, bars["open"]) - bars["low"]) / atr}
    out |= {f"ema_{n}": (close - close.ewm(span=n).mean()) / atr for n in spec.EMAS}
    for n in (spec.RSI_FAST, spec.RSI_SLOW):
        gain, loss = (part.ewm(alpha=1 / n).mean() for part in (change.clip(lower=0), -change.clip(upper=0)))
        out[f"rsi_{n}"] = (gain - loss) / (gain + loss)
    macd = close.ewm(span=spec.MACD_FAST).mean() - close.ewm(span=spec.MACD_SLOW).mean()
    out |= {"macd": macd / atr, "macd_histogram": (macd - macd.ewm(span=spec.MACD_SIGNAL).mean()) / atr}
    window = close.rolling(spec.BOLLINGER)
    deviation = window.std(ddof=0)
    out |= {"bollinger_position": (close - window.mean()) / (2 * deviation), "bollinger_width": 4 * deviation / atr}
    rise, fall = bars["high"].diff(), -bars["low"].diff()
    plus = rise.where(rise > fall.clip(lower=0), 0).ewm(alpha=1 / spec.ADX).mean()
    minus = fall.where(fall > rise.clip(lower=0), 0).ewm(alpha=1 / spec.ADX).mean()
    out["di"] = (plus - minus) / (plus + minus)
    out["adx"] = out["di"].abs().ewm(alpha=1 / spec.ADX).mean()
    for n in spec.RANGES:
        top, bottom = bars["high"].rolling(n).max(), bars["low"].rolling(n).min()
        out[f"range_position_{n}"] = (2 * close - top - bottom) / (top - bottom)
    short, middle, long = ((change / before).pow(2).ewm(span=n).mean() for n in spec.VOLATILITIES)
    out |= {"volatility_ratio": short / middle, "volatility_regime": middle / long, "atr_relative": atr / close * 10_000}
    out["efficiency"] = close.diff(spec.EFFICIENCY) / change.abs().rolling(spec.EFFICIENCY).sum()
    usual = bars["volume"].ewm(span=spec.VOLUME_FAST).mean()
    out |= {"volume_ratio": bars["volume"] / usual, "volume_trend": usual / bars["volume"].ewm(span=spec.VOLUME_SLOW).mean()}
    out |= {"spread_atr": bars["spread"] / atr, "spread_ratio": bars["spread"] / bars["spread"].ewm(span=spec.SPREAD).mean()}
    return pd.DataFrame(out)


def _batch(history: Bars) -> int:
    rows, atr, given = np.zeros(len(history) * spec.COUNT), np.zeros(len(history)), columns(history)
    return round(len(history) / _best(lambda: kernel.batch(new_state(), *given, rows, atr)))


def _live(history: Bars) -> dict[str, float]:
    builder = FeatureBuilder()
    builder.warm(history[: -STEPS or None])
    bars = [history.row(number) for number in range(len(history) - STEPS, len(history))]
    taken = []
    for bar in bars:
        start = time.perf_counter_ns()
        builder.push(bar)
        taken.append(time.perf_counter_ns() - start)
    p50, p99 = np.percentile(taken, [50, 99]) / 1_000
    return {"step_us_p50": round(float(p50), 3), "step_us_p99": round(float(p99), 3)}


def _best(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """The shortest of `rounds` runs after one that compiles and touches the memory."""
    seconds = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)
