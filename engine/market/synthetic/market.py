"""The simulated market as a sequence of weeks, each reproducible on its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.core.clock import MINUTE, WEEK, Nanos, from_iso
from engine.core.errors import UserError
from engine.domain.instrument import Instrument
from engine.domain.market import Bars, BarSide, Floats, Ints
from engine.market.synthetic.timetable import Timetable, timetable

DEFAULT_START: Nanos = from_iso("2026-01-05T00:00:00")
"""Where a market starts that is not told when: a Monday, 00:00 UTC."""

_MOST_QUOTES = 600


@dataclass(frozen=True, slots=True)
class SyntheticChunk:
    """One week of the market.

    `at` (ns UTC, strictly ascending), `bid` and `ask` (ticks of the instrument) are int64 columns of quotes, each a jump
    (`path` is False). `bars` are the M1 bars of the same quotes, on the instrument's bar side, in price units: open, high,
    low and close of its quotes, `spread` their mean to the tick, `volume` the deals of the minute. Bar i holds the quotes
    [i * quotes_per_bar, (i + 1) * quotes_per_bar).
    """

    index: int
    quotes_per_bar: int
    at: Ints
    bid: Ints
    ask: Ints
    bars: Bars

    def __len__(self) -> int:
        return len(self.at)


class SyntheticMarket:
    """An endless market: week `index` of the same instrument, seed, start and `quotes_per_bar` is always the same.

    Weeks are counted from `start` (ns UTC, a whole minute; default DEFAULT_START). Not for use by several threads at once.
    Raises UserError for an instrument without a simulated market, or a `quotes_per_bar` outside 1 to 600.
    """

    def __init__(self, instrument: Instrument, seed: int, start: Nanos | None = None, quotes_per_bar: int = 12) -> None:
        if not 1 <= quotes_per_bar <= _MOST_QUOTES:
            raise UserError(f"a simulated bar can hold 1 to {_MOST_QUOTES} quotes, not {quotes_per_bar}")
        if seed < 0:
            raise UserError(f"the seed of a simulated market is a whole number from 0 up, not {seed}")
        from engine.market.synthetic.kernel import FAIR, PRICE, STATE_SIZE
        from engine.market.synthetic.parameters import terms_of

        self.instrument = instrument
        self.seed = seed
        self.start = DEFAULT_START if start is None else start - start % MINUTE
        self.quotes_per_bar = quotes_per_bar
        self._terms = terms_of(instrument)
        first = np.zeros(STATE_SIZE)
        first[[PRICE, FAIR]] = self._terms.level
        self._states = [first]

    def chunk(self, index: int) -> SyntheticChunk:
        """Week `index`, counted from 0; UserError below that. What lies between it and the last week read is computed first."""
        if index < 0:
            raise UserError(f"the simulated market has no week {index}; it starts at week 0")
        while len(self._states) <= index:
            self._simulate(len(self._states) - 1)
        return self._simulate(index)

    def _simulate(self, index: int) -> SyntheticChunk:
        from engine.market.synthetic import kernel

        begin = self.start + index * WEEK
        table = timetable(self.instrument.sessions, begin, begin + WEEK)
        shape = (len(table.at), self.quotes_per_bar)
        draw = np.random.Generator(np.random.PCG64(np.random.SeedSequence((self.seed, index))))
        normals = draw.standard_normal((shape[0], kernel.NORMALS_PER_MINUTE))
        uniforms = draw.random((shape[0], kernel.UNIFORMS_PER_MINUTE))
        noise, wobble = draw.standard_normal(shape), draw.random(shape)
        at, bid, ask = (np.empty(shape, np.int64) for _ in range(3))
        volume = np.empty(shape[0])
        state = self._states[index].copy()
        kernel.simulate(
            self._terms, state, table.activity, table.quiet, table.edge, table.news, table.gap,
            normals, uniforms, noise, wobble, table.at, at, bid, ask, volume,
        )  # fmt: skip
        if len(self._states) == index + 1:
            self._states.append(state)
        bars = self._bars(table, bid, ask, volume)
        return SyntheticChunk(index, self.quotes_per_bar, at.ravel(), bid.ravel(), ask.ravel(), bars)

    def _bars(self, table: Timetable, bid: Ints, ask: Ints, volume: Floats) -> Bars:
        side = _on_side(self.instrument.bar_side, bid, ask)
        prices = (side[:, 0], side.max(axis=1), side.min(axis=1), side[:, -1])
        spread = self._price(np.rint((ask - bid).mean(axis=1)))
        open_, high, low, close = (self._price(column) for column in prices)
        return Bars(table.at, open_, high, low, close, volume, spread)

    def _price(self, ticks: Floats | Ints) -> Floats:
        """Ticks as the float64 nearest to their decimal price, as a reader of text would have it."""
        per_unit = 1 / self.instrument.tick_size
        exact = per_unit == per_unit.to_integral_value()
        tick = float(self.instrument.tick_size)
        return (ticks / float(per_unit) if exact else ticks * tick).astype(np.float64, copy=False)


def _on_side(side: BarSide, bid: Ints, ask: Ints) -> Ints:
    if side is BarSide.MID:
        return (bid + ask) // 2
    return bid if side is BarSide.BID else ask
