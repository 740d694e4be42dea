"""What the market shows to deal with, and what of it was taken already. What is shown can be taken once."""

from __future__ import annotations

import numpy as np

from engine.core.clock import SECOND, Nanos
from engine.domain.instrument import Steps
from engine.domain.market import Depth, Quote, Symbol, Ticks
from engine.rules.depth import walk

DEPTH_LIFE: Nanos = 5 * SECOND
"""A book this much older than the quote is not believed any more; a newer one is, where its best prices are the quoted."""

Level = tuple[Ticks, Steps]


class Liquidity:
    """By instrument: the last quote and book, and what orders took of them.

    What was taken at a price stays taken while the same size is shown there; another size is a new statement. Sides are those of
    the order that deals: +1 buys from the asks, -1 sells to the bids. A restart forgets books until the next one comes.
    """

    def __init__(self) -> None:
        self._books: dict[Symbol, Depth] = {}
        self._lost: set[Symbol] = set()
        """Whose book is not known any more; the last one still tells what was taken of it."""
        self._taken: dict[tuple[Symbol, int], dict[Ticks, Steps]] = {}

    def on_quote(self, before: Quote | None, quote: Quote) -> None:
        """The touch moved or was said again."""
        for side in (1, -1):
            taken = self._taken.get((quote.symbol, side))
            if not taken or before is None or touch(before, side) == touch(quote, side):
                continue
            if quote.symbol in self._books:
                taken.pop(touch(quote, side)[0], None)
            else:
                taken.clear()

    def on_depth(self, book: Depth) -> None:
        """A whole book, in place of the last one; one without levels is not known."""
        if not book.bids and not book.asks:
            self._lost.add(book.symbol)
            return
        before = None if book.symbol in self._lost else self._books.get(book.symbol)
        self._lost.discard(book.symbol)
        self._books[book.symbol] = book
        for side in (1, -1):
            shown = dict(_levels(book, side))
            known = {} if before is None else dict(_levels(before, side))
            taken = self._taken.get((book.symbol, side), {})
            self._taken[book.symbol, side] = {
                at: much for at, much in taken.items() if at not in known or shown.get(at) == known[at]
            }

    def take(self, quote: Quote, side: int, price: Ticks, steps: Steps) -> None:
        """An order dealt at `price`: what is shown is less by it from the best on, unless the other side came to the order."""
        if (price - touch(quote, side)[0]) * side < 0:
            return
        taken = self._taken.setdefault((quote.symbol, side), {})
        for at, much in self.deals(quote, side, None, steps) or ():
            taken[at] = taken.get(at, 0) + much

    def shown(self, quote: Quote, side: int) -> tuple[Level, ...]:
        """The levels an order of `side` can deal with at this quote, the best first; none where no size is known.

        The quote is the newer word on its own price, and what it has passed is not there any more.
        """
        price, size = touch(quote, side)
        book = self._believed(quote)
        if book is None:
            return ((price, size),) if size else ()
        levels = [level for level in _levels(book, side) if (level[0] - price) * side >= 0]
        if levels and levels[0][0] == price:
            return ((price, size), *levels[1:]) if size and quote.at > book.at else tuple(levels)
        return ((price, size), *levels) if size else tuple(levels)

    def has_book(self, quote: Quote) -> bool:
        """Whether more than the touch is known."""
        return self._believed(quote) is not None

    def _believed(self, quote: Quote) -> Depth | None:
        """The book beside this quote; None where there is none, or they are of different times."""
        book = self._books.get(quote.symbol)
        if book is None or quote.symbol in self._lost or quote.at - book.at > DEPTH_LIFE:
            return None
        if book.at - quote.at <= DEPTH_LIFE:
            return book
        touches = [levels[0][0] if levels else None for levels in (book.bids, book.asks)]
        return book if touches == [quote.bid, quote.ask] else None

    def deals(self, quote: Quote, side: int, worst: Ticks | None, wanted: Steps) -> list[Level] | None:
        """What an order of `wanted` steps gets at this quote, no worse than `worst`, by level; None where no size is known."""
        levels = self.shown(quote, side)
        if not levels:
            return None
        taken = self._taken.get((quote.symbol, side), {})
        prices = np.array([price for price, _ in levels], np.int64)
        sizes = np.array([size for _, size in levels], np.int64)
        gone = np.array([taken.get(price, 0) for price, _ in levels], np.int64)
        limit = levels[-1][0] if worst is None else worst
        deal = walk(prices, sizes, gone, side, limit, wanted)
        return [(price, int(steps)) for (price, _), steps in zip(levels, deal, strict=True) if steps]


def touch(quote: Quote, side: int) -> Level:
    """The best price and its size for an order of `side`."""
    return (quote.ask, quote.ask_size) if side > 0 else (quote.bid, quote.bid_size)


def _levels(book: Depth, side: int) -> tuple[Level, ...]:
    return book.asks if side > 0 else book.bids
