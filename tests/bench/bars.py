"""Minutes of gold made for the benches: a random walk whose volatility clusters, within trading hours."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.core.clock import MINUTE, from_iso
from engine.domain.instrument import instrument_of
from engine.domain.market import Bars, Floats
from engine.market.calendar import OpenTimes

FIRST = "2022-01-03"


def walk(rows: int, seed: int = 7) -> Bars:
    """`rows` open minutes from 2022 on, prices on XAUUSD's grid; volume is 100 throughout, the spread unknown."""
    sessions = instrument_of("XAUUSD").sessions
    first = from_iso(FIRST)
    at = np.arange(first, first + (rows * 3 // 2 + 10_000) * MINUTE, MINUTE)
    at = at[OpenTimes.of(sessions, first, int(at[-1])).is_open(at)][:rows]
    draw = np.random.default_rng(seed)
    close = 1800 * np.exp(np.cumsum(_volatility(draw, rows) * draw.standard_normal(rows)))
    opened = np.concatenate([[1800.0], close[:-1]])
    reach = close * _volatility(draw, rows)
    high = np.maximum(opened, close) + reach * draw.exponential(0.3, rows)
    low = np.minimum(opened, close) - reach * draw.exponential(0.3, rows)
    opened, high, low, close = (np.round(column, 2) for column in (opened, high, low, close))
    return Bars(at, opened, high, low, close, np.full(rows, 100.0), np.full(rows, np.nan))


def _volatility(draw: np.random.Generator, rows: int) -> Floats:
    """A share of the price a minute: 2 basis points that swell and ebb over hours."""
    logarithm = np.empty(rows)
    level = 0.0
    for row, shock in enumerate(draw.standard_normal(rows).tolist()):
        level = 0.99 * level + 0.05 * shock
        logarithm[row] = level
    return 0.0002 * np.exp(logarithm)


def write_mt4(path: Path, bars: Bars) -> None:
    """The bars as an MT4 export on UTC."""
    stamps = np.char.replace(np.datetime_as_string(bars.at.astype("datetime64[ns]"), unit="m"), "-", ".")
    stamps = np.char.replace(stamps, "T", ",")
    prices = (column.tolist() for column in (bars.open, bars.high, bars.low, bars.close))
    rows = zip(stamps.tolist(), *prices, strict=True)
    with path.open("w", newline="\n") as file:
        file.writelines(f"{stamp},{o:.2f},{h:.2f},{lo:.2f},{c:.2f},100\n" for stamp, o, h, lo, c in rows)
