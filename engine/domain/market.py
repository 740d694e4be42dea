"""What a market says: quotes and bars. Quotes are integers, bars are floats; see DESIGN "Numbers and time"."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.core.clock import DAY, HOUR, MINUTE, Nanos
from engine.core.errors import UserError

Ticks = int
Symbol = str
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Quote(NamedTuple):
    """The best bid and ask, in ticks, at `at` (ns UTC); sizes in lot steps, 0 = unknown.

    `path` says that the way from the previous quote of this instrument to this one was continuous (an edge within
    a recorded bar), so that a stop on the way fills at its own price. A jump (tick, live quote, a bar's open) has False.
    """

    symbol: Symbol
    at: Nanos
    bid: Ticks
    ask: Ticks
    path: bool = False
    bid_size: int = 0
    ask_size: int = 0


class Bar(NamedTuple):
    """One bar: `at` is its open time (ns UTC); prices and `spread` in price units, `volume` as the source counts it."""

    at: Nanos
    open: float
    high: float
    low: float
    close: float
    volume: float
    spread: float


class BarSide(str, Enum):
    """Which side of the market a recorded bar was made of."""

    BID = "bid"
    MID = "mid"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Timeframe:
    """A bar's length. Grids are multiples of `span` since the epoch (UTC)."""

    name: str
    span: Nanos

    def floor(self, at: Nanos) -> Nanos:
        """The open time of the bar that `at` falls in."""
        return at - at % self.span

    @classmethod
    def of(cls, name: str) -> Timeframe:
        """The timeframe called `name` (any case); UserError for an unknown one."""
        try:
            return TIMEFRAMES[name.upper()]
        except KeyError:
            raise UserError(f"timeframe {name!r} is not known; use one of {', '.join(TIMEFRAMES)}") from None


TIMEFRAMES = {
    frame.name: frame
    for frame in (
        Timeframe("M1", MINUTE),
        Timeframe("M5", 5 * MINUTE),
        Timeframe("M15", 15 * MINUTE),
        Timeframe("M30", 30 * MINUTE),
        Timeframe("H1", HOUR),
        Timeframe("H4", 4 * HOUR),
        Timeframe("D1", DAY),
    )
}


@dataclass(frozen=True, slots=True)
class Bars:
    """A run of bars as columns of equal length, ascending by `at` (open time, int64 ns UTC).

    `open`, `high`, `low`, `close`, `spread` are float64 in price units; `spread` is NaN where the source has none.
    `volume` is float64 in the source's own unit.
    """

    at: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    spread: Floats

    def __len__(self) -> int:
        return len(self.at)

    def __getitem__(self, rows: slice) -> Bars:
        return Bars(*(getattr(self, name)[rows] for name in BAR_COLUMNS))

    def row(self, index: int) -> Bar:
        """Bar number `index` as plain numbers."""
        return Bar(int(self.at[index]), *(float(getattr(self, name)[index]) for name in BAR_COLUMNS[1:]))

    @classmethod
    def empty(cls) -> Bars:
        return cls(np.empty(0, np.int64), *(np.empty(0) for _ in BAR_COLUMNS[1:]))

    @classmethod
    def join(cls, parts: list[Bars]) -> Bars:
        """The parts one after the other; they must already be in order."""
        if not parts:
            return cls.empty()
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in BAR_COLUMNS))


BAR_COLUMNS = ("at", "open", "high", "low", "close", "volume", "spread")


@dataclass(frozen=True, slots=True)
class QuoteColumns:
    """A run of recorded quotes as columns, ascending by `at` (int64 ns UTC); `bid` and `ask` float64 in price units."""

    at: Ints
    bid: Floats
    ask: Floats

    def __len__(self) -> int:
        return len(self.at)


class Depth(NamedTuple):
    """A book of one instrument at `at` (ns UTC): (price in ticks, size in lot steps) a level, the best first."""

    symbol: Symbol
    at: Nanos
    bids: tuple[tuple[Ticks, int], ...]
    asks: tuple[tuple[Ticks, int], ...]


class Trade(NamedTuple):
    """A trade others made: `price` in ticks, `size` in lot steps, `at` in ns UTC."""

    symbol: Symbol
    at: Nanos
    price: Ticks
    size: int
