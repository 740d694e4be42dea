"""How the session's instruments move together: exponentially weighted correlation of their bars' log returns.

The estimate is RiskMetrics' (J.P. Morgan 1996, part II, 5.2): cov <- d cov + (1 - d) r1 r2, variances alike, mean taken as zero,
with d such that a bar counts half after `half_life` bars.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import log, sqrt

import numpy as np

from engine.core.clock import Nanos
from engine.domain.market import Bars, Symbol

LEAST = 30
"""Joint bars before a correlation is told; until then it is unknown."""

_MEMORY = 10
"""Half-lives of history that still make a difference."""


class _Pair:
    """Two instruments; returns are taken between bars that both have, so that a hole in one does not shift the other."""

    __slots__ = ("_closes", "_covariance", "_decay", "_first", "_second", "count")

    def __init__(self, decay: float) -> None:
        self._decay = decay
        self._closes: tuple[float, float] | None = None
        self._first = self._second = self._covariance = 0.0
        self.count = 0

    def push(self, first: float, second: float) -> None:
        before, self._closes = self._closes, (first, second)
        if before is None:
            return
        one, two, keep = log(first / before[0]), log(second / before[1]), self._decay
        self._first = keep * self._first + (1 - keep) * one * one
        self._second = keep * self._second + (1 - keep) * two * two
        self._covariance = keep * self._covariance + (1 - keep) * one * two
        self.count += 1

    @property
    def correlation(self) -> float | None:
        """None while unknown; 0.0 where one of them does not move at all."""
        if self.count < LEAST:
            return None
        scale = sqrt(self._first * self._second)
        return max(-1.0, min(1.0, self._covariance / scale)) if scale > 0 else 0.0


class Correlations:
    """Every pair of `symbols`, fed by closed bars of one timeframe. `half_life` in bars."""

    def __init__(self, symbols: Sequence[Symbol], half_life: int) -> None:
        self._half_life = half_life
        self._others = {symbol: tuple(other for other in symbols if other != symbol) for symbol in symbols}
        decay = 0.5 ** (1 / half_life)
        self._pairs = {frozenset(pair): (pair, _Pair(decay)) for pair in combinations(symbols, 2)}
        self._closed: dict[Symbol, tuple[Nanos, float]] = {}
        self._told: dict[Symbol, dict[Symbol, float | None]] = {}

    def push(self, symbol: Symbol, at: Nanos, close: float) -> None:
        """A closed bar."""
        others = self._others[symbol]
        if not others:
            return
        self._closed[symbol] = (at, close)
        self._told.clear()
        for other in others:
            closed = self._closed.get(other)
            if closed is not None and closed[0] == at:
                (first, _), pair = self._pairs[frozenset((symbol, other))]
                pair.push(*((close, closed[1]) if first == symbol else (closed[1], close)))

    def warm(self, before: Mapping[Symbol, Bars]) -> None:
        """The bars that lie before the session."""
        self._told.clear()
        for (first, second), pair in self._pairs.values():
            one, two = before[first], before[second]
            _, mine, theirs = np.intersect1d(one.at, two.at, assume_unique=True, return_indices=True)
            newest = slice(-_MEMORY * self._half_life, None)
            for closes in zip(one.close[mine[newest]].tolist(), two.close[theirs[newest]].tolist(), strict=True):
                pair.push(*closes)

    def between(self, one: Symbol, other: Symbol) -> float | None:
        """Correlation of two different instruments, -1 to 1; None while fewer than LEAST joint bars are known."""
        return self._pairs[frozenset((one, other))][1].correlation

    def of(self, symbol: Symbol) -> Mapping[Symbol, float | None]:
        """The correlation of `symbol` with every other instrument, as `between` tells it; worked out once a bar."""
        told = self._told.get(symbol)
        if told is None:
            told = self._told[symbol] = {other: self.between(symbol, other) for other in self._others[symbol]}
        return told
