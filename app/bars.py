"""The window's own copy of the session's bars: what the chart is drawn from, whatever the engine does meanwhile."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from engine.core.clock import DAY
from engine.domain.market import BAR_COLUMNS, Bar, Bars


class BarLog:
    """Closed bars of the session's timeframe, in order, and the one that is forming."""

    def __init__(self, before: Bars) -> None:
        self._base = before
        self._tail: list[Bar] = []
        self.forming: Bar | None = None
        self.before_day: float | None = None
        """The last close of the day before, None where nothing is before it."""
        self.day: list[float] = []
        """Closes of the newest bar's day, midnight to midnight UTC."""
        self._start_day(before)

    def extend(self, bars: Iterable[Bar]) -> None:
        """Closed bars, later than all before."""
        for bar in bars:
            if bar.at // DAY != self._today:
                self.before_day = self.day[-1] if self.day else None
                self._today, self.day = bar.at // DAY, []
            self.day.append(bar.close)
            self._tail.append(bar)

    def _start_day(self, before: Bars) -> None:
        self._today = int(before.at[-1]) // DAY if len(before) else -1
        first = int(np.searchsorted(before.at, self._today * DAY))
        self.before_day = float(before.close[first - 1]) if first else None
        self.day = before.close[first:].tolist()

    def all(self) -> Bars:
        """Everything, the forming bar last."""
        if self._tail:
            self._base = Bars.join([self._base, _columns(self._tail)])
            self._tail.clear()
        return self._base if self.forming is None else Bars.join([self._base, _columns([self.forming])])


def _columns(bars: list[Bar]) -> Bars:
    columns = zip(*bars, strict=True)
    kinds = (np.int64 if name == "at" else np.float64 for name in BAR_COLUMNS)
    return Bars(*(np.array(column, kind) for column, kind in zip(columns, kinds, strict=True)))
