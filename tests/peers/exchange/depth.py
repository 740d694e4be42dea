"""The numbered changes of a book, so that a client can keep its own copy of it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from tests.peers.exchange.accounts import NOTHING
from tests.peers.exchange.book import Book, Level
from tests.peers.exchange.orders import BUY, SELL

FIRST_NUMBER = 70_000_000


@dataclass(frozen=True, slots=True)
class Change:
    """Levels that changed, a quantity of zero where one went; `first` is one more than the last change's `last`."""

    first: int
    last: int
    bids: list[Level]
    asks: list[Level]


class DepthLog:
    """One book as it was last shown."""

    def __init__(self, book: Book) -> None:
        self.number = FIRST_NUMBER
        self._book = book
        self._shown: dict[str, dict[Decimal, Decimal]] = {BUY: {}, SELL: {}}

    def take(self) -> Change | None:
        """What changed since this was asked last; None when nothing did."""
        bids, asks = self._difference(BUY), self._difference(SELL)
        if not bids and not asks:
            return None
        first = self.number + 1
        self.number += len(bids) + len(asks)
        return Change(first, self.number, bids, asks)

    def snapshot(self) -> tuple[int, list[Level], list[Level]]:
        """The number of the last change and the whole book, best first."""
        return self.number, self._book.ladder(BUY), self._book.ladder(SELL)

    def best(self) -> tuple[Level, Level]:
        """The best bid and ask; zeros for an empty side."""
        ladders = (self._book.ladder(side) for side in (BUY, SELL))
        bid, ask = (ladder[0] if ladder else (NOTHING, NOTHING) for ladder in ladders)
        return bid, ask

    def _difference(self, side: str) -> list[Level]:
        now, shown = dict(self._book.ladder(side)), self._shown[side]
        changed = [(price, quantity) for price, quantity in now.items() if shown.get(price) != quantity]
        gone = [(price, NOTHING) for price in shown if price not in now]
        self._shown[side] = now
        return changed + gone
