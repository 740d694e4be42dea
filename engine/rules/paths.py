"""A recorded bar as four quotes: the order in which its corners were passed (DESIGN "Bars as quotes")."""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.domain.market import Ints


@njit(cache=True)
def corners(open_: int, high: int, low: int, close: int) -> tuple[int, int, int, int]:
    """The bar's prices (ticks) in the order of its path: open, the nearer of high and low (a tie: high), the other, close."""
    if high - open_ <= open_ - low:
        return open_, high, low, close
    return open_, low, high, close


@njit(cache=True)
def unfold(at: Ints, ohlc: Ints, spread: Ints, span: int, times: Ints, bids: Ints) -> None:
    """Fills `times` and `bids` (4 n) with the corners of n bars: `ohlc` int64 (n, 4) ticks, `at` open times, `span` ns.

    Corners come at the open time, at 1/3 and 2/3 of the bar and 1 ns before its end. `spread` is not applied here but
    checked: a negative one raises ValueError.
    """
    for row in range(at.shape[0]):
        if spread[row] < 0:
            raise ValueError("negative spread")
        a, b, c, d = corners(ohlc[row, 0], ohlc[row, 1], ohlc[row, 2], ohlc[row, 3])
        base = 4 * row
        bids[base], bids[base + 1], bids[base + 2], bids[base + 3] = a, b, c, d
        times[base] = at[row]
        times[base + 1] = at[row] + span // 3
        times[base + 2] = at[row] + 2 * span // 3
        times[base + 3] = at[row] + span - 1


def as_ticks(prices: np.ndarray, tick_size: float) -> Ints:
    """Float prices as int64 ticks, rounded half to even."""
    return np.rint(prices / tick_size).astype(np.int64)
