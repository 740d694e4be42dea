"""The built-in simulated market as a tape: history behind it, and quotes without end."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from engine.core.clock import Nanos, from_iso
from engine.domain.instrument import Instrument
from engine.domain.market import Bars, Symbol
from engine.market.synthetic import SyntheticChunk, SyntheticMarket
from engine.market.tape import Reel, bar_rows, quote_rows

HISTORY_WEEKS = 8
QUOTES_PER_BAR = 12
STRETCH = 120
"""Bars of a reel."""
START: Nanos = from_iso("2026-01-05T08:00:00")
"""Weeks begin on Monday as London opens, so that whoever starts the program sees a market that moves."""


class SimulatedTape:
    """The seeded market of `instrument` from week `first` on; the weeks before are its history."""

    def __init__(self, instrument: Instrument, seed: int, first: int = HISTORY_WEEKS) -> None:
        self._instrument, self._seed, self._first = instrument, seed, first

    @cached_property
    def _market(self) -> SyntheticMarket:
        """Made when it is first asked for: it loads the compiler, and a chart of what is remembered does not wait for that."""
        return SyntheticMarket(self._instrument, self._seed, START, QUOTES_PER_BAR)

    @property
    def symbol(self) -> Symbol:
        return self._instrument.symbol

    @property
    def quotes(self) -> None:
        return None

    def history(self) -> Bars:
        """The M1 bars of the weeks before the tape starts."""
        return Bars.join([self._market.chunk(week).bars for week in range(self._first)])

    def reels(self) -> Iterator[Reel]:
        week = self._first
        while True:
            yield from _reels(self.symbol, self._market.chunk(week))
            week += 1


def _reels(symbol: Symbol, chunk: SyntheticChunk) -> Iterator[Reel]:
    """A week in stretches short enough that making one is not felt."""
    per_bar = chunk.quotes_per_bar
    for start in range(0, len(chunk.bars), STRETCH):
        rows = slice(start * per_bar, (start + STRETCH) * per_bar)
        quotes = quote_rows(symbol, chunk.at[rows], chunk.bid[rows], chunk.ask[rows])
        yield Reel(quotes, bar_rows(chunk.bars[start : start + STRETCH]), range(0, len(quotes), per_bar))
