"""Order books of an exchange and what others trade there, streamed; a book that cannot be true is told as not known."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from random import Random
from typing import Any

from engine.brokers.backoff import Backoff
from engine.brokers.exchange.client import close_client
from engine.brokers.exchange.prints import MarketPrints
from engine.brokers.exchange.trouble import told
from engine.brokers.exchange.venue import ExchangeVenue
from engine.brokers.exchange.watched_book import WatchedBook
from engine.core.clock import SECOND, Nanos
from engine.core.errors import BrokerError, FeedError
from engine.domain.instrument import INSTRUMENTS, Instrument
from engine.domain.market import Depth, Quote, Symbol, Trade

MOST_TRADES = 1_000
"""Trades that may wait to be read; the oldest make room."""
STALLED: Nanos = 5 * SECOND
"""How long a book may say nothing while its best prices are others than those that are quoted."""
_GAPS = ("ChecksumError", "InvalidNonce")
_GAPS_IN_A_ROW = 3


class DepthStream:
    """Books and trades of `symbols` at a connected venue, as far as it streams them; what it does not trade is left out.

    `news` is set when `next` has something. Of books the newest is kept, of trades the newest `MOST_TRADES`. `quoted` tells the
    last good quote, by which a book that has stalled is found. `counts` has gaps, crossed, old, stalls, twice and lost.
    """

    def __init__(
        self,
        venue: ExchangeVenue,
        symbols: Iterable[Symbol],
        *,
        random: Random,
        instruments: Mapping[Symbol, Instrument] = INSTRUMENTS,
        quoted: Callable[[Symbol], Quote | None] = lambda _symbol: None,
        poll_s: float = 1.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        wanted = set(symbols)
        names = {name: instruments[symbol] for name, symbol in venue.names.items() if symbol in wanted}
        self.counts: Counter[str] = Counter()
        self.trouble = ""
        self.news = asyncio.Event()
        self._books = {name: WatchedBook(instrument) for name, instrument in names.items()}
        self._prints = {name: MarketPrints(instrument) for name, instrument in names.items()}
        self._changed: dict[str, None] = {}
        self._trades: deque[Trade] = deque(maxlen=MOST_TRADES)
        self._venue = venue
        self._quoted = quoted
        self._poll_s = poll_s
        self._sleep = sleep
        self._backoff = Backoff(random)
        self._gaps = 0

    def next(self) -> Depth | Trade | None:
        """What nobody has read yet, a trade before books; None when that is all."""
        if self._trades:
            return self._trades.popleft()
        if not self._changed:
            return None
        name = next(iter(self._changed))
        del self._changed[name]
        return self._books[name].read()

    async def run(self) -> None:
        """Streams until it is cancelled, whatever the exchange does; BrokerError once the venue is closed."""
        while True:
            client = self._venue.new_client()
            try:
                await self._follow(client)
            except (BrokerError, FeedError) as error:
                self.trouble = str(error)
            except Exception as error:  # the library raises whatever comes; the books must come back all the same
                self.counts["lost"] += 1
                self.trouble = str(told(error, self._venue.wire.where, "streaming order books"))
            finally:
                for name in self._books:
                    self._lose(name)
                await close_client(client)
            await self._sleep(self._backoff.next())

    async def _follow(self, client: Any) -> None:
        calls, waiting = self._calls(client), dict[tuple[str, str], asyncio.Future[Any]]()
        if not calls:
            await asyncio.Event().wait()  # it streams none of it: until the feed is closed
        self._gaps, begun = 0, self._venue.clock.now()
        for prints in self._prints.values():
            prints.begin(begun)
        try:
            while True:
                for key, call in calls.items():
                    if key not in waiting:
                        waiting[key] = asyncio.ensure_future(call())
                await asyncio.wait(waiting.values(), timeout=self._poll_s, return_when=asyncio.FIRST_COMPLETED)
                for key in [key for key, each in waiting.items() if each.done()]:
                    self._hear(key[0], waiting.pop(key), is_book=key[1] == "book")
                for name in self._books:  # what the library has may be newer than what a call returned
                    self._print(name, client.trades.get(name) or ())
                    self._look(name, client.orderbooks.get(name))
        finally:
            for each in waiting.values():
                each.cancel()
            await asyncio.gather(*waiting.values(), return_exceptions=True)

    def _calls(self, client: Any) -> dict[tuple[str, str], Callable[[], Awaitable[Any]]]:
        ways = {"book": ("watchOrderBook", client.watch_order_book), "trades": ("watchTrades", client.watch_trades)}
        return {
            (name, kind): partial(watch, name)
            for kind, (word, watch) in ways.items()
            if client.has.get(word)
            for name in self._books
        }

    def _hear(self, name: str, done: asyncio.Future[Any], *, is_book: bool) -> None:
        """What a call came to; a gap in a book is mended by the next call, which subscribes again."""
        if done.cancelled():
            raise FeedError(f"{self._venue.wire.where} was disconnected in the middle; connecting anew")
        error = done.exception()
        if error is not None:
            if not is_book or type(error).__name__ not in _GAPS or self._gaps >= _GAPS_IN_A_ROW:
                raise error
            self._gaps += 1
            self.counts["gap"] += 1
            self._lose(name)

    def _print(self, name: str, told_trades: Sequence[Any]) -> None:
        prints, now = self._prints[name], self._venue.clock.now()
        for trade in prints.take(told_trades, self._ahead_ms, now):
            self._trades.append(trade)
            self.news.set()
        self.counts["twice"] = sum(it.twice for it in self._prints.values())

    def _look(self, name: str, told_book: Any) -> None:
        book, now = self._books[name], self._venue.clock.now()
        if not book.is_new(told_book):
            quote = self._quoted(book.symbol)
            if quote is not None and book.disagrees_for(quote, now) > STALLED:
                self.counts["stall"] += 1
                raise FeedError(f"{self._venue.wire.where} streams nothing new of {book.symbol}'s book; connecting anew")
            return
        fault = book.take(told_book, self._ahead_ms, now)
        if not fault:
            self._gaps, self.trouble = 0, ""
            self._backoff.reset()
        elif fault != "none":
            self.counts[fault] += 1
        self._tell(name)
        if fault == "crossed":
            raise FeedError(f"{self._venue.wire.where} told a crossed book of {book.symbol}; asking for it anew")

    def _lose(self, name: str) -> None:
        if self._books[name].lose(self._venue.clock.now()):
            self._tell(name)

    def _tell(self, name: str) -> None:
        self._changed[name] = None
        self.news.set()

    @property
    def _ahead_ms(self) -> int:
        return self._venue.wire.offset_ms or 0
