"""The window's own copy of the session's bars: what the chart is drawn from, whatever the engine does meanwhile."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from engine.domain.market import BAR_COLUMNS, Bar, Bars


class BarLog:
    """Closed bars of the session's timeframe, in order, and the one that is forming."""

    def __init__(self, before: Bars) -> None:
        self._base = before
        self._tail: list[Bar] = []
        self.forming: Bar | None = None

    def extend(self, bars: Iterable[Bar]) -> None:
        """Closed bars, later than all before."""
        self._tail.extend(bars)

    def all(self) -> Bars:
        """Everything, the forming bar last."""
        if self._tail:
            self._base = Bars.join([self._base, _columns(self._tail)])
            self._tail.clear()
        return self._base if self.forming is None else Bars.join([self._base, _columns([self.forming])])

    def closes(self, count: int) -> list[float]:
        """The last `count` closes, for a small line."""
        if len(self._tail) >= count:
            return [bar.close for bar in self._tail[-count:]]
        return self.all().close[-count:].tolist()


def _columns(bars: list[Bar]) -> Bars:
    columns = zip(*bars, strict=True)
    kinds = (np.int64 if name == "at" else np.float64 for name in BAR_COLUMNS)
    return Bars(*(np.array(column, kind) for column, kind in zip(columns, kinds, strict=True)))
