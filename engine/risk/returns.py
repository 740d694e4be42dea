"""The returns the session's instruments had together: the scenarios that value at risk and expected shortfall are of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from math import ceil, exp, log, pi, sqrt
from statistics import NormalDist
from struct import Struct

import numpy as np

from engine.core.clock import DAY, Nanos
from engine.domain.instrument import Cash
from engine.domain.limits import Limits
from engine.domain.market import Bars, Floats, Symbol
from engine.rules.var import METHODS, tails

LEAST = 100
"""Bars before anything is told; until then it is unknown."""


class Returns:
    """The last `limits.var_bars` log returns of closed bars `span` ns long, a column for each moment at which any closed.

    An instrument without a bar at that moment did not move then, and has the whole move in its next one.
    """

    def __init__(self, symbols: Sequence[Symbol], span: Nanos, limits: Limits) -> None:
        self._rows = {symbol: row for row, symbol in enumerate(symbols)}
        self._nothing = (0.0,) * len(symbols)
        packed = bytearray(8 * len(symbols))
        self._exposures: Floats = np.frombuffer(packed)
        self._pack = partial(Struct(f"={len(symbols)}d").pack_into, packed, 0)
        self._rest: Floats = np.zeros(limits.var_bars)
        self._held: Floats = np.zeros(2)
        self._measured: tuple[Mapping[Symbol, float] | None, Symbol] = None, ""
        """The book and the instrument that `_rest` and `_held` are of, until the next bar."""
        self._cells = memoryview(bytearray(8 * len(symbols) * limits.var_bars)).cast("d", (len(symbols), limits.var_bars))
        """What is kept, a number at a time: half the time of an array's own way."""
        self._kept: Floats = np.asarray(self._cells)
        self._most = limits.var_bars
        self._closes: dict[Symbol, float] = {}
        self._at: Nanos = -1
        self._newest = -1
        self.count = 0
        self._scale = sqrt(DAY / span)
        self._method = METHODS.index(limits.var_method)
        self._tail_share = float(1 - limits.confidence)
        self._z = NormalDist().inv_cdf(float(limits.confidence))
        self._tail_z = exp(-self._z * self._z / 2) / sqrt(2 * pi) / self._tail_share
        self._sized(0)

    def _sized(self, count: int) -> None:
        """So many scenarios are known from here on."""
        self.count = count
        self.is_known = count >= LEAST
        self._places = max(1, ceil(self._tail_share * count - 1e-9))

    def push(self, symbol: Symbol, at: Nanos, close: float) -> None:
        """A closed bar."""
        self._measured = None, ""
        before = self._closes.get(symbol)
        self._closes[symbol] = close
        if before is None or before <= 0 or close <= 0:
            return
        if at != self._at:
            self._turn(at)
        self._cells[self._rows[symbol], self._newest] += log(close / before)

    def _turn(self, at: Nanos) -> None:
        """Begins a scenario, in place of the oldest where there is no room."""
        self._at = at
        self._newest = newest = (self._newest + 1) % self._most
        for row in self._rows.values():
            self._cells[row, newest] = 0.0
        if self.count < self._most:
            self._sized(self.count + 1)

    def warm(self, before: Mapping[Symbol, Bars]) -> None:
        """The bars that lie before the session."""
        newest = self._kept.shape[1] + 1
        merged = sorted(
            (at, symbol, close)
            for symbol, bars in before.items()
            for at, close in zip(bars.at[-newest:].tolist(), bars.close[-newest:].tolist(), strict=True)
        )
        for at, symbol, close in merged:
            self.push(symbol, at, close)

    def measure(
        self,
        signed: Mapping[Symbol, float],
        symbol: Symbol,
        after: float,
        out_of: float,
        equity: Cash,
        cost: Cash,
        loss: Cash,
        rows: Floats,
    ) -> None:
        """Fills the rows of value at risk and expected shortfall of one day: engine.rules.var.

        `signed` are the values of the positions, a mapping that nobody changes later; `after` and `out_of` that of `symbol` after
        the fill and once stopped out.
        """
        is_known = self._measured[0] is signed and self._measured[1] == symbol
        if not is_known:
            self._pack(*map(signed.get, self._rows, self._nothing))
            self._measured = signed, symbol
        tails(
            self._kept,
            self._exposures,
            self._rows[symbol],
            after,
            out_of,
            self.count,
            self._places,
            self._scale,
            self._z,
            self._tail_z,
            self._method,
            equity,
            cost,
            loss,
            rows,
            self._rest,
            self._held,
            is_known,
        )
