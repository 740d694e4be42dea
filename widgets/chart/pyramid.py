"""Extremes of a growing column at every zoom: level k holds the minimum (or maximum) of 4^k neighbours."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.domain.market import Floats

FAN = 4
Pick = Callable[[float, float], float]


class Pyramid:
    """Minimum or maximum over any range of a column in O(log n). The column itself belongs to the caller."""

    def __init__(self, column: Floats, count: int, ufunc: np.ufunc) -> None:
        """`ufunc` is np.minimum or np.maximum; the first `count` values of `column` are set."""
        self._ufunc = ufunc
        self._pick: Pick = min if ufunc is np.minimum else max
        self._nothing = np.inf if ufunc is np.minimum else -np.inf
        self._levels = [column]
        self.rebuild(column, count)

    def rebuild(self, column: Floats, count: int) -> None:
        """Start again from `column`, with as many spare places on each level as it has."""
        self.count = count
        self._levels = [column]
        while len(self._levels[-1]) > FAN:
            below = self._levels[-1]
            above = np.full(-(-len(below) // FAN), self._nothing)
            count = -(-count // FAN)
            self._fold_into(above[:count], below)
            self._levels.append(above)

    def _fold_into(self, above: Floats, below: Floats) -> None:
        whole = len(below) // FAN
        ufunc, n = self._ufunc, min(len(above), whole)
        a, b, c, d = (below[i : n * FAN : FAN] for i in range(FAN))
        ufunc(ufunc(a, b), ufunc(c, d), out=above[:n])
        if n < len(above):
            above[n] = ufunc.reduce(below[n * FAN :])

    def last_changed(self, is_new: bool) -> None:
        """A value was appended to the column (`is_new`), or its last one changed; amortised O(1)."""
        index = self.count if is_new else self.count - 1
        self.count = index + 1
        pick, below = self._pick, self._levels[0]
        for above in self._levels[1:]:
            index //= FAN
            start = index * FAN
            block = below[start : start + FAN].tolist()
            found = block[0]
            for other in block[1:]:
                found = pick(found, other)
            if found == above[index]:
                return
            above[index] = found
            below = above

    def over(self, start: int, stop: int) -> float:
        """The extreme of column[start:stop]; +-inf of an empty range."""
        found, pick, reduce = self._nothing, self._pick, self._ufunc.reduce
        for level in self._levels:
            if stop <= start:
                return float(found)
            if stop - start <= FAN * FAN or level is self._levels[-1]:
                return float(pick(found, reduce(level[start:stop])))
            inner_start, inner_stop = -(-start // FAN), stop // FAN
            if start < inner_start * FAN:
                found = pick(found, reduce(level[start : inner_start * FAN]))
            if inner_stop * FAN < stop:
                found = pick(found, reduce(level[inner_stop * FAN : stop]))
            start, stop = inner_start, inner_stop
        return float(found)

    def with_last(self, found: float) -> float:
        """The extreme of `found` and the last value."""
        return self._pick(found, float(self._levels[0][self.count - 1]))

    def columns(self, first: int, count: int, level: int, width: int) -> Floats:
        """Extremes of `count` neighbouring groups of width * 4^level values, from group number `first` on; width 1 to 4."""
        used = -(-self.count // FAN**level)
        cells = self._levels[level][first * width : min((first + count) * width, used)]
        if len(cells) < count * width:
            cells = np.concatenate([cells, np.full(count * width - len(cells), self._nothing)])
        found = cells[::width]
        for offset in range(1, width):
            found = self._ufunc(found, cells[offset::width])
        return found
