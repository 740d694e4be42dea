"""The chart's own copy of the bars: growing columns with pyramids over them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from engine.core.errors import DataError
from engine.domain.market import Bar, Bars, Floats, Ints
from widgets.chart.pyramid import FAN, Pyramid

COLUMNS = ("open", "high", "low", "close", "volume")
SPARE = 4096
UNSET = {"high": -np.inf, "low": np.inf, "volume": -np.inf}
"""What rows not yet set hold, so that the pyramids pass over them."""


class Columns(NamedTuple):
    """Neighbouring bars folded to groups: `first` is the index of each group's first bar, `group` their number of bars."""

    first: Ints
    group: int
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats


class Series:
    """Bars in preallocated arrays. Only the first `count` rows are set."""

    def __init__(self, bars: Bars | None = None) -> None:
        bars = bars if bars is not None else Bars.empty()
        self.count = len(bars)
        self.at = self._room("at", bars.at)
        self.open, self.high, self.low, self.close, self.volume = (self._room(name, getattr(bars, name)) for name in COLUMNS)
        self._highs = Pyramid(self.high, self.count, np.maximum)
        self._lows = Pyramid(self.low, self.count, np.minimum)
        self._volumes = Pyramid(self.volume, self.count, np.maximum)
        self._pyramids = (self._highs, self._lows, self._volumes)
        self._known: dict[int, tuple[int, int, float]] = {}

    def _room(self, name: str, column: np.ndarray) -> np.ndarray:
        grown = np.full(self.count + max(SPARE, self.count // 4), UNSET.get(name, 0), column.dtype)
        grown[: self.count] = column[: self.count]
        return grown

    @property
    def capacity(self) -> int:
        return len(self.at)

    def append(self, bar: Bar) -> None:
        """Add `bar`, amortised O(1). Raises DataError when it is not later than the last one."""
        if self.count and bar.at <= self.at[self.count - 1]:
            raise DataError(f"bar of {bar.at} ns is not after the chart's last bar; set the bars again")
        if self.count == self.capacity:
            self._grow()
        self.count += 1
        self._put(bar, is_new=True)

    def update_last(self, bar: Bar) -> None:
        """Give the last bar new values, O(1). Raises DataError on an empty chart."""
        if not self.count:
            raise DataError("there is no last bar to update; append the first one")
        self._put(bar, is_new=False)

    def row(self, index: int) -> Bar:
        return Bar(int(self.at[index]), *(float(getattr(self, name)[index]) for name in COLUMNS), float("nan"))

    def low_high(self, start: int, stop: int) -> tuple[float, float]:
        """The lowest low and highest high of bars [start, stop)."""
        return self._over(1, start, stop), self._over(0, start, stop)

    def highest_volume(self, start: int, stop: int) -> float:
        return self._over(2, start, stop)

    def _over(self, which: int, start: int, stop: int) -> float:
        """An extreme; that of all bars but the last is remembered, for only the last one changes from frame to frame."""
        pyramid, edge = self._pyramids[which], min(stop, self.count - 1)
        known = self._known.get(which)
        if known is None or known[:2] != (start, edge):
            known = self._known[which] = (start, edge, pyramid.over(start, edge))
        return pyramid.with_last(known[2]) if stop == self.count and stop > start else known[2]

    def group(self, bars_a_pixel: float) -> int:
        """How many neighbours are folded together, so that a group is one to two pixels wide."""
        level, width = _zoom(bars_a_pixel)
        return int(width * FAN**level)

    def folded(self, start: int, stop: int, bars_a_pixel: float) -> Columns:
        """Bars [start, stop) folded; groups are counted from the first bar on, so they keep their places while panning."""
        level, width = _zoom(bars_a_pixel)
        group = width * FAN**level
        first, last = start // group, (stop - 1) // group
        count = last - first + 1
        starts = np.arange(first, last + 1, dtype=np.int64) * group
        ends = np.minimum(starts + group, self.count) - 1
        high, low, volume = (pyramid.columns(first, count, level, width) for pyramid in self._pyramids)
        return Columns(starts, group, self.open[starts], high, low, self.close[ends], volume)

    def _put(self, bar: Bar, is_new: bool) -> None:
        i = self.count - 1
        self.at[i], self.open[i], self.high[i], self.low[i] = bar.at, bar.open, bar.high, bar.low
        self.close[i], self.volume[i] = bar.close, bar.volume
        for pyramid in self._pyramids:
            pyramid.last_changed(is_new)

    def _grow(self) -> None:
        for name in ("at", *COLUMNS):
            setattr(self, name, self._room(name, getattr(self, name)))
        for pyramid, column in zip(self._pyramids, (self.high, self.low, self.volume), strict=True):
            pyramid.rebuild(column, self.count)


def _zoom(bars_a_pixel: float) -> tuple[int, int]:
    """Level of the pyramid and how many of its cells make a group."""
    level = 0
    while FAN ** (level + 1) <= bars_a_pixel:
        level += 1
    return level, max(1, math.ceil(bars_a_pixel / FAN**level))
