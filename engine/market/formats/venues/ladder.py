"""An order book kept up from a snapshot and its changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from engine.core.clock import Nanos
from engine.market.formats.venues.events import Best


class Ladder:
    """Price levels of both sides; `best` reports where the best bid or ask changed. Of `depth` levels a side where it is set."""

    def __init__(self, depth: int | None = None) -> None:
        self._depth = depth
        self._bids: dict[float, float] = {}
        self._asks: dict[float, float] = {}
        self._last: tuple[float, float] | None = None

    def reset(self, bids: Iterable[Sequence[Any]], asks: Iterable[Sequence[Any]]) -> None:
        """A snapshot: levels as [price, size, ...]."""
        self._bids.clear()
        self._asks.clear()
        self.change(bids, asks)

    def change(self, bids: Iterable[Sequence[Any]], asks: Iterable[Sequence[Any]]) -> None:
        """Levels with their new size; zero removes one."""
        for side, levels in ((self._bids, bids), (self._asks, asks)):
            for price, size in ((float(level[0]), float(level[1])) for level in levels):
                if size:
                    side[price] = size
                else:
                    side.pop(price, None)
        if self._depth:
            _cut(self._bids, self._depth, min)
            _cut(self._asks, self._depth, max)

    def best(self, line: int, at: Nanos) -> list[Best]:
        """The best bid and ask if they changed; nothing while a side is empty or the book is crossed."""
        if not self._bids or not self._asks:
            return []
        found = max(self._bids), min(self._asks)
        if found == self._last or found[0] >= found[1]:
            return []
        self._last = found
        return [Best(line, at, *found)]


def _cut(side: dict[float, float], depth: int, worst: Any) -> None:
    """Levels that fell out of the depth are no longer kept up by the exchange."""
    while len(side) > depth:
        del side[worst(side)]
