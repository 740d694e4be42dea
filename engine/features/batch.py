"""Feature rows of recorded bars, for training and for looking back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.domain.instrument import Instrument
from engine.domain.market import BAR_COLUMNS, Bars, Floats, Ints
from engine.features import kernel
from engine.features import specification as spec
from engine.features.state import new_state


def rows(bars: Bars) -> Floats:
    """One row a bar, shape (n, COUNT), row-major. Rows of the warm-up and of unusable bars are NaN throughout."""
    return rows_and_atr(bars)[0]


def rows_and_atr(bars: Bars) -> tuple[Floats, Floats]:
    """`rows` and beside them the absolute ATR after each bar, in price units."""
    out, atr = np.empty(len(bars) * spec.COUNT), np.empty(len(bars))
    kernel.batch(new_state(), *columns(bars), out, atr)
    return out.reshape(len(bars), spec.COUNT), atr


def with_spread(bars: Bars, instrument: Instrument) -> Bars:
    """The same bars with the spread in whole ticks, the instrument's own standing in where the source gave none (NaN)."""
    tick = float(instrument.tick_size)
    ticks = np.rint(bars.spread / tick)
    return replace(bars, spread=np.where(np.isnan(ticks), instrument.spread, ticks) * tick)


def columns(bars: Bars) -> tuple[Ints, Floats, Floats, Floats, Floats, Floats, Floats]:
    """The columns in the one memory layout that kernels are compiled for; copies only what has another."""
    open_, high, low, close, volume, spread = (
        np.require(getattr(bars, name), np.float64, ["C", "W"]) for name in BAR_COLUMNS[1:]
    )
    return np.require(bars.at, np.int64, ["C", "W"]), open_, high, low, close, volume, spread
