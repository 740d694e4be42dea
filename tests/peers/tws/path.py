"""A price path that is a function of time: the same instant has the same price in every request and in the live feed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from tests.peers.tws.contracts import Contract
from tests.peers.tws.hours import is_open, session_bounds, session_day

PERIODS_S = np.geomspace(0.9, 90 * 86_400.0, 32)
ROUGHNESS = 6e-6
"""How far the price strays, as a part of itself, over a second; over t seconds the square root of t as far."""


@dataclass(frozen=True, slots=True)
class Bar:
    """Open, high, low, close of the mid price between two times (s since 1970); volume and count are 0 where nothing trades."""

    start: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int
    count: int


class Path:
    """Sums of waves with phases drawn from the seed and the contract, passing through `price` at `anchor` (s since 1970).

    `thinness` divides what is traded.
    """

    def __init__(self, contract: Contract, anchor: float, seed: int) -> None:
        random = np.random.default_rng([seed, contract.con_id])
        self._contract = contract
        self._phases = random.uniform(0.0, 2 * np.pi, PERIODS_S.size)
        self._sizes = ROUGHNESS * np.sqrt(PERIODS_S) * random.uniform(0.5, 1.5, PERIODS_S.size)
        self._price = float(contract.price)
        self._tick = float(contract.tick)
        self.thinness = 1
        self._anchor = anchor
        self._base = self._wave(np.zeros(1))[0]

    def at(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mid prices at these times (s since 1970)."""
        strayed: NDArray[np.float64] = np.exp(self._wave(np.asarray(seconds, np.float64) - self._anchor) - self._base)
        return self._price * strayed

    def mid(self, seconds: float) -> Decimal:
        """The mid price on the contract's grid."""
        return self._priced(self.at(np.array([seconds]))[0])

    def bars(self, starts: list[int], size_s: int, until: float) -> list[Bar]:
        """One bar for each start, closing where the next one opens; the last one is cut at `until`, so nothing is foreseen."""
        if not starts:
            return []
        step = max(1, min(60, size_s // 5))
        inside = np.arange(0, size_s + step, step, dtype=np.float64)
        inside[-1] = size_s
        prices = self.at(np.minimum(np.asarray(starts, np.float64)[:, None] + inside[None, :], until))
        made = []
        for start, row in zip(starts, prices, strict=True):
            first, high, low, last = (self._priced(value) for value in (row[0], row.max(), row.min(), row[-1]))
            volume = (start // 60 * 7 + self._contract.con_id) % 97 + size_s // 60 if self._contract.trades else 0
            volume = -(-volume // self.thinness)
            made.append(Bar(start, first, high, low, last, volume, volume // 2))
        return made

    def _priced(self, value: float) -> Decimal:
        """The nearest price on the contract's grid."""
        return round(value / self._tick) * self._contract.tick

    def _wave(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        total = np.zeros(np.shape(seconds))
        for period, phase, size in zip(PERIODS_S, self._phases, self._sizes, strict=True):
            total += size * np.sin(seconds * (2 * np.pi / period) + phase)
        return total


def bar_starts(since: datetime, until: datetime, size_s: int, regular: bool = False) -> list[int]:
    """Starts (s since 1970) of the bars of this size between two aware times, in trading hours only.

    A day bar starts where its session opens. A bar that `until` cuts is given, as TWS does.
    """
    if size_s >= 86_400:
        return _session_starts(since, until)
    first = -(-int(since.timestamp()) // size_s) * size_s
    starts = range(first, int(until.timestamp()), size_s)
    return [at for at in starts if is_open(datetime.fromtimestamp(at, UTC), regular)]


def _session_starts(since: datetime, until: datetime) -> list[int]:
    starts = []
    day = session_day(since)
    while session_bounds(day)[0] < until:
        opening = session_bounds(day)[0]
        if day.weekday() < 5 and opening >= since:
            starts.append(int(opening.timestamp()))
        day += timedelta(days=1)
    return starts
