"""Order books and trades of several instruments on one line, on every connection anew."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from random import Random

from engine.brokers.backoff import Backoff
from engine.brokers.ib.contracts import is_future
from engine.brokers.ib.depth import DepthStream, TradeStream
from engine.brokers.ib.link import Link
from engine.brokers.ib.listing import Listed
from engine.brokers.ib.reconnect import Sleep, ended, started
from engine.brokers.ib.subscription import Subscription
from engine.core.clock import Clock
from engine.core.errors import BrokerError
from engine.domain.market import Depth, Symbol, Trade

MOST_TRADES = 4096
"""Trades that wait for a reader; then the oldest are dropped."""
REFUSED_FIRST_S, REFUSED_CAP_S = 40.0, 600.0
"""How long to wait after a refusal: TWS takes the same instrument up after 15 s at the earliest, and places become free."""

Make = Callable[[Link, Listed], Subscription]


class Waiting:
    """What nobody has read yet: the newest book of each instrument, and trades in their order."""

    def __init__(self) -> None:
        self.news = asyncio.Event()
        self._books: dict[Symbol, Depth] = {}
        self._trades: deque[Trade] = deque(maxlen=MOST_TRADES)

    def book(self, book: Depth) -> None:
        """Takes the place of an older book of the instrument."""
        self._books[book.symbol] = book
        self.news.set()

    def trade(self, trade: Trade) -> None:
        """Waits behind the others."""
        self._trades.append(trade)
        self.news.set()

    def drop(self, symbol: Symbol) -> None:
        """What waits of the instrument is not told any more."""
        kept = [trade for trade in self._trades if trade.symbol != symbol]
        self._trades.clear()
        self._trades.extend(kept)

    def take(self) -> Depth | Trade | None:
        """The next: trades first, for the newest book is what they left."""
        if self._trades:
            return self._trades.popleft()
        return self._books.pop(next(iter(self._books))) if self._books else None


class Depths:
    """Reads what there is. `linked` waits for the connection, `find` finds an instrument's contract on it; `say` is given the
    sentence for what TWS does not tell, which is asked for again after a while."""

    def __init__(
        self,
        linked: Callable[[], Awaitable[Link]],
        find: Callable[[Link, Symbol], Awaitable[Listed]],
        clock: Clock,
        random: Random,
        sleep: Sleep,
        say: Callable[[str], None],
    ) -> None:
        self._linked = linked
        self._find = find
        self._clock = clock
        self._random = random
        self._sleep = sleep
        self._say = say
        self._readers: set[asyncio.Task[None]] = set()
        self._open: dict[Subscription, Symbol] = {}
        self._waiting: list[Waiting] = []

    async def read(self, symbols: Sequence[Symbol]) -> AsyncIterator[Depth | Trade]:
        """Until `close`."""
        waiting = Waiting()
        self._waiting.append(waiting)
        readers = [
            started(self._follow(symbol, make), f"{what} of {symbol} from TWS")
            for symbol in symbols
            for what, make in self._kinds(symbol, waiting).items()
        ]
        self._readers.update(readers)
        for reader in readers:
            reader.add_done_callback(lambda _: waiting.news.set())
        try:
            while not any(reader.done() for reader in readers):
                await waiting.news.wait()
                waiting.news.clear()
                while (told := waiting.take()) is not None:
                    yield told
        finally:
            self._waiting.remove(waiting)
            self._readers.difference_update(readers)
            await ended(*readers)

    def renew(self, symbol: Symbol) -> None:
        """The instrument's contract is another one from here on."""
        for subscription in [it for it, of in self._open.items() if of == symbol]:
            subscription.end()
        for waiting in self._waiting:
            waiting.drop(symbol)

    async def close(self) -> None:
        """Ends what is read; safe twice."""
        readers, self._readers = list(self._readers), set()
        await ended(*readers)

    def _kinds(self, symbol: Symbol, waiting: Waiting) -> dict[str, Make]:
        kinds: dict[str, Make] = {"depth": lambda link, listed: DepthStream(link, listed, self._clock, waiting.book)}
        if is_future(symbol):  # spot metals and currencies are quoted only
            kinds["trades"] = lambda link, listed: TradeStream(link, listed, self._clock, waiting.trade)
        return kinds

    async def _follow(self, symbol: Symbol, make: Make) -> None:
        """Subscribes for ever. A refusal waits long, a connection that was lost only until the next."""
        lost = Backoff(self._random)
        refused = Backoff(self._random, REFUSED_FIRST_S, REFUSED_CAP_S)
        while True:
            link = await self._linked()
            try:
                await self._until_over(symbol, make(link, await self._find(link, symbol)))
                lost.reset()
            except BrokerError as error:
                if link.is_open:
                    self._say(str(error))
                await self._sleep((refused if link.is_open else lost).next())

    async def _until_over(self, symbol: Symbol, subscription: Subscription) -> None:
        """Returns where it was ended from here."""
        self._open[subscription] = symbol
        try:
            subscription.start()
            await subscription.over()
        finally:
            del self._open[subscription]
            subscription.close()
