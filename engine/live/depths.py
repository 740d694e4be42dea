"""Order books and trades of others in a live session: given to a broker that fills by them, and shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from engine.core.errors import BrokerError, FeedError
from engine.core.log import logger
from engine.core.steady import SteadyClock
from engine.domain.market import Depth, Symbol, Trade
from engine.ports.outside import LiveFeed, OutsideBroker, ShowsDepth, TakesDepth

SLICE_NS = 1_000_000
"""How long books and trades are taken in before others get their turn."""
REST_S = 0.25
SHOWN = 20
"""The best levels of a side that a window is told."""

Step = Callable[[Callable[[], None]], None]
_log = logger("depths")


class Depths:
    """`run` follows what the feed tells of `symbols`, each as a step of the session; `books` are the last, for the window.

    A book whose quotes may not be traded on is not known to the broker.
    """

    def __init__(
        self, feed: LiveFeed, broker: OutsideBroker, clock: SteadyClock, step: Step, is_tradeable: Callable[[Symbol], bool]
    ) -> None:
        self.books: dict[Symbol, Depth] = {}
        self.trades = 0
        self._feed = feed
        self._broker = broker if isinstance(broker, TakesDepth) else None
        self._clock = clock
        self._step = step
        self._is_tradeable = is_tradeable

    async def run(self, symbols: Sequence[Symbol]) -> None:
        """Follows until it is cancelled; for ever, though the feed may show nothing."""
        if not isinstance(self._feed, ShowsDepth):
            await asyncio.Event().wait()
            return
        while True:
            try:
                begun = self._clock.monotonic()
                async for told in self._feed.depth(symbols):
                    self._take(told)
                    if self._clock.monotonic() - begun >= SLICE_NS:
                        await asyncio.sleep(0)
                        begun = self._clock.monotonic()
            except (BrokerError, FeedError) as error:
                _log.warning("order books stopped", why=str(error))
            for symbol in tuple(self.books):
                self._take(_unknown(symbol, self._clock.now()))
            await asyncio.sleep(REST_S)

    def shown(self) -> tuple[Depth, ...]:
        """The best levels of each book that is known."""
        return tuple(
            book._replace(bids=book.bids[:SHOWN], asks=book.asks[:SHOWN])
            for book in self.books.values()
            if book.bids or book.asks
        )

    def forget(self, symbol: Symbol) -> None:
        """Its book is another contract's from here on."""
        if symbol in self.books:
            self._take(_unknown(symbol, self._clock.now()))

    def _take(self, told: Depth | Trade) -> None:
        is_tradeable = self._is_tradeable(told.symbol)
        if isinstance(told, Trade):
            self.trades += 1
            if self._broker is not None and is_tradeable:
                self._step(partial(self._broker.on_trade, told))
            return
        self.books[told.symbol] = told
        if self._broker is not None:
            self._step(partial(self._broker.on_depth, told if is_tradeable else _unknown(told.symbol, told.at)))


def _unknown(symbol: Symbol, at: int) -> Depth:
    return Depth(symbol, at, (), ())
