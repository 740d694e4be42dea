"""Features as the market goes: the same step as in training, one bar at a time."""

from __future__ import annotations

import numpy as np

from engine.domain.market import Bar, Bars, Floats
from engine.features import kernel
from engine.features import specification as spec
from engine.features.batch import columns, rows, with_spread
from engine.features.state import ATR, COUNT, new_state

__all__ = ["FeatureBuilder", "rows", "with_spread"]


class FeatureBuilder:
    """Keeps the running state of one instrument and timeframe. Not for several threads at once.

    A bar's `spread` must be a number: give recorded bars through `with_spread` first.
    """

    __slots__ = ("_row", "_state", "_whole")

    def __init__(self) -> None:
        self._state = new_state()
        self._row = np.full(spec.COUNT, np.nan)
        self._whole = False

    def push(self, bar: Bar) -> Floats | None:
        """Takes one closed bar; its feature row, or None while warming up and for a bar that cannot be used.

        The row is the builder's own buffer, overwritten by the next push: copy it to keep it.
        """
        at, open_, high, low, close, volume, spread = bar
        # An int among them would have the kernel compiled again, in the middle of the market.
        numbers = float(open_), float(high), float(low), float(close), float(volume), float(spread)
        self._whole = kernel.step(self._state, at, *numbers, self._row)
        return self._row if self._whole else None

    def warm(self, bars: Bars) -> None:
        """Takes many bars at once; leaves exactly the state that pushing them one by one leaves."""
        if len(bars):
            self._whole = kernel.advance(self._state, *columns(bars), self._row)

    @property
    def last_row(self) -> Floats | None:
        """The row of the last bar, None as `push` would give; the builder's own buffer."""
        return self._row if self._whole else None

    @property
    def atr(self) -> float:
        """Average true range after the last bar, in price units; 0.0 before the first."""
        return float(self._state[ATR])

    @property
    def count(self) -> int:
        """Usable bars taken so far."""
        return int(self._state[COUNT])
