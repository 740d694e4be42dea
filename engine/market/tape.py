"""A tape: recorded or generated market data as the stretch of quotes the pipeline is fed with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, repeat
from typing import Protocol

import numpy as np

from engine.domain.instrument import Instrument
from engine.domain.market import BAR_COLUMNS, Bar, Bars, BarSide, Ints, Quote, QuoteColumns, Symbol, Timeframe

CHUNK = 512
_BAR_PATH = (False, True, True, True)
"""A recorded bar's first quote is a jump, the others are its path."""


@dataclass(frozen=True, slots=True)
class Reel:
    """A stretch of a tape: its quotes, the recorded bars they unfold, and the index of each bar's first quote, in order."""

    quotes: list[Quote]
    bars: list[Bar]
    starts: Sequence[int]


class Tape(Protocol):
    """An ordered supply of reels. The same tape always gives the same reels."""

    @property
    def symbol(self) -> Symbol: ...

    @property
    def quotes(self) -> int | None:
        """How many quotes there are in all; None for an endless tape."""
        ...

    def reels(self) -> Iterator[Reel]:
        """All reels from the start."""
        ...


class BarTape:
    """Recorded bars as quotes: four a bar (DESIGN "Bars as quotes")."""

    def __init__(self, instrument: Instrument, timeframe: Timeframe, bars: Bars) -> None:
        self.instrument = instrument
        self.timeframe = timeframe
        self.bars = bars

    @property
    def symbol(self) -> Symbol:
        return self.instrument.symbol

    @property
    def quotes(self) -> int:
        return 4 * len(self.bars)

    def reels(self) -> Iterator[Reel]:
        for start in range(0, len(self.bars), CHUNK):
            yield self._reel(self.bars[start : start + CHUNK])

    def _reel(self, bars: Bars) -> Reel:
        from engine.rules.paths import as_ticks, unfold

        tick = float(self.instrument.tick_size)
        ohlc = np.column_stack([as_ticks(column, tick) for column in (bars.open, bars.high, bars.low, bars.close)])
        spread = spread_ticks(bars, self.instrument)
        times, path = np.empty(4 * len(bars), np.int64), np.empty(4 * len(bars), np.int64)
        unfold(bars.at, ohlc, spread, self.timeframe.span, times, path)
        bid, ask = sides(path, np.repeat(spread, 4), self.instrument.bar_side)
        rows = bar_rows(replace(bars, spread=(spread * tick).astype(np.float64)))
        return Reel(quote_rows(self.symbol, times, bid, ask, cycle(_BAR_PATH)), rows, range(0, len(times), len(_BAR_PATH)))


class TickTape:
    """Recorded quotes as they came."""

    def __init__(self, instrument: Instrument, quotes: QuoteColumns) -> None:
        self.instrument = instrument
        self._quotes = quotes

    @property
    def symbol(self) -> Symbol:
        return self.instrument.symbol

    @property
    def quotes(self) -> int:
        return len(self._quotes)

    def reels(self) -> Iterator[Reel]:
        from engine.rules.paths import as_ticks

        tick = float(self.instrument.tick_size)
        for start in range(0, len(self._quotes), 4 * CHUNK):
            rows = slice(start, start + 4 * CHUNK)
            bid, ask = (as_ticks(column[rows], tick) for column in (self._quotes.bid, self._quotes.ask))
            yield Reel(quote_rows(self.symbol, self._quotes.at[rows], bid, ask), [], ())


def quote_rows(symbol: Symbol, at: Ints, bid: Ints, ask: Ints, path: Iterable[bool] = repeat(False)) -> list[Quote]:
    """The columns as quotes; built without a call of Python's for each, which takes less than half the time."""
    rows = zip(repeat(symbol), at.tolist(), bid.tolist(), ask.tolist(), path, repeat(0), repeat(0), strict=False)
    return list(map(tuple.__new__, repeat(Quote), rows))


def bar_rows(bars: Bars) -> list[Bar]:
    """The columns as bars."""
    columns = (getattr(bars, name).tolist() for name in BAR_COLUMNS)
    return list(map(tuple.__new__, repeat(Bar), zip(*columns, strict=True)))


def spread_ticks(bars: Bars, instrument: Instrument) -> Ints:
    """The spread of each bar in ticks; the instrument's own where the file has none."""
    spread = np.rint(bars.spread / float(instrument.tick_size))
    return np.where(np.isnan(spread), instrument.spread, spread).astype(np.int64)


def sides(price: Ints, spread: Ints, side: BarSide) -> tuple[Ints, Ints]:
    """Bid and ask (ticks) of a price that was recorded on `side`."""
    if side is BarSide.BID:
        return price, price + spread
    if side is BarSide.ASK:
        return price - spread, price
    below = price - spread // 2
    return below, below + spread
