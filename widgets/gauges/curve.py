"""An equity curve thinned as it grows: no more buckets than a screen has pixels, nothing lost of highs, lows and drawdown."""

from __future__ import annotations

import numpy as np

from engine.core.clock import Nanos
from engine.domain.market import Floats, Ints

BUCKETS = 4096


class Curve:
    """Equity over time in buckets of (first time, low, high, last, peak so far, lowest fraction below the peak).

    Appending is constant work; when the buckets are full, neighbours are merged two by two.
    """

    def __init__(self) -> None:
        self.at: Ints = np.zeros(BUCKETS, np.int64)
        self.low: Floats = np.zeros(BUCKETS)
        self.high: Floats = np.zeros(BUCKETS)
        self.last: Floats = np.zeros(BUCKETS)
        self.peak: Floats = np.zeros(BUCKETS)
        self.count = 0
        self.until: Nanos = 0
        self._per_bucket = 1
        self._in_last = 0
        self._top = -np.inf

    def __len__(self) -> int:
        return self.count

    def replace(self, at: Ints, equity: Floats) -> None:
        """Take another history: times (ns UTC, ascending) and equity in the account's currency."""
        self.count, self._in_last, self._top = 0, 0, -np.inf
        rows = len(at)
        self.until = int(at[-1]) if rows else 0
        self._per_bucket = 1
        while rows > self._per_bucket * BUCKETS // 2:
            self._per_bucket *= 2
        if not rows:
            return
        starts = np.arange(0, rows, self._per_bucket)
        self.count = len(starts)
        kept = slice(0, self.count)
        peak = np.maximum.accumulate(equity)
        ends = np.append(starts[1:], rows) - 1
        self.at[kept], self.last[kept], self.peak[kept] = at[starts], equity[ends], peak[ends]
        self.low[kept] = np.minimum.reduceat(equity, starts)
        self.high[kept] = np.maximum.reduceat(equity, starts)
        self._in_last = rows - int(starts[-1])
        self._top = float(peak[-1])

    def append(self, at: Nanos, equity: float) -> None:
        """One more point, later than all before."""
        self.until = at
        self._top = max(self._top, equity)
        if self.count and self._in_last < self._per_bucket:
            n = self.count - 1
            self.low[n], self.high[n] = min(self.low[n], equity), max(self.high[n], equity)
            self._in_last += 1
        else:
            if self.count == BUCKETS:
                self._halve()
            n, self.count, self._in_last = self.count, self.count + 1, 1
            self.at[n], self.low[n], self.high[n] = at, equity, equity
        self.last[n], self.peak[n] = equity, self._top

    def _halve(self) -> None:
        half = BUCKETS // 2
        self.at[:half] = self.at[0::2]
        self.low[:half] = np.minimum(self.low[0::2], self.low[1::2])
        self.high[:half] = np.maximum(self.high[0::2], self.high[1::2])
        self.last[:half], self.peak[:half] = self.last[1::2], self.peak[1::2]
        self.count, self._per_bucket = half, self._per_bucket * 2
