"""One order book as the library keeps it, judged and read in ticks and lot steps."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import islice
from typing import Any

from engine.core.clock import SECOND, Nanos
from engine.domain.instrument import Instrument
from engine.domain.market import Depth, Quote, Symbol, Ticks

LEVELS = 50
"""The most levels of a side that are told."""
OLD: Nanos = 10 * SECOND
"""A book whose own time is farther back than this is not told."""
_MS = 1_000_000

Levels = tuple[tuple[Ticks, int], ...]


class WatchedBook:
    """The book of one instrument. It is read when somebody asks, so that what nobody reads costs nothing."""

    def __init__(self, instrument: Instrument) -> None:
        self.symbol: Symbol = instrument.symbol
        self._instrument = instrument
        self._told: Any = None
        self._mark: Any = None
        self._at: Nanos = 0
        self._disagrees: Nanos | None = None

    def is_new(self, told: Any) -> bool:
        """Whether the library's book says something else than the last that was taken."""
        return bool(_mark(told) != self._mark)

    def take(self, told: Any, ahead_ms: int, now: Nanos) -> str:
        """Takes the library's book; why it is not known now: "none", "crossed", "old", or "" where it is."""
        self._mark, self._at, self._disagrees = _mark(told), now, None
        fault = self._fault(told, ahead_ms, now)
        self._told = None if fault else told
        return fault

    def lose(self, now: Nanos) -> bool:
        """It is not known any more; whether it was."""
        known, self._told, self._mark, self._at, self._disagrees = self._told is not None, None, None, now, None
        return known

    def read(self) -> Depth:
        """The book as it is at this moment, without levels where it is not known."""
        told = self._told
        if told is None:
            return Depth(self.symbol, self._at, (), ())
        bids, asks = self._levels(told["bids"], ROUND_FLOOR), self._levels(told["asks"], ROUND_CEILING)
        if not bids or not asks or bids[0][0] >= asks[0][0]:
            return Depth(self.symbol, self._at, (), ())
        return Depth(self.symbol, self._at, bids, asks)

    def disagrees_for(self, quote: Quote, now: Nanos) -> Nanos:
        """For how long its best prices have been others than those quoted (ns)."""
        if self._told is None or self._best() == (quote.bid, quote.ask):
            self._disagrees = None
            return 0
        if self._disagrees is None:
            self._disagrees = now
        return now - self._disagrees

    def _fault(self, told: Any, ahead_ms: int, now: Nanos) -> str:
        if self._mark is None:
            return "none"
        if Decimal(str(told["bids"][0][0])) >= Decimal(str(told["asks"][0][0])):
            return "crossed"
        at = told.get("timestamp")
        return "old" if at is not None and now - (at - ahead_ms) * _MS > OLD else ""

    def _best(self) -> tuple[Ticks, Ticks] | None:
        bids, asks = self._told["bids"], self._told["asks"]
        if not bids or not asks:
            return None
        return self._ticks(bids[0][0], ROUND_FLOOR), self._ticks(asks[0][0], ROUND_CEILING)

    def _levels(self, told: Iterable[Any], rounding: str) -> Levels:
        """The best levels; those that lie on one tick are one."""
        found: dict[Ticks, int] = {}
        for row in islice(told, LEVELS):
            price = self._ticks(row[0], rounding)
            found[price] = found.get(price, 0) + int(Decimal(str(row[1])) / self._instrument.lot_step)
        return tuple((price, size) for price, size in found.items() if size > 0)

    def _ticks(self, price: Any, rounding: str) -> Ticks:
        return int((Decimal(str(price)) / self._instrument.tick_size).to_integral_value(rounding))


def _mark(told: Any) -> Any:
    """What tells a book from the one before; None where there is none, or it waits for its snapshot."""
    if told is None or not told["bids"] or not told["asks"]:
        return None
    return told.get("nonce"), told.get("timestamp"), tuple(told["bids"][0][:2]), tuple(told["asks"][0][:2])
